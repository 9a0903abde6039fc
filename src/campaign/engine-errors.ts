import { jsonObject } from '../http/json.js';
import type { HttpAnswer } from '../http/request.js';

/** What an answer that is no success says, told from its text: the status alone says little (campaign.md §2 "Errors"). */
export type Verdict =
  /** The document does not exist, in Campaign's own words for it. */
  | { kind: 'absent' }
  | { kind: 'duplicate' }
  | Refusal
  /** 401. */
  | { kind: 'token' }
  /** 403: the account's rights. */
  | { kind: 'rights'; vendorCode?: string }
  | { kind: 'throttled' }
  /** Nothing is served at this address: the request is at fault, not the record. */
  | { kind: 'address' }
  /** The gateway's words for a wrong tenant, which it also says when it stumbles. */
  | { kind: 'oops' }
  /** Neither yes nor no. */
  | { kind: 'unknown' };

export interface Refusal {
  kind: 'refused';
  code: 'TEXT_TOO_LONG' | 'CHOICE_UNKNOWN' | 'FIELD_UNKNOWN' | 'CAMPAIGN_REFUSED';
  /** As Campaign names it, which may be part of a value when the text quotes one: to be checked against known names. */
  field?: string;
  vendorCode?: string;
}

/** JSON comes from the gateway, before Campaign is reached; text comes from Campaign's engine. */
export function verdictOf({ status, body }: HttpAnswer): Verdict {
  if (status === 401) return { kind: 'token' };
  if (status === 429) return { kind: 'throttled' };
  const gateway = jsonObject(body);
  if (status === 403) {
    const code = gateway?.error_code;
    return { kind: 'rights', ...(typeof code === 'string' && /^\d+$/.test(code) && { vendorCode: code }) };
  }
  return gateway ? gatewayVerdict(status, gateway) : engineVerdict(status, body);
}

/** A wrong tenant answers 400 on a cold start and 500 afterwards (campaign.md §1); 502 is a fault of provisioning, and may pass. */
function gatewayVerdict(status: number, { message }: Record<string, unknown>): Verdict {
  const isOops = typeof message === 'string' && message.includes('Check your URI');
  if (status === 400 || (status === 500 && isOops)) return { kind: 'oops' };
  return { kind: status === 404 || status === 405 ? 'address' : 'unknown' };
}

interface Rule {
  pattern: RegExp;
  refusal(match: RegExpExecArray): Refusal;
}

/** In this order; fields are named by Campaign as `@gender`, `nms:recipient:gender` or plainly. */
const REFUSALS: Rule[] = [
  {
    pattern: /is not valid for the '([\w:.@-]+)' enumeration(?: of the '@?([\w.-]+)' field)?/i,
    refusal: ([, enumeration, field]) => refused('CHOICE_UNKNOWN', field ?? enumeration?.split(':').at(-1)),
  },
  {
    pattern: /Cannot update the '@?([\w.-]+)' property that is read-only/i,
    refusal: ([, field]) => refused('FIELD_UNKNOWN', field),
  },
  {
    pattern: /'@?([\w./@-]{1,100})' property is not valid for the/i,
    refusal: ([, field]) => refused('FIELD_UNKNOWN', field),
  },
  { pattern: /Cannot update key/i, refusal: () => refused('CAMPAIGN_REFUSED', undefined, 'RST-360012') },
  {
    pattern: /too long|exceeds?[^\n]*(?:length|size)|maximum (?:length|size)/i,
    refusal: ({ input }) => refused('TEXT_TOO_LONG', fieldNear(input)),
  },
  { pattern: /Unable to decrypt PKey/i, refusal: () => refused('CAMPAIGN_REFUSED') },
  {
    pattern: /attribute unknown \(see definition of/i,
    refusal: () => refused('CAMPAIGN_REFUSED', undefined, 'XTK-170036'),
  },
  { pattern: /is not a valid constant/i, refusal: () => refused('CAMPAIGN_REFUSED') },
  {
    // Not documented: the words of a check that failed, as against those of a fault.
    pattern:
      /mandatory|is required|cannot be (?:empty|null)|is not valid|invalid value|(?:unable to|cannot) convert/i,
    refusal: ({ input }) => refused('CAMPAIGN_REFUSED', fieldNear(input), engineCode(input)),
  },
  {
    // The parser's codes: it has read the record and could not make sense of it.
    pattern: /\bXTK-17\d{4}\b/,
    refusal: ([code]) => refused('CAMPAIGN_REFUSED', undefined, code),
  },
];

function engineVerdict(status: number, text: string): Verdict {
  // Only with its status: the text of another error may quote a value that holds these words.
  if (status === 404 && /Unable to find document with path/i.test(text)) return { kind: 'absent' };
  if (/with the same key [^]* already exists|PGS-220000[^]*duplicate key value/i.test(text))
    return { kind: 'duplicate' };
  for (const { pattern, refusal } of REFUSALS) {
    const match = pattern.exec(text);
    if (match) return refusal(match);
  }
  if (status === 404) return { kind: 'address' };
  if (status >= 400 && status < 500 && status !== 408)
    return refused('CAMPAIGN_REFUSED', undefined, engineCode(text));
  return { kind: 'unknown' };
}

function refused(code: Refusal['code'], field?: string, vendorCode?: string): Refusal {
  return { kind: 'refused', code, ...(field && { field }), ...(vendorCode && { vendorCode }) };
}

const fieldNear = (text: string): string | undefined =>
  /field '?@?([A-Za-z][\w.]*)|'@?([A-Za-z][\w.]*)' (?:field|property)/.exec(text)?.slice(1).find(Boolean);

/** The first code that says more than that something was wrong. */
const engineCode = (text: string): string | undefined => /\b(?:RST|XTK|SOP)-(?!360011\b)\d+/.exec(text)?.[0];
