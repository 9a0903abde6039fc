import { audit } from '../audit.js';
import { jsonBody, precondition, type Answer, type Call, type Dataverse } from '../call.js';
import { badRequest, dataverseError, duplicateRecord } from '../errors.js';
import { isLookup } from '../column-values.js';
import { rowBody, versionMismatch } from '../reading/single.js';
import { etagOf } from '../reading/render.js';
import type { StoredRow } from '../records.js';
import { addressText, findRow, requireRow, type RowAddress } from '../row-address.js';
import type { Column, Table } from '../schema.js';
import { createRow, updateRow } from './store-row.js';

/** `POST contacts`: 204 with the entity's address, or 201 with the row (dataverse.md §4). */
export function create(dataverse: Dataverse, call: Call, table: Table): Answer {
  requireCreatable(table);
  return created(dataverse, call, table, createRow(dataverse, call, table, jsonBody(call)));
}

/** The answer to a creation. With a representation there is no `OData-EntityId`. */
export function created(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  address?: string,
): Answer {
  const entityId = `${call.base}${address ?? `${table.entitySetName}(${row.id})`}`;
  if (!call.preferences.representation)
    return { status: 204, headers: { 'odata-entityid': entityId, location: entityId }, rows: 1 };
  return {
    status: 201,
    rows: 1,
    headers: { etag: etagOf(row), location: entityId, 'preference-applied': 'return=representation' },
    body: rowBody(dataverse, call, table, row),
  };
}

/**
 * `PATCH contacts(<id>)`: update, upsert, insert-only or optimistic update, as the preconditions say.
 * By alternate key the entity's address keeps the key's form; key columns in the body count on creation only
 * (dataverse.md §4 and §13).
 */
export function patch(dataverse: Dataverse, call: Call, address: RowAddress): Answer {
  const { table } = address;
  const body = jsonBody(call);
  const row = findRow(dataverse, address);
  const insertOnly = precondition(call, 'if-none-match') === '*';
  if (row && insertOnly) throw duplicateRecord();
  if (!row) {
    if (precondition(call, 'if-match') !== undefined) requireRow(dataverse, address);
    requireCreatable(table);
    const identity = address.kind === 'id' ? { [table.primaryId]: address.id } : keyValues(address, body);
    const made = createRow(dataverse, call, table, body, identity);
    return created(dataverse, call, table, made, addressText(address, made.id));
  }
  requireVersion(call, row);
  const ignored = address.kind === 'key' ? address.key.columns : [];
  const updated = updateRow(dataverse, call, table, row, body, ignored);
  if (call.preferences.representation) {
    return {
      status: 200,
      rows: 1,
      headers: { etag: etagOf(updated), 'preference-applied': 'return=representation' },
      body: rowBody(dataverse, call, table, updated),
    };
  }
  const entityId = `${call.base}${addressText(address, row.id)}`;
  return { status: 204, headers: { 'odata-entityid': entityId, location: entityId }, rows: 1 };
}

/** The key's values for a new row: a value in the body wins. */
function keyValues({ values, table }: Extract<RowAddress, { kind: 'key' }>, body: Record<string, unknown>) {
  return Object.fromEntries(
    Object.entries(values).filter(([name]) => {
      const column = table.columns[name];
      return body[name] === undefined || (column !== undefined && isLookup(column));
    }),
  );
}

/** `DELETE contacts(<id>)`. */
export function remove(dataverse: Dataverse, call: Call, address: RowAddress): Answer {
  const row = requireRow(dataverse, address);
  requireVersion(call, row);
  dataverse.records.transaction(() => {
    dataverse.records.remove(address.table.logicalName, row.id);
    audit(dataverse, address.table, row, undefined);
  });
  return { status: 204, rows: 1 };
}

/** `PUT contacts(<id>)/lastname` with `{"value":…}`, and `DELETE` to clear it. */
export function writeProperty(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  column: Column,
): Answer {
  requireVersion(call, row);
  const value = call.method === 'DELETE' ? null : jsonBody(call)['value'];
  if (value === undefined) throw badRequest("A property named 'value' is expected.");
  if (!column.validForUpdate) throw badRequest(`The property '${column.logicalName}' cannot be updated.`);
  updateRow(dataverse, call, table, row, { [column.logicalName]: value });
  return { status: 204, rows: 1 };
}

function requireVersion(call: Call, row: StoredRow): void {
  const expected = precondition(call, 'if-match');
  if (expected !== undefined && expected !== '*' && expected !== etagOf(row)) throw versionMismatch();
}

/** The base of all activities has no rows of its own. */
function requireCreatable(table: Table): void {
  if (table.logicalName !== 'activitypointer') return;
  throw dataverseError(
    400,
    '0x80040800',
    `The 'Create' method does not support entities of type '${table.logicalName}'.`,
  );
}
