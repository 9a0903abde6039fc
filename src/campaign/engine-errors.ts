import type { HttpAnswer } from '../http/request.js';
import { jsonObject } from './tokens.js';

/** What an answer that is no success says, told from its text: the status alone says little (campaign.md §2 "Errors"). */
export type Verdict =
  | { kind: 'absent' }
  | { kind: 'duplicate' }
  | {
      kind: 'refused';
      code: 'TEXT_TOO_LONG' | 'CHOICE_UNKNOWN' | 'FIELD_UNKNOWN' | 'CAMPAIGN_REFUSED';
      field?: string;
      vendorCode?: string;
    }
  /** 401: the token. 403: rights. */
  | { kind: 'token' }
  | { kind: 'rights'; vendorCode?: string }
  | { kind: 'throttled' }
  | { kind: 'address' }
  /** Neither yes nor no. */
  | { kind: 'unknown' };

interface Rule {
  pattern: RegExp;
  verdict(match: RegExpExecArray): Verdict;
}

/** In this order; fields are named by Campaign as `@gender`, `nms:recipient:gender` or plainly. */
const ENGINE_RULES: Rule[] = [
  { pattern: /Unable to find document with path/i, verdict: () => ({ kind: 'absent' }) },
  {
    pattern: /with the same key .* already exists|PGS-220000[^]*duplicate key value/i,
    verdict: () => ({ kind: 'duplicate' }),
  },
  {
    pattern: /is not valid for the '([^']*)' enumeration(?: of the '@?([^']*)' field)?/i,
    verdict: (match) => refused('CHOICE_UNKNOWN', match[2] ?? match[1]?.split(':').at(-1)),
  },
  {
    pattern: /Cannot update the '@?([^']*)' property that is read-only/i,
    verdict: (match) => refused('FIELD_UNKNOWN', match[1]),
  },
  {
    pattern: /'@?([\w.\-/@]{1,100})' property is not valid for the/i,
    verdict: (match) => refused('FIELD_UNKNOWN', match[1]),
  },
  { pattern: /Cannot update key/i, verdict: () => refused('CAMPAIGN_REFUSED', undefined, 'RST-360012') },
  {
    pattern: /(?:too long|exceeds?[^\n]*(?:length|size)|maximum (?:length|size))/i,
    verdict: (match) => refused('TEXT_TOO_LONG', fieldNear(match.input)),
  },
  { pattern: /Unable to decrypt PKey/i, verdict: () => refused('CAMPAIGN_REFUSED', 'PKey') },
  {
    pattern: /attribute unknown \(see definition of|XTK-170036/i,
    verdict: () => refused('CAMPAIGN_REFUSED', undefined, 'XTK-170036'),
  },
  { pattern: /is not a valid constant/i, verdict: () => refused('CAMPAIGN_REFUSED') },
];

export function verdictOf({ status, body }: HttpAnswer): Verdict {
  if (status === 401) return { kind: 'token' };
  if (status === 429) return { kind: 'throttled' };
  const gateway = jsonObject(body);
  if (status === 403) {
    const vendorCode = typeof gateway?.error_code === 'string' ? gateway.error_code : undefined;
    return { kind: 'rights', ...(vendorCode && { vendorCode }) };
  }
  if (gateway) return status === 400 || status === 404 ? { kind: 'address' } : { kind: 'unknown' };
  for (const { pattern, verdict } of ENGINE_RULES) {
    const match = pattern.exec(body);
    if (match) return verdict(match);
  }
  if (status === 404) return { kind: 'address' };
  const vendorCode = /\b(?:RST|XTK|SOP|BAS)-\d+/.exec(body.replace(GENERIC_LINE, ''))?.[0];
  if (status >= 400 && status < 500) return refused('CAMPAIGN_REFUSED', undefined, vendorCode);
  // The engine has looked at the record and said no, in words that are not documented. Its generic line alone says nothing, and what
  // the database says (PGS-…) may be passing.
  if (status === 500 && vendorCode !== undefined && !/\bPGS-\d+/.test(body))
    return refused('CAMPAIGN_REFUSED', undefined, vendorCode);
  return { kind: 'unknown' };
}

const GENERIC_LINE = /RST-360011 An error has occurred - please contact your administrator\.?/g;

function refused(
  code: Extract<Verdict, { kind: 'refused' }>['code'],
  field?: string,
  vendorCode?: string,
): Verdict {
  return { kind: 'refused', code, ...(field && { field }), ...(vendorCode && { vendorCode }) };
}

const fieldNear = (text: string): string | undefined =>
  /field '?@?([A-Za-z][\w.]*)|'@?([A-Za-z][\w.]*)' (?:field|property)/.exec(text)?.slice(1).find(Boolean);
