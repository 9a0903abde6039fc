import { jsonBody, type Answer, type Call, type Dataverse } from '../call.js';
import { badPayload, badRequest, DataverseError, dataverseError } from '../errors.js';
import { findRow, parseReference, type RowAddress } from '../row-address.js';
import type { Table } from '../schema.js';
import { acceptGuid } from '../writing/column-input.js';
import { createRow, updateRow } from '../writing/store-row.js';

export const BULK_ACTIONS = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple', 'DeleteMultiple'] as const;
export type BulkAction = (typeof BULK_ACTIONS)[number];

type Target = Record<string, unknown>;

export const isBulkAction = (name: string): name is BulkAction =>
  (BULK_ACTIONS as readonly string[]).includes(name);

/** Whether a table offers a bulk action, by the limits in force or by its metadata. */
function offersBulkAction({ context }: Dataverse, table: Table, action: BulkAction): boolean {
  return (context.limits().dynamics.bulkActions[table.logicalName] ?? table.bulkActions).includes(action);
}

/**
 * `POST <set>/Microsoft.Dynamics.CRM.<Action>` (dataverse.md §5, "Bulk actions"): all targets or none on
 * standard tables; on elastic tables each on its own.
 */
export function runBulkAction(dataverse: Dataverse, call: Call, table: Table, action: BulkAction): Answer {
  if (!offersBulkAction(dataverse, table, action)) {
    if (action === 'DeleteMultiple')
      throw dataverseError(400, '0x80040216', 'DeleteMultiple has not yet been implemented.');
    throw dataverseError(
      400,
      '0x80040800',
      `The '${action}' method does not support entities of type '${table.logicalName}'. MessageProcessorCache returned MessageProcessor.Empty. `,
    );
  }
  const targets = targetsOf(call);
  dataverse.context.stats.add('dynamics', 'bulkRows', targets.length);
  const steps = {
    CreateMultiple: createOne,
    UpdateMultiple: updateOne,
    UpsertMultiple: upsertOne,
    DeleteMultiple: deleteOne,
  };
  const step = (target: Target) => steps[action](dataverse, call, table, target);
  if (table.elastic) return eachOnItsOwn(call, action, targets, step);
  if (action === 'UpdateMultiple') requireAll(dataverse, table, targets);
  const ids = dataverse.records.transaction(() => targets.map(step));
  return success(call, action, ids);
}

function success(call: Call, action: BulkAction, ids: string[]): Answer {
  if (action !== 'CreateMultiple') return { status: 204, rows: ids.length };
  const context = `${call.base}$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse`;
  return { status: 200, rows: ids.length, body: { '@odata.context': context, Ids: ids } };
}

function targetsOf(call: Call): Target[] {
  const targets = jsonBody(call)['Targets'];
  if (!Array.isArray(targets) || targets.length === 0) {
    throw badRequest("The parameter 'Targets' is missing or empty.");
  }
  for (const target of targets as unknown[]) {
    if (typeof target !== 'object' || target === null) throw badPayload("An item of 'Targets' is no entity.");
    if ((target as Target)['@odata.type'] === undefined) {
      throw badPayload(
        'An entry without a type name was found, but no expected type was specified. To allow entries without type information, the expected type must also be specified when the model is specified.',
      );
    }
  }
  return targets as Target[];
}

function createOne(dataverse: Dataverse, call: Call, table: Table, target: Target): string {
  return createRow(dataverse, call, table, target).id;
}

function updateOne(dataverse: Dataverse, call: Call, table: Table, target: Target): string {
  const row = dataverse.records.get(table.logicalName, idOf(table, target));
  if (!row) throw missing(table, [idOf(table, target)]);
  return updateRow(dataverse, call, table, row, target).id;
}

function upsertOne(dataverse: Dataverse, call: Call, table: Table, target: Target): string {
  const address = addressOf(dataverse, table, target);
  if (!address) return createRow(dataverse, call, table, target).id;
  const row = findRow(dataverse, address);
  if (address.kind === 'id') {
    if (row) return updateRow(dataverse, call, table, row, target).id;
    return createRow(dataverse, call, table, target, { [table.primaryId]: address.id }).id;
  }
  if (row) return updateRow(dataverse, call, table, row, target, address.key.columns).id;
  if (address.key.columns.some((column) => target[column] !== undefined)) {
    throw dataverseError(
      400,
      '0x80040216',
      'An unexpected error occurred: an item with the same key has already been added.',
    );
  }
  return createRow(dataverse, call, table, target, address.values).id;
}

function deleteOne(dataverse: Dataverse, _call: Call, table: Table, target: Target): string {
  const id = idOf(table, target);
  if (!dataverse.records.get(table.logicalName, id)) throw missing(table, [id]);
  dataverse.records.remove(table.logicalName, id);
  return id;
}

function addressOf(dataverse: Dataverse, table: Table, target: Target): RowAddress | undefined {
  const given = target['@odata.id'];
  if (given !== undefined) {
    const address = parseReference(dataverse, given, undefined);
    if (address.table !== table)
      throw badRequest(`'${String(given)}' is no address of a row of ${table.logicalName}.`);
    return address;
  }
  const id = target[table.primaryId];
  return id === undefined ? undefined : { kind: 'id', table, id: acceptGuid(id) };
}

function idOf(table: Table, target: Target): string {
  const id = target[table.primaryId];
  if (id === undefined)
    throw badRequest(`The primary key '${table.primaryId}' is missing in an item of 'Targets'.`);
  return acceptGuid(id);
}

/** One answer names every missing row. */
function requireAll({ records }: Dataverse, table: Table, targets: Target[]): void {
  const ids = targets.map((target) => idOf(table, target));
  const absent = ids.filter((id) => !records.get(table.logicalName, id));
  if (absent.length > 0) throw missing(table, absent);
}

const missing = (table: Table, ids: string[]) =>
  dataverseError(404, '0x80040217', `${table.schemaName} With Ids = ${ids.join(', ')} Do Not Exist`);

/** Elastic tables keep what succeeded; which rows failed is told only where annotations are asked for. */
function eachOnItsOwn(
  call: Call,
  action: BulkAction,
  targets: Target[],
  step: (target: Target) => string,
): Answer {
  const ids: string[] = [];
  const failures: { RequestIndex: number; StatusCode: number; Message: string }[] = [];
  for (const [index, target] of targets.entries()) {
    try {
      ids.push(step(target));
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      failures.push({ RequestIndex: index, StatusCode: error.status, Message: error.message });
    }
  }
  if (failures.length === 0) return success(call, action, ids);
  const detail = '@Microsoft.PowerApps.CDS.ErrorDetails.Plugin.BulkApiErrorDetails';
  const { body } = dataverseError(500, '0x80040224', failures.map(({ Message }) => Message).join('; '));
  const annotated = call.preferences.annotates('Microsoft.PowerApps.CDS.ErrorDetails');
  return {
    status: 500,
    rows: ids.length,
    body: annotated ? { error: { ...body.error, [detail]: JSON.stringify(failures) } } : body,
  };
}
