import type { Call } from './call.js';
import { parseQuery } from './odata/query.js';
import { readPreferences } from './preferences.js';

const ROOT = /^\/api\/data\/v9\.\d(?:\/|(?=\?|$))/i;

/** A request as it came in, over HTTP or inside a batch. */
export interface RawRequest {
  method: string;
  /** Scheme, host and port that links in answers begin with. */
  origin: string;
  /** The service root where the address does not name one. */
  defaultBase: string;
  address: string;
  /** By lower-case name. */
  headers: Record<string, string | undefined>;
  bodyText: string;
}

/** Reads a request's address and headers. Throws a 400 for a query that cannot be parsed. */
export function readCall({ method, origin, defaultBase, address, headers, bodyText }: RawRequest): Call {
  const local = address.replace(/^https?:\/\/[^/?]+/i, '');
  const root = ROOT.exec(local)?.[0];
  const base = root === undefined ? defaultBase : `${origin}${root.replace(/\/?$/, '/')}`;
  const below = root === undefined ? local.replace(/^\//, '') : local.slice(root.length);
  const question = below.indexOf('?');
  return {
    method,
    base,
    path: question < 0 ? below : below.slice(0, question),
    rawQuery: question < 0 ? '' : below.slice(question + 1),
    query: parseQuery(local),
    headers,
    preferences: readPreferences(headers['prefer']),
    bodyText,
  };
}
