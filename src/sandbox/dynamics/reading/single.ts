import { precondition, type Answer, type Call, type Dataverse } from '../call.js';
import { readColumn } from '../column-values.js';
import { dataverseError } from '../errors.js';
import type { StoredRow } from '../records.js';
import type { Column, Table } from '../schema.js';
import { contextUrl } from './links.js';
import { appliedPreferences } from './preferences-applied.js';
import { etagOf, rendererOf } from './render.js';

/** `GET contacts(<id>)`, conditional when `If-None-Match` is given (dataverse.md §2, "Annotations"). */
export function readSingle(dataverse: Dataverse, call: Call, table: Table, row: StoredRow): Answer {
  const { query, preferences } = call;
  const etag = etagOf(row);
  const known = precondition(call, 'if-none-match');
  // Annotations and expanded rows have no part in the etag, so such a read always answers in full.
  if (known === etag && query.expand.length === 0 && preferences.annotations === undefined)
    return { status: 304 };
  const expected = precondition(call, 'if-match');
  if (expected !== undefined && expected !== '*' && expected !== etag) throw versionMismatch();
  return {
    status: 200,
    headers: { etag, ...appliedPreferences(call) },
    body: rowBody(dataverse, call, table, row),
  };
}

/** One row as a document of its own. */
export function rowBody(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
): Record<string, unknown> {
  return {
    '@odata.context': contextUrl(call, table, call.query, '/$entity'),
    ...rendererOf(dataverse, call, table, call.query)(row),
  };
}

/** `GET contacts(<id>)/lastname` and, as bare text, `…/lastname/$value`. */
export function readProperty(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  column: Column,
  property: string,
  raw: boolean,
): Answer {
  const value = readColumn(table, row, column, dataverse.records.caller());
  if (value === null) return { status: 204 };
  if (raw) return { status: 200, body: String(value) };
  const context = `${call.base}$metadata#${table.entitySetName}(${row.id})/${property}`;
  return { status: 200, body: { '@odata.context': context, value } };
}

export const versionMismatch = () =>
  dataverseError(
    412,
    '0x80060882',
    "The version of the existing record doesn't match the RowVersion property provided.",
  );
