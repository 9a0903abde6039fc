import type { Dataverse } from './call.js';
import { isLookup, propertyName } from './column-values.js';
import { badRequest, dataverseError, rowNotFound } from './errors.js';
import type { Literal } from './odata/literal.js';
import { parseKey, parseResourcePath, type KeyPredicate } from './odata/resource-path.js';
import { rowById } from './reading/row-source.js';
import type { StoredRow } from './records.js';
import type { AlternateKey, Table } from './schema.js';

/** How a request names one row. */
export type RowAddress =
  | { kind: 'id'; table: Table; id: string }
  | { kind: 'key'; table: Table; key: AlternateKey; values: Record<string, unknown> };

/** Reads what stands in the parentheses behind an entity set (dataverse.md §4, "Alternate keys"). */
export function rowAddress(table: Table, inside: string): RowAddress {
  const predicate = parseKey(inside);
  const id = primaryKeyOf(table, predicate);
  if (id !== undefined) return { kind: 'id', table, id };
  const properties = Object.keys(predicate.named);
  const key = table.keys.find(
    ({ status, columns }) =>
      status === 'Active' &&
      columns.length === properties.length &&
      columns.every((column) => properties.includes(keyProperty(table, column))),
  );
  if (!key) throw invalidKey(table);
  const values = Object.fromEntries(
    key.columns.map((column) => [column, keyValue(predicate.named[keyProperty(table, column)])]),
  );
  return { kind: 'key', table, key, values };
}

function primaryKeyOf(table: Table, { value, named }: KeyPredicate): string | undefined {
  const literal = value ?? (Object.keys(named).length === 1 ? named[table.primaryId] : undefined);
  if (!literal) return undefined;
  if (literal.type === 'guid') return literal.value;
  throw badRequest(
    `Error occurred while parsing the key: '${String(literal.value)}' is no valid value of type Edm.Guid.`,
  );
}

const keyProperty = (table: Table, name: string): string => {
  const column = table.columns[name];
  return column ? propertyName(column) : name;
};

/** Times are compared as they are stored. */
function keyValue(literal: Literal | undefined): unknown {
  if (literal?.type !== 'dateTime') return literal?.value;
  return new Date(literal.value).toISOString().replace('.000Z', 'Z');
}

const invalidKey = (table: Table) =>
  badRequest(
    `The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.${table.logicalName}'. ` +
      'Ensure that the names and number of key properties match the declared keys for the resource ' +
      `'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );

/** The row an address names, or undefined when there is none. */
export function findRow(dataverse: Dataverse, address: RowAddress): StoredRow | undefined {
  if (address.kind === 'id') return rowById(dataverse, address.table, address.id);
  const { table, key, values } = address;
  return dataverse.records.findByKey(
    table.logicalName,
    key,
    key.columns.map((column) => values[column]),
  );
}

/** The row an address names; 404 in the two forms the service has for it. */
export function requireRow(dataverse: Dataverse, address: RowAddress): StoredRow {
  const row = findRow(dataverse, address);
  if (row) return row;
  if (address.kind === 'id') throw rowNotFound(address.table.logicalName, address.id);
  throw dataverseError(
    404,
    '0x80060891',
    `A record with the specified key values does not exist in ${address.table.logicalName} entity`,
  );
}

/** The address as it stands in `OData-EntityId`: a key keeps its form (dataverse.md §13). */
export function addressText(address: RowAddress, id: string): string {
  if (address.kind === 'id') return `${address.table.entitySetName}(${id})`;
  const parts = address.key.columns.map((name) => {
    const value = address.values[name];
    const column = address.table.columns[name];
    const quoted = typeof value === 'string' && !(column && (isLookup(column) || column.type === 'DateTime'));
    const text = quoted ? `'${encodeURIComponent(value.replaceAll("'", "''"))}'` : String(value);
    return `${keyProperty(address.table, name)}=${text}`;
  });
  return `${address.table.entitySetName}(${parts.join(',')})`;
}

/**
 * Reads a reference to a row: relative, root-relative or absolute, by id or by alternate key, or `$1` in a
 * change set.
 */
export function parseReference(
  dataverse: Dataverse,
  reference: unknown,
  references: ReadonlyMap<string, string> | undefined,
): RowAddress {
  if (typeof reference !== 'string') throw badRequest('The value of an entity reference must be a string.');
  const resolved = resolveContentId(reference, references);
  const path = resolved
    .replace(/^https?:\/\/[^/]+/i, '')
    .replace(/^\/?api\/data\/v9\.\d\//i, '')
    .replace(/^\//, '');
  const segments = parseResourcePath(path);
  const segment = segments[0];
  const table = segment && dataverse.schema.tableByEntitySet(segment.name);
  if (!table || segment.inside === undefined || segments.length !== 1) {
    throw badRequest(`Resource not found for the segment '${segment?.name ?? ''}'.`);
  }
  return rowAddress(table, segment.inside);
}

/** Puts the address that a part of this change set made in the place of its `$<Content-ID>`. */
export function resolveContentId(text: string, references: ReadonlyMap<string, string> | undefined): string {
  const match = /^\/?\$([^/?]+)(.*)$/s.exec(text);
  if (!match || !references) return text;
  const target = references.get(match[1] ?? '');
  if (target === undefined) {
    throw badRequest(`Content-ID Reference: '$${match[1]}' does not exist in the batch context.`);
  }
  return `${target}${match[2]}`;
}
