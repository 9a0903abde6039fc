import { badRequest } from '../errors.js';
import { createCursor, type Cursor } from './cursor.js';
import { parseFilter, parsePath, type FilterNode, type ParameterAliases } from './filter.js';

export interface OrderItem {
  path: string[];
  descending: boolean;
}

export interface ExpandItem {
  /** The navigation property, as written. */
  property: string;
  /** `nav/$ref` asks for references only. */
  reference: boolean;
  query: ODataQuery;
}

/** The query options of one request, decoded; nested ones of `$expand` have the same shape. */
export interface ODataQuery {
  /** Undefined: all columns. */
  select: string[] | undefined;
  filter: FilterNode | undefined;
  orderBy: OrderItem[];
  top: number | undefined;
  count: boolean;
  expand: ExpandItem[];
  skipToken: string | undefined;
  deltaToken: string | undefined;
  /** Values of `@name` options, by name without the `@`. */
  aliases: ParameterAliases;
  /** Every option, decoded, by its lower-case name (`$apply`, `fetchxml`, `tag` …). */
  options: ReadonlyMap<string, string>;
}

/**
 * Reads a request's query options.
 *
 * Names may be percent-encoded and in any case, `+` is a space (dataverse.md §13, "Addresses and queries").
 * Throws a 400 for what cannot be parsed, and for system options that Dataverse does not know.
 *
 * @param url an absolute or relative address, with or without a query.
 */
export function parseQuery(url: string): ODataQuery {
  const question = url.indexOf('?');
  const raw = question < 0 ? '' : url.slice(question + 1).replace(/#.*$/s, '');
  const options = new Map<string, string>();
  for (const pair of raw.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decodeOption(equals < 0 ? pair : pair.slice(0, equals));
    options.set(
      name.startsWith('@') ? name : name.toLowerCase(),
      decodeOption(equals < 0 ? '' : pair.slice(equals + 1)),
    );
  }
  return queryOf(options);
}

function decodeOption(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' ')).trim();
  } catch {
    throw badRequest(`The query option '${text}' is not correctly encoded.`);
  }
}

const SYSTEM_OPTIONS = new Set([
  '$select',
  '$filter',
  '$orderby',
  '$top',
  '$count',
  '$expand',
  '$skiptoken',
  '$deltatoken',
  '$apply',
  '$format',
  '$id',
]);

function queryOf(options: Map<string, string>): ODataQuery {
  const aliases: ParameterAliases = {};
  for (const [name, value] of options) {
    if (name.startsWith('@')) aliases[name.slice(1)] = value;
    else if (name === '$skip') throw badRequest("The query parameter '$skip' is not supported.");
    else if (name.startsWith('$') && !SYSTEM_OPTIONS.has(name)) {
      throw badRequest(`The query parameter ${name} is not supported`);
    }
  }
  const filter = options.get('$filter');
  return {
    select: selectOf(options.get('$select')),
    filter: filter === undefined || filter === '' ? undefined : parseFilter(filter, aliases),
    orderBy: parseOrderBy(options.get('$orderby')),
    top: topOf(options.get('$top')),
    count: options.get('$count')?.toLowerCase() === 'true',
    expand: parseExpand(options.get('$expand')),
    skipToken: options.get('$skiptoken'),
    deltaToken: options.get('$deltatoken'),
    aliases,
    options,
  };
}

function selectOf(text: string | undefined): string[] | undefined {
  if (text === undefined || text === '') return undefined;
  const columns = text
    .split(',')
    .map((column) => column.trim())
    .filter((column) => column !== '');
  return columns.includes('*') ? undefined : columns;
}

function topOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text))
    throw badRequest(
      `Invalid value '${text}' for $top query option found. The $top query option requires a non-negative integer value.`,
    );
  return Number(text);
}

function parseOrderBy(text: string | undefined): OrderItem[] {
  if (text === undefined || text === '') return [];
  const cursor = createCursor(text);
  const items: OrderItem[] = [];
  do {
    const path = parsePath(cursor);
    const descending = cursor.takeWord('desc');
    if (!descending) cursor.takeWord('asc');
    items.push({ path, descending });
  } while (cursor.take(','));
  if (!cursor.atEnd()) throw cursor.fault();
  return items;
}

function parseExpand(text: string | undefined): ExpandItem[] {
  if (text === undefined || text === '') return [];
  const cursor = createCursor(text);
  const items: ExpandItem[] = [];
  do {
    items.push(parseExpandItem(cursor));
  } while (cursor.take(','));
  if (!cursor.atEnd()) throw cursor.fault();
  return items;
}

const NAVIGATION = /[A-Za-z_]\w*/y;

function parseExpandItem(cursor: Cursor): ExpandItem {
  const property = cursor.takeMatch(NAVIGATION)?.[0];
  if (property === undefined) throw cursor.fault();
  const reference = cursor.take('/$ref');
  const options = new Map<string, string>();
  if (cursor.take('(')) {
    for (const option of splitOptions(insideParentheses(cursor))) {
      const equals = option.indexOf('=');
      if (equals < 0) throw cursor.fault();
      options.set(option.slice(0, equals).trim().toLowerCase(), option.slice(equals + 1).trim());
    }
  }
  return { property, reference, query: queryOf(options) };
}

/** The text up to the parenthesis that closes, which quotes and inner parentheses do not end. */
function insideParentheses(cursor: Cursor): string {
  let depth = 1;
  let inside = '';
  while (depth > 0) {
    const piece = cursor.takeHere(/'(?:[^']|'')*'|[^'()]+|[()]/y)?.[0];
    if (piece === undefined) throw cursor.fault();
    if (piece === '(') depth++;
    if (piece === ')') depth--;
    if (depth > 0) inside += piece;
  }
  return inside;
}

/** Splits at the semicolons of this level. */
function splitOptions(text: string): string[] {
  const options: string[] = [];
  let depth = 0;
  let quoted = false;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index);
    if (character === "'") quoted = !quoted;
    else if (!quoted && character === '(') depth++;
    else if (!quoted && character === ')') depth--;
    else if (!quoted && character === ';' && depth === 0) {
      options.push(text.slice(start, index));
      start = index + 1;
    }
  }
  options.push(text.slice(start));
  return options.filter((option) => option.trim() !== '');
}
