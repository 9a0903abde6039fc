import { badRequest } from '../errors.js';
import type { FilterNode, Operand } from '../odata/filter.js';
import type { Literal } from '../odata/literal.js';
import type { Column } from '../schema.js';
import type { Resolver } from './resolver.js';

/** Refuses a filter with unknown properties, or with constants of another type than their column (a 400 each). */
export function checkFilter(
  node: FilterNode,
  resolver: Resolver,
  variables: ReadonlyMap<string, Resolver> = new Map(),
): void {
  switch (node.kind) {
    case 'and':
    case 'or':
      checkFilter(node.left, resolver, variables);
      checkFilter(node.right, resolver, variables);
      return;
    case 'not':
      checkFilter(node.operand, resolver, variables);
      return;
    case 'compare':
    case 'text':
      checkOperands(node.left, node.right, (path) => columnAt(path, resolver, variables));
      return;
    case 'query-function':
      columnAt(node.path, resolver, variables);
      return;
    case 'lambda': {
      const items = resolver.behind(node.path);
      if (node.body) checkFilter(node.body, resolver, new Map([...variables, [node.variable, items]]));
    }
  }
}

function columnAt(path: string[], resolver: Resolver, variables: ReadonlyMap<string, Resolver>): Column {
  const items = variables.get(path[0] ?? '');
  return items ? items.column(path.slice(1)) : resolver.column(path);
}

function checkOperands(left: Operand, right: Operand, columnOf: (path: string[]) => Column): void {
  const leftColumn = left.kind === 'path' ? columnOf(left.path) : undefined;
  const rightColumn = right.kind === 'path' ? columnOf(right.path) : undefined;
  if (leftColumn && right.kind === 'literal') requireComparable(leftColumn, right.literal);
  if (rightColumn && left.kind === 'literal') requireComparable(rightColumn, left.literal);
}

function requireComparable(column: Column, literal: Literal): void {
  if (literal.type === 'null' || COMPARABLE[edmType(column)]?.includes(literal.type)) return;
  throw badRequest(
    `A binary operator with incompatible types was detected. Found operand types '${edmType(column)}' and '${LITERAL_TYPE[literal.type]}' for operator kind 'Equal'.`,
  );
}

function edmType(column: Column): string {
  switch (column.type) {
    case 'Integer':
    case 'Picklist':
    case 'State':
    case 'Status':
      return 'Edm.Int32';
    case 'BigInt':
      return 'Edm.Int64';
    case 'Decimal':
    case 'Money':
      return 'Edm.Decimal';
    case 'Double':
      return 'Edm.Double';
    case 'Boolean':
      return 'Edm.Boolean';
    case 'DateTime':
      return column.dateTimeBehavior === 'DateOnly' ? 'Edm.Date' : 'Edm.DateTimeOffset';
    case 'Lookup':
    case 'Customer':
    case 'Owner':
    case 'Uniqueidentifier':
    case 'File':
      return 'Edm.Guid';
    default:
      return 'Edm.String';
  }
}

const COMPARABLE: Record<string, Literal['type'][]> = {
  'Edm.Int32': ['number'],
  'Edm.Int64': ['number'],
  'Edm.Decimal': ['number'],
  'Edm.Double': ['number'],
  'Edm.Boolean': ['boolean'],
  'Edm.Date': ['dateTime'],
  'Edm.DateTimeOffset': ['dateTime'],
  // Quoted GUIDs are accepted, as clients send them.
  'Edm.Guid': ['guid', 'string'],
  'Edm.String': ['string', 'enum'],
};

const LITERAL_TYPE: Record<Literal['type'], string> = {
  string: 'Edm.String',
  guid: 'Edm.Guid',
  enum: 'Edm.String',
  number: 'Edm.Int32',
  dateTime: 'Edm.DateTimeOffset',
  boolean: 'Edm.Boolean',
  null: 'Edm.Null',
};
