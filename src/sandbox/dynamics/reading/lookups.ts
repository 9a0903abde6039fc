import type { Dataverse } from '../call.js';
import { readColumn, targetOf } from '../column-values.js';
import type { StoredRow } from '../records.js';
import type { Column, Table } from '../schema.js';
import { rowById } from './row-source.js';

/** Logical name of the table that a row's lookup points to. */
export function lookupTarget(
  { records }: Dataverse,
  row: StoredRow,
  column: Column,
  id: string,
): string | undefined {
  const kept = row.values[targetOf(column.logicalName)];
  if (typeof kept === 'string') return kept;
  const targets = column.targets ?? [];
  if (targets.length <= 1) return targets[0];
  return targets.find((target) => records.get(target, id) !== undefined) ?? targets[0];
}

/** The row that a lookup points to. */
export function lookedUpRow(
  dataverse: Dataverse,
  table: Table,
  row: StoredRow,
  column: Column,
): { table: Table; row: StoredRow } | undefined {
  const id = readColumn(table, row, column, dataverse.records.caller());
  if (typeof id !== 'string') return undefined;
  const target = dataverse.schema.table(lookupTarget(dataverse, row, column, id) ?? '');
  const found = target && rowById(dataverse, target, id);
  return found && { table: target, row: found };
}
