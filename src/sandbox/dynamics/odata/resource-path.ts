import { badRequest } from '../errors.js';
import { createCursor, type Cursor } from './cursor.js';
import { takeLiteral, type Literal } from './literal.js';

/** What stands in a segment's parentheses: a single value, or values by name. */
export interface KeyPredicate {
  /** `(<guid>)` and `('text')`. */
  value: Literal | undefined;
  named: Record<string, Literal>;
}

/** One segment of a resource path, e.g. `contacts(<guid>)`. */
export interface Segment {
  name: string;
  /** The text in the parentheses, when there are any. */
  inside: string | undefined;
}

const NAME = /[$A-Za-z_][\w.$]*/y;

/** Splits a path below the service root, percent-encoded as sent, into its segments. */
export function parseResourcePath(path: string): Segment[] {
  const cursor = createCursor(decodePath(path).replace(/^\/+|\/+$/g, ''));
  const segments: Segment[] = [];
  while (!cursor.atEnd()) {
    const name = cursor.takeMatch(NAME)?.[0];
    if (name === undefined) throw badRequest(`Bad Request - Error in query syntax.`);
    segments.push({ name, inside: cursor.take('(') ? textInside(cursor) : undefined });
    if (!cursor.atEnd()) cursor.expect('/');
  }
  return segments;
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw badRequest('Bad Request - Error in query syntax.');
  }
}

function textInside(cursor: Cursor): string {
  let inside = '';
  let depth = 1;
  for (;;) {
    const piece = cursor.takeHere(/'(?:[^']|'')*'|[^'()]+|[()]/y)?.[0];
    if (piece === undefined) throw badRequest('Bad Request - Error in query syntax.');
    if (piece === '(') depth++;
    if (piece === ')' && --depth === 0) return inside;
    inside += piece;
  }
}

/** Reads `(<guid>)`, `(contactid=<guid>)`, `(new_code='A-1',new_part=5)`. */
export function parseKey(inside: string): KeyPredicate {
  const cursor = createCursor(inside);
  const value = takeLiteral(cursor);
  if (value) {
    if (!cursor.atEnd()) throw badRequest('Bad Request - Error in query syntax.');
    return { value, named: {} };
  }
  const named: Record<string, Literal> = {};
  do {
    const name = cursor.takeMatch(NAME)?.[0];
    if (name === undefined) throw badRequest('Bad Request - Error in query syntax.');
    cursor.expect('=');
    const literal = takeLiteral(cursor);
    if (!literal) throw badRequest('Bad Request - Error in query syntax.');
    named[name] = literal;
  } while (cursor.take(','));
  if (!cursor.atEnd()) throw badRequest('Bad Request - Error in query syntax.');
  return { value: undefined, named };
}
