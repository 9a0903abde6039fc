import type { Cursor } from './cursor.js';

/** A constant of a filter. Times are milliseconds since 1970; enum members are their bare name. */
export type Literal =
  | { type: 'string' | 'guid' | 'enum'; value: string }
  | { type: 'number' | 'dateTime'; value: number }
  | { type: 'boolean'; value: boolean }
  | { type: 'null'; value: null };

const GUID = /\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?(?![\w-])/iy;
/** An offset's `+` may have been read as a space on its way through a query string. */
const DATE_TIME = /(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+\- ]\d\d:?\d\d)?)?(?![\w-])/iy;
const NUMBER = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?:[lmfd](?!\w))?(?![\w-])/iy;
const STRING = /'((?:[^']|'')*)'/y;
const ENUM = /[A-Za-z_][\w]*(?:\.[\w]+)+'((?:[^']|'')*)'/y;

/** Reads the literal that comes next, or leaves the cursor where it was. */
export function takeLiteral(cursor: Cursor): Literal | undefined {
  const text = cursor.takeMatch(STRING);
  if (text) return { type: 'string', value: unquote(text[1]) };
  const guid = cursor.takeMatch(GUID);
  if (guid) return { type: 'guid', value: (guid[1] ?? '').toLowerCase() };
  const dateTime = cursor.takeMatch(DATE_TIME);
  if (dateTime) return { type: 'dateTime', value: timeOf(cursor, dateTime) };
  const number = cursor.takeMatch(NUMBER);
  if (number) return { type: 'number', value: Number(number[0].replace(/[lmfd]$/i, '')) };
  if (cursor.takeWord('true')) return { type: 'boolean', value: true };
  if (cursor.takeWord('false')) return { type: 'boolean', value: false };
  if (cursor.takeWord('null')) return { type: 'null', value: null };
  const member = cursor.takeMatch(ENUM);
  if (member) return { type: 'enum', value: unquote(member[1]) };
  return undefined;
}

const unquote = (quoted = ''): string => quoted.replaceAll("''", "'");

function timeOf(cursor: Cursor, [, date = '', time = '00:00:00', offset = 'Z']: RegExpExecArray): number {
  const ms = Date.parse(`${date}T${time}${offset.replace(' ', '+').toUpperCase()}`);
  if (Number.isNaN(ms)) throw cursor.fault();
  return ms;
}
