import { audit } from '../audit.js';
import type { Call, Dataverse } from '../call.js';
import { isoSeconds, readColumn, targetOf } from '../column-values.js';
import { badRequest, dataverseError } from '../errors.js';
import type { Navigation } from '../navigation.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';
import { readPayload } from './payload.js';

type Body = Record<string, unknown>;

/** Makes a row with everything nested in its payload, or nothing at all. */
export function createRow(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  table: Table,
  body: Body,
  fixed: Body = {},
): StoredRow {
  const { records } = dataverse;
  return records.transaction(() => {
    const payload = readPayload(dataverse, call, table, body, 'create');
    const values: Body = { ...payload.values, ...fixed };
    for (const parent of payload.parents) {
      values[parent.column] = createRow(dataverse, call, parent.table, parent.body).id;
      if ((table.columns[parent.column]?.targets ?? []).length > 1) {
        values[targetOf(parent.column)] = parent.table.logicalName;
      }
    }
    requireStatusFitsState(table, values, undefined);
    addCurrency(dataverse, table, values);
    backdate(dataverse, table, values);
    const row = records.insert(table.logicalName, values);
    audit(dataverse, table, undefined, row);
    for (const child of payload.children) {
      for (const childBody of child.bodies)
        hangNew(dataverse, call, table, row.id, child.navigation, child.table, childBody);
    }
    for (const link of payload.links)
      for (const id of link.ids) hang(dataverse, table, row.id, link.navigation, id);
    return row;
  });
}

/** Changes a row by a payload that names only what changes. */
export function updateRow(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  table: Table,
  row: StoredRow,
  body: Body,
  ignored: readonly string[] = [],
): StoredRow {
  const { records } = dataverse;
  return records.transaction(() => {
    const payload = readPayload(dataverse, call, table, body, 'update');
    const values: Body = { ...payload.values };
    for (const column of ignored) delete values[column];
    const id = values[table.primaryId];
    if (id !== undefined && id !== row.id) {
      throw badRequest(`The primary key of ${table.logicalName} cannot be changed.`);
    }
    requireStatusFitsState(table, values, row);
    addCurrency(dataverse, table, values, row);
    const updated = records.update(table.logicalName, row.id, values);
    audit(dataverse, table, row, updated);
    for (const link of payload.links)
      for (const other of link.ids) hang(dataverse, table, row.id, link.navigation, other);
    return updated;
  });
}

/** Makes a row behind a collection-valued navigation property of another. */
export function hangNew(
  dataverse: Dataverse,
  call: Pick<Call, 'references'>,
  parentTable: Table,
  parentId: string,
  navigation: Exclude<Navigation, { kind: 'single' }>,
  table: Table,
  body: Body,
): StoredRow {
  if (navigation.kind === 'linked') {
    const row = createRow(dataverse, call, table, body);
    hang(dataverse, parentTable, parentId, navigation, row.id);
    return row;
  }
  const targets = table.columns[navigation.column]?.targets ?? [];
  return createRow(dataverse, call, table, body, {
    [navigation.column]: parentId,
    ...(targets.length > 1 && { [targetOf(navigation.column)]: parentTable.logicalName }),
  });
}

/** Connects two existing rows through a collection-valued navigation property; does nothing when they are. */
export function hang(
  { records, schema }: Dataverse,
  parentTable: Table,
  parentId: string,
  navigation: Exclude<Navigation, { kind: 'single' }>,
  id: string,
): void {
  if (navigation.kind === 'children') {
    const targets = schema.table(navigation.table)?.columns[navigation.column]?.targets ?? [];
    records.update(navigation.table, id, {
      [navigation.column]: parentId,
      ...(targets.length > 1 && { [targetOf(navigation.column)]: parentTable.logicalName }),
    });
    return;
  }
  const { intersect, own, other } = navigation;
  const linked = records.referencing(intersect, own, parentId).some((link) => link.values[other] === id);
  if (!linked) records.insert(intersect, { [own]: parentId, [other]: id });
}

/** Takes such a connection apart; does nothing when there is none. */
export function unhang(
  { records }: Dataverse,
  parentId: string,
  navigation: Exclude<Navigation, { kind: 'single' }>,
  id: string,
): void {
  if (navigation.kind === 'children') {
    if (records.get(navigation.table, id)?.values[navigation.column] !== parentId) return;
    records.update(navigation.table, id, { [navigation.column]: null });
    return;
  }
  for (const link of records.referencing(navigation.intersect, navigation.own, parentId)) {
    if (link.values[navigation.other] === id) records.remove(navigation.intersect, link.id);
  }
}

/** A status reason belongs to a state; a state without a status reason takes its first (dataverse.md §4). */
function requireStatusFitsState(table: Table, values: Body, before: StoredRow | undefined): void {
  const { statecode, statuscode } = table.columns;
  if (!statecode || !statuscode) return;
  const given = values['statuscode'];
  const stateGiven = values['statecode'];
  if (given === undefined && stateGiven === undefined) return;
  const owner = { userId: '', businessUnitId: '' };
  const current = before ? readColumn(table, before, statecode, owner) : 0;
  const state = stateGiven ?? current;
  const options = statuscode.options ?? [];
  if (given === undefined || given === null) {
    if (state !== current)
      values['statuscode'] = options.find((option) => (option.state ?? 0) === state)?.value;
    return;
  }
  if (options.some((option) => option.value === given && (option.state ?? 0) === state)) return;
  const label = statecode.options?.find((option) => option.value === state)?.labels['1033'] ?? String(state);
  throw dataverseError(
    400,
    '0x80048408',
    `${String(given)} is not a valid status code for state code ${table.schemaName}State.${label} on ${table.logicalName}${before ? ` with Id ${before.id}` : ''}.`,
  );
}

/** A migrated row says when it was made elsewhere; when it was made here moves to the other column. */
function backdate({ context }: Dataverse, table: Table, values: Body): void {
  const earlier = values['overriddencreatedon'];
  if (typeof earlier !== 'string' || !table.columns['createdon']) return;
  values['createdon'] = earlier;
  values['overriddencreatedon'] = isoSeconds(context.clock.nowMs());
}

/** A row with an amount of money has a currency, by default the organisation's. */
function addCurrency({ records }: Dataverse, table: Table, values: Body, before?: StoredRow): void {
  if (!table.columns['transactioncurrencyid'] || values['transactioncurrencyid'] !== undefined) return;
  if (before?.values['transactioncurrencyid'] !== undefined) return;
  const hasAmount = Object.entries(values).some(
    ([name, value]) => value !== null && table.columns[name]?.type === 'Money',
  );
  const currency = hasAmount ? records.rows('transactioncurrency').next().value : undefined;
  if (currency) values['transactioncurrencyid'] = currency.id;
}
