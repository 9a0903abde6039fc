import type { Payload, PayloadValue } from './model.js';

/**
 * One text for all payloads that Campaign holds alike: members in order, nothing for null, "", 0, false and objects of
 * these, which Campaign does not tell apart (campaign.md §2), everything else exact. What is hashed for the ledger is
 * always this text. Types are the mapping's business: `toCampaign` and `fromCampaign` bring values into the form of their
 * field before.
 */
export function canonical(payload: Payload): string {
  return objectText(payload) ?? '{}';
}

function objectText(payload: Payload): string | undefined {
  let members = '';
  for (const name of Object.keys(payload).toSorted()) {
    const text = valueText(payload[name] ?? null);
    if (text !== undefined) members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${text}`;
  }
  return members === '' ? undefined : `{${members}}`;
}

function valueText(value: PayloadValue | Payload): string | undefined {
  if (value === null || value === '' || value === 0 || value === false) return undefined;
  if (typeof value === 'object') return objectText(value);
  return JSON.stringify(value);
}
