import type { Call, Dataverse } from '../call.js';
import { isLookup, targetOf } from '../column-values.js';
import { badPayload, badRequest, dataverseError, rowNotFound } from '../errors.js';
import { isWebApiColumn } from '../metadata/web-api-columns.js';
import { findNavigation, type Navigation } from '../navigation.js';
import type { Table } from '../schema.js';
import { findRow, parseReference } from '../row-address.js';
import { acceptValue, undeclaredProperty } from './column-input.js';

/** A payload that was checked: column values as stored, and what hangs on the row. */
export interface Payload {
  values: Record<string, unknown>;
  /** New rows to point to from a lookup column, made before the row itself. */
  parents: { column: string; table: Table; body: Record<string, unknown> }[];
  /** New rows to hang on the row, made after it. */
  children: {
    navigation: Exclude<Navigation, { kind: 'single' }>;
    table: Table;
    bodies: Record<string, unknown>[];
  }[];
  /** Existing rows to hang on the row: the addresses given for a collection. */
  links: { navigation: Exclude<Navigation, { kind: 'single' }>; table: Table; ids: string[] }[];
}

type Body = Record<string, unknown>;

/**
 * Reads the JSON of a row (dataverse.md §4). Columns that the platform itself fills (`createdon`, `fullname` …)
 * are ignored, as the service ignores them; anything that is no property of the table is a 400 `0x80048d19`.
 */
export function readPayload(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  table: Table,
  body: Body,
  mode: 'create' | 'update',
): Payload {
  const payload: Payload = { values: {}, parents: [], children: [], links: [] };
  for (const [property, value] of Object.entries(body)) {
    const at = property.indexOf('@');
    if (at < 0) readProperty(dataverse, table, property, value, mode, payload);
    else if (property.slice(at) === '@odata.bind') {
      bind(dataverse, call, table, property.slice(0, at), value, payload);
    } else if (property === '@odata.type') requireType(table, value);
  }
  return payload;
}

function readProperty(
  dataverse: Dataverse,
  table: Table,
  property: string,
  value: unknown,
  mode: 'create' | 'update',
  payload: Payload,
): void {
  const column = table.columns[property];
  if (column && isWebApiColumn(column) && !isLookup(column)) {
    const accepted = acceptValue(table, column, value);
    const writable = mode === 'create' ? column.validForCreate : column.validForUpdate;
    if (writable || property === table.primaryId) payload.values[property] = accepted;
    return;
  }
  const navigation = findNavigation(dataverse.schema, table, property);
  if (navigation) {
    readNested(dataverse, table, property, navigation, value, mode, payload);
    return;
  }
  const lookup = /^_(.+)_value$/.exec(property)?.[1];
  if (lookup !== undefined && table.columns[lookup]) {
    throw badRequest(
      'CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.',
    );
  }
  throw undeclaredProperty(table, property);
}

/** Deep insert: rows made together with this one. */
function readNested(
  dataverse: Dataverse,
  table: Table,
  property: string,
  navigation: Navigation,
  value: unknown,
  mode: 'create' | 'update',
  payload: Payload,
): void {
  if (navigation.kind === 'single') {
    if (value === null) {
      payload.values[navigation.column.logicalName] = null;
      return;
    }
    const target = dataverse.schema.table(navigation.targets[0] ?? '');
    if (mode === 'update' || !target || !isObject(value)) throw noDeepUpdate(table, property);
    payload.parents.push({ column: navigation.column.logicalName, table: target, body: value });
    return;
  }
  const target = dataverse.schema.table(navigation.table);
  if (mode === 'update' || !target || !Array.isArray(value) || !value.every(isObject))
    throw noDeepUpdate(table, property);
  payload.children.push({ navigation, table: target, bodies: value });
}

const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const noDeepUpdate = (table: Table, property: string) =>
  badPayload(
    `Deep update of navigation properties is not allowed: '${property}' of 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );

function bind(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  table: Table,
  name: string,
  value: unknown,
  payload: Payload,
): void {
  const navigation = findNavigation(dataverse.schema, table, name);
  if (!navigation) {
    throw badPayload(
      `An undeclared property '${name}' which only has property annotations in the payload but no property value was found in the payload. In OData, only declared navigation properties and declared named streams can be represented as properties without values.`,
    );
  }
  if (navigation.kind === 'single') {
    const { column, targets } = navigation;
    const writes = table.columns[column.logicalName];
    if (value === null) payload.values[column.logicalName] = null;
    else if (writes?.validForUpdate !== false || writes.validForCreate) {
      const { table: target, id } = referencedRow(dataverse, call, value, targets);
      payload.values[column.logicalName] = id;
      if ((column.targets ?? targets).length > 1)
        payload.values[targetOf(column.logicalName)] = target.logicalName;
    }
    return;
  }
  const target = dataverse.schema.table(navigation.table);
  if (!target || !Array.isArray(value))
    throw badPayload(`The property '${name}' takes a list of references.`);
  const ids = value.map((reference) => referencedRow(dataverse, call, reference, [target.logicalName]).id);
  payload.links.push({ navigation, table: target, ids });
}

/** The existing row that a reference names; it must be of one of these tables. */
export function referencedRow(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  reference: unknown,
  targets: readonly string[],
): { table: Table; id: string } {
  const address = parseReference(dataverse, reference, call.references);
  if (!targets.includes(address.table.logicalName)) {
    throw badPayload(
      `The URI '${String(reference)}' is not valid: a row of ${targets.join(' or ')} is expected, not of ${address.table.logicalName}.`,
    );
  }
  const row = findRow(dataverse, address);
  if (row) return { table: address.table, id: row.id };
  if (address.kind === 'id') throw rowNotFound(address.table.logicalName, address.id);
  throw dataverseError(
    404,
    '0x80060891',
    `A record with the specified key values does not exist in ${address.table.logicalName} entity`,
  );
}

function requireType(table: Table, value: unknown): void {
  if (String(value).replace('#', '').split('.').pop() === table.logicalName) return;
  throw badPayload(
    `An entry with type '${String(value)}' was found, but it is not assignable to the expected type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );
}
