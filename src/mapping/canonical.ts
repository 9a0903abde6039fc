import type { Payload, PayloadValue } from './model.js';

/**
 * One text for all payloads that Campaign holds alike: members in order, and nothing for null, "", 0 and false, which Campaign
 * does not tell apart (campaign.md §2). What is hashed for the ledger is always this text.
 */
export function canonical(payload: Payload): string {
  return objectText(payload) ?? '{}';
}

function objectText(payload: Payload): string | undefined {
  const members: string[] = [];
  for (const name of Object.keys(payload).toSorted()) {
    const text = valueText(payload[name] ?? null);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return members.length > 0 ? `{${members.join(',')}}` : undefined;
}

function valueText(value: PayloadValue | Payload): string | undefined {
  if (value === null || value === '' || value === 0 || value === false) return undefined;
  return typeof value === 'object' ? objectText(value) : JSON.stringify(value);
}
