import { isLookup, propertyName } from '../column-values.js';
import { badRequest } from '../errors.js';
import { webApiColumns } from '../metadata/web-api-columns.js';
import type { Column, Table } from '../schema.js';

const columnsOf = new WeakMap<Table, Map<string, Column>>();

/** The column behind a JSON property name, case-sensitive; lookups are found as `_x_value` only. */
export function columnOf(table: Table, property: string): Column | undefined {
  let columns = columnsOf.get(table);
  if (!columns) {
    columns = new Map(webApiColumns(table).map((column) => [propertyName(column), column]));
    columnsOf.set(table, columns);
  }
  return columns.get(property);
}

function requireColumn(table: Table, property: string): Column {
  const column = columnOf(table, property);
  if (!column) throw unknownProperty(table, property);
  return column;
}

export const unknownProperty = (table: Table, property: string) =>
  badRequest(
    `Could not find a property named '${property}' on type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
  );

/** What a `$select` asks for: the columns named, with their key; money comes with its currency (dataverse.md §2). */
export function selectedColumns(table: Table, select: string[] | undefined): Column[] {
  if (!select) return webApiColumns(table);
  const chosen = new Set(
    select.map((property) => requireColumn(table, property.split('/').pop() ?? property)),
  );
  const currency = table.columns['transactioncurrencyid'];
  if (currency && isLookup(currency) && [...chosen].some(({ type }) => type === 'Money'))
    chosen.add(currency);
  const key = table.columns[table.primaryId];
  if (key) chosen.add(key);
  return [...chosen];
}
