import type { Dataverse } from '../call.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';

/** The base of all activities: its rows are those of every activity table (dataverse.md §4, "Activities"). */
const ACTIVITY_BASE = 'activitypointer';

/** A table's rows in the order of their primary key, behind `afterId` if given. */
export function rowsInOrder(dataverse: Dataverse, table: Table, afterId?: string): Iterable<StoredRow> {
  if (table.logicalName !== ACTIVITY_BASE) return dataverse.records.ordered(table.logicalName, afterId);
  const rows = activityTables(dataverse).flatMap((activity) =>
    [...dataverse.records.ordered(activity.logicalName, afterId)].map((row) => asActivity(activity, row)),
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function rowById(dataverse: Dataverse, table: Table, id: string): StoredRow | undefined {
  if (table.logicalName !== ACTIVITY_BASE) return dataverse.records.get(table.logicalName, id);
  for (const activity of activityTables(dataverse)) {
    const row = dataverse.records.get(activity.logicalName, id);
    if (row) return asActivity(activity, row);
  }
  return undefined;
}

export function rowCount(dataverse: Dataverse, table: Table): number {
  if (table.logicalName !== ACTIVITY_BASE) return dataverse.records.count(table.logicalName);
  return activityTables(dataverse).reduce(
    (sum, { logicalName }) => sum + dataverse.records.count(logicalName),
    0,
  );
}

/** Rows whose lookup column points to this id, in the order of their primary key. */
export function childRows(dataverse: Dataverse, table: Table, column: string, id: string): StoredRow[] {
  const tables = table.logicalName === ACTIVITY_BASE ? activityTables(dataverse) : [table];
  const rows = tables.flatMap((child) => {
    const found = dataverse.records.referencing(child.logicalName, column, id);
    return child === table ? found : found.map((row) => asActivity(child, row));
  });
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

const activityTables = ({ schema }: Dataverse): Table[] =>
  schema.tables().filter(({ isActivity }) => isActivity);

const asActivity = (table: Table, row: StoredRow): StoredRow => ({
  ...row,
  values: { ...row.values, activitytypecode: table.logicalName },
});
