import { badRequest } from '../errors.js';
import { createCursor, type Cursor } from './cursor.js';
import { takeLiteral, type Literal } from './literal.js';

export type ComparisonOperator = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le';
export type TextFunction = 'contains' | 'startswith' | 'endswith';

export type Operand = { kind: 'path'; path: string[] } | { kind: 'literal'; literal: Literal };

/** A parsed `$filter`. Paths are as written: navigation properties and columns, the column last. */
export type FilterNode =
  | { kind: 'and' | 'or'; left: FilterNode; right: FilterNode }
  | { kind: 'not'; operand: FilterNode }
  | { kind: 'compare'; operator: ComparisonOperator; left: Operand; right: Operand }
  | { kind: 'text'; name: TextFunction; left: Operand; right: Operand }
  | {
      kind: 'lambda';
      quantifier: 'any' | 'all';
      path: string[];
      variable: string;
      body: FilterNode | undefined;
    }
  /** A query function of the `Microsoft.Dynamics.CRM` namespace, e.g. `In`; values are text, as written. */
  | { kind: 'query-function'; name: string; path: string[]; values: string[] };

/** Values of `@name` options by name without the `@`, still as OData text. */
export type ParameterAliases = Record<string, string>;

const WORD = /[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)*/y;
const COMPARISON = /(eq|ne|gt|ge|lt|le)(?![\w./'])/iy;
const NAMESPACE = 'Microsoft.Dynamics.CRM.';

/**
 * Parses a decoded `$filter` text.
 *
 * Knows what Dataverse documents (dataverse.md §2, "$filter"): comparisons, also column to column, `and`, `or`,
 * `not`, `contains`, `startswith`, `endswith`, `any`, `all` and query functions. Throws a 400 otherwise.
 */
export function parseFilter(text: string, aliases: ParameterAliases = {}): FilterNode {
  const cursor = createCursor(text);
  const node = parseOr(cursor, aliases);
  if (!cursor.atEnd()) throw cursor.fault();
  return node;
}

function parseOr(cursor: Cursor, aliases: ParameterAliases): FilterNode {
  let left = parseAnd(cursor, aliases);
  while (cursor.takeWord('or')) left = { kind: 'or', left, right: parseAnd(cursor, aliases) };
  return left;
}

function parseAnd(cursor: Cursor, aliases: ParameterAliases): FilterNode {
  let left = parseTerm(cursor, aliases);
  while (cursor.takeWord('and')) left = { kind: 'and', left, right: parseTerm(cursor, aliases) };
  return left;
}

function parseTerm(cursor: Cursor, aliases: ParameterAliases): FilterNode {
  if (cursor.take('(')) {
    const group = parseOr(cursor, aliases);
    cursor.expect(')');
    return againstBoolean(cursor, group);
  }
  if (cursor.next(/not(?=[\s(])/iy)) {
    cursor.takeMatch(/not/iy);
    return { kind: 'not', operand: parseTerm(cursor, aliases) };
  }
  if (cursor.next(/[A-Za-z_][\w.]*\s*\(/y)) return againstBoolean(cursor, parseCall(cursor, aliases));
  return parseComparison(cursor, aliases);
}

/** `contains(…) eq true` says the same as `contains(…)`. */
function againstBoolean(cursor: Cursor, node: FilterNode): FilterNode {
  const operator = cursor.takeMatch(COMPARISON)?.[1]?.toLowerCase();
  if (operator === undefined) return node;
  const literal = takeLiteral(cursor);
  if (literal?.type !== 'boolean' || (operator !== 'eq' && operator !== 'ne')) throw cursor.fault();
  return (operator === 'eq') === literal.value ? node : { kind: 'not', operand: node };
}

function parseComparison(cursor: Cursor, aliases: ParameterAliases): FilterNode {
  const left = parseOperand(cursor, aliases);
  if (left.kind === 'path' && /^(any|all)$/.test(left.path.at(-1) ?? '') && cursor.take('(')) {
    return againstBoolean(cursor, parseLambda(cursor, left.path, aliases));
  }
  const operator = cursor.takeMatch(COMPARISON)?.[1]?.toLowerCase() as ComparisonOperator | undefined;
  if (operator !== undefined)
    return { kind: 'compare', operator, left, right: parseOperand(cursor, aliases) };
  if (left.kind === 'literal' && left.literal.type !== 'boolean') throw cursor.fault();
  return {
    kind: 'compare',
    operator: 'eq',
    left,
    right: { kind: 'literal', literal: { type: 'boolean', value: true } },
  };
}

function parseLambda(cursor: Cursor, path: string[], aliases: ParameterAliases): FilterNode {
  const quantifier = path.at(-1) as 'any' | 'all';
  const collection = path.slice(0, -1);
  if (cursor.take(')'))
    return { kind: 'lambda', quantifier, path: collection, variable: '', body: undefined };
  const variable = cursor.takeMatch(WORD)?.[0];
  if (variable === undefined) throw cursor.fault();
  cursor.expect(':');
  const body = parseOr(cursor, aliases);
  cursor.expect(')');
  return { kind: 'lambda', quantifier, path: collection, variable, body };
}

function parseOperand(cursor: Cursor, aliases: ParameterAliases): Operand {
  const alias = cursor.takeMatch(/@(\w+)/y)?.[1];
  if (alias !== undefined) return { kind: 'literal', literal: aliasLiteral(alias, aliases) };
  const literal = takeLiteral(cursor);
  if (literal) return { kind: 'literal', literal };
  return { kind: 'path', path: parsePath(cursor) };
}

export function parsePath(cursor: Cursor): string[] {
  const path: string[] = [];
  do {
    const word = cursor.takeMatch(WORD)?.[0];
    if (word === undefined) throw cursor.fault();
    path.push(word);
  } while (cursor.take('/'));
  return path;
}

function aliasLiteral(name: string, aliases: ParameterAliases): Literal {
  const value = aliases[name];
  if (value === undefined) throw badRequest(`The parameter alias '@${name}' has no value.`);
  const cursor = createCursor(value);
  const literal = takeLiteral(cursor);
  if (!literal || !cursor.atEnd()) throw cursor.fault();
  return literal;
}

function parseCall(cursor: Cursor, aliases: ParameterAliases): FilterNode {
  const name = cursor.takeMatch(WORD)?.[0] ?? '';
  cursor.expect('(');
  if (name.startsWith(NAMESPACE)) return parseQueryFunction(cursor, name.slice(NAMESPACE.length), aliases);
  if (name !== 'contains' && name !== 'startswith' && name !== 'endswith') {
    throw badRequest(
      `An unknown function with name '${name}' was found. This may also be a function import or a key lookup on a navigation property, which is not allowed.`,
    );
  }
  const left = parseOperand(cursor, aliases);
  cursor.expect(',');
  const right = parseOperand(cursor, aliases);
  cursor.expect(')');
  return { kind: 'text', name, left, right };
}

/** `PropertyName='x'` with `PropertyValues=[…]`, or `PropertyValue=…`, or neither, or two numbered values. */
function parseQueryFunction(cursor: Cursor, name: string, aliases: ParameterAliases): FilterNode {
  let path: string[] = [];
  const values: string[] = [];
  while (!cursor.take(')')) {
    const parameter = cursor.takeMatch(WORD)?.[0];
    if (parameter === undefined) throw cursor.fault();
    cursor.expect('=');
    const given = parameterValues(cursor, aliases);
    if (parameter === 'PropertyName') path = (given[0] ?? '').split('/');
    else values.push(...given);
    cursor.take(',');
  }
  if (path.length === 0)
    throw badRequest(`The function '${NAMESPACE}${name}' needs a parameter 'PropertyName'.`);
  return { kind: 'query-function', name, path, values };
}

function parameterValues(cursor: Cursor, aliases: ParameterAliases): string[] {
  const alias = cursor.takeMatch(/@(\w+)/y)?.[1];
  if (alias !== undefined) {
    const value = aliases[alias];
    if (value === undefined) throw badRequest(`The parameter alias '@${alias}' has no value.`);
    return parameterValues(createCursor(value), {});
  }
  if (!cursor.take('[')) return [parameterValue(cursor)];
  const values: string[] = [];
  while (!cursor.take(']')) {
    values.push(parameterValue(cursor));
    cursor.take(',');
  }
  return values;
}

function parameterValue(cursor: Cursor): string {
  const quoted = cursor.takeMatch(/"((?:[^"\\]|\\.)*)"/y);
  if (quoted) return JSON.parse(quoted[0]) as string;
  const literal = takeLiteral(cursor);
  if (!literal) throw cursor.fault();
  return literal.type === 'dateTime' ? new Date(literal.value).toISOString() : String(literal.value);
}
