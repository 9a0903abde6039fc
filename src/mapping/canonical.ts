import type { Payload, PayloadValue } from './model.js';
import { readMoment } from './moments.js';

/**
 * One text for all payloads that Campaign holds alike: members in order, nothing for null, "", 0, false and objects of
 * these, which Campaign does not tell apart (campaign.md §2), points in time in one form, everything else exact. What is
 * hashed for the ledger is always this text. Types are the mapping's business: `toCampaign` and `fromCampaign` bring
 * values into the form of their field before.
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
  return JSON.stringify(typeof value === 'string' ? inOneForm(value) : value);
}

/** `2019-09-25 23:20:35.000Z` and `2019-09-25T23:20:35Z` are one moment. */
function inOneForm(text: string): string {
  if (text.length < 17 || text.length > 35 || text[4] !== '-' || text[7] !== '-') return text;
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/i.test(text);
  const moment = hasZone ? readMoment(text) : undefined;
  return moment ? new Date(moment.ms).toISOString() : text;
}
