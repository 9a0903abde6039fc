import type { SandboxContext } from '../context.js';
import { badPayload, badRequest } from './errors.js';
import type { ODataQuery } from './odata/query.js';
import type { Preferences } from './preferences.js';
import type { RecordStore } from './record-store.js';
import type { Schema } from './schema.js';

/** The simulated organisation, as every operation is given it. */
export interface Dataverse {
  context: SandboxContext;
  schema: Schema;
  records: RecordStore;
}

/** One request of the record protocol: an HTTP call or a part of a `$batch`. */
export interface Call {
  method: string;
  /** The service root with the host and version that the request used, e.g. `http://127.0.0.1:4801/api/data/v9.2/`. */
  base: string;
  /** Below the service root, still percent-encoded, without the query. */
  path: string;
  query: ODataQuery;
  /** The query as sent, without the question mark. */
  rawQuery: string;
  /** By lower-case name. */
  headers: Record<string, string | undefined>;
  preferences: Preferences;
  bodyText: string;
  /** What `$1` stands for in this change set: the entity id made by the part of that Content-ID. */
  references?: ReadonlyMap<string, string>;
}

/** An answer, still without the headers that all answers share. */
export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** An object leaves as JSON, a string as plain text. */
  body?: object | string;
  /** Rows that were written, which take modelled execution time. */
  rows?: number;
}

/** The request's body as a JSON object. */
export function jsonBody(call: Call): Record<string, unknown> {
  if (call.bodyText.trim() === '')
    throw badRequest('A non-empty request body is expected, but none was provided.');
  let body: unknown;
  try {
    body = JSON.parse(call.bodyText);
  } catch (error) {
    throw badPayload(`Invalid JSON. ${(error as Error).message}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw badPayload('Invalid JSON. A JSON object is expected.');
  }
  return body as Record<string, unknown>;
}

/** A precondition header; `null` says there is none (dataverse.md §13, "Headers"). */
export function precondition(call: Call, name: 'if-match' | 'if-none-match'): string | undefined {
  const value = call.headers[name]?.trim();
  return value === undefined || value === '' || value.toLowerCase() === 'null' ? undefined : value;
}
