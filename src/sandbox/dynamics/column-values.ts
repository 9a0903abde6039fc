import type { StoredRow } from './records.js';
import type { Column, Table } from './schema.js';

/** Milliseconds as Dataverse writes times: UTC, whole seconds (dataverse.md §2). */
export const isoSeconds = (ms: number): string =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

export const isLookup = (column: Column): boolean =>
  column.type === 'Lookup' || column.type === 'Customer' || column.type === 'Owner';

/** The name a column has in JSON: lookups appear as `_x_value` (dataverse.md §2). */
export const propertyName = (column: Column): string =>
  isLookup(column) ? `_${column.logicalName}_value` : column.logicalName;

/** Where a row keeps the table that a lookup with several targets points to. */
export const targetOf = (column: string): string => `${column}@target`;

/**
 * What an absent value of this column means. Defaults of standard columns that are the same for every row are
 * not stored with each of a million rows; those of custom columns are, since older rows do not have them.
 */
function constantDefault(column: Column): unknown {
  if (column.isCustom) return null;
  return columnDefault(column) ?? null;
}

/** The value that a new row gets. */
export function columnDefault(column: Column): unknown {
  if (column.default !== undefined) return column.default;
  if (column.logicalName === 'followemail') return true;
  if (column.type === 'Boolean') return false;
  if (column.type === 'State') return 0;
  if (column.type === 'Status')
    return column.options?.find((option) => (option.state ?? 0) === 0)?.value ?? 1;
  return undefined;
}

/** The values to store for a new row: nulls and constant defaults left out, stamps and custom defaults added. */
export function creationValues(
  table: Table,
  given: Record<string, unknown>,
  nowText: string,
): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === table.primaryId) continue;
    const column = table.columns[name];
    const fallback = column && columnDefault(column);
    if (value === undefined || value === null) {
      if (value === null && column && fallback !== undefined) kept[name] = null;
    } else if (!column || column.isCustom || value !== fallback) kept[name] = value;
  }
  for (const column of customDefaults(table)) {
    if (given[column.logicalName] === undefined) kept[column.logicalName] = columnDefault(column);
  }
  if (table.columns['createdon']) kept['createdon'] ??= nowText;
  if (table.columns['modifiedon']) kept['modifiedon'] ??= kept['createdon'] ?? nowText;
  return kept;
}

const customDefaultsOf = new WeakMap<Table, Column[]>();

function customDefaults(table: Table): Column[] {
  let found = customDefaultsOf.get(table);
  if (!found) {
    found = Object.values(table.columns).filter(
      (column) => column.isCustom && columnDefault(column) !== undefined,
    );
    customDefaultsOf.set(table, found);
  }
  return found;
}

/** Whom rows belong to that do not say otherwise. */
export interface Owner {
  userId: string;
  businessUnitId: string;
}

/** A column's value as stored or as it follows from the others; null when empty. Lookups give the GUID. */
export function readColumn(table: Table, row: StoredRow, column: Column, owner: Owner): unknown {
  const name = column.logicalName;
  if (name === table.primaryId) return row.id;
  const stored = row.values[name];
  if (stored !== undefined) return stored;
  if (name === 'versionnumber') return row.version;
  if (name === 'fullname' || name === 'yomifullname') return fullName(row, name === 'fullname' ? '' : 'yomi');
  if (name.endsWith('_base') && column.type === 'Money')
    return row.values[name.slice(0, -'_base'.length)] ?? null;
  return constantDefault(column) ?? ownership(table, row, name, owner) ?? null;
}

/** A new row belongs to its creator (dataverse.md §8); the sandbox has one, so it need not be stored. */
function ownership(table: Table, row: StoredRow, name: string, owner: Owner): unknown {
  if (name === 'createdby' || name === 'modifiedby') return owner.userId;
  if (table.ownership !== 'UserOwned') return undefined;
  if (name === 'ownerid') return owner.userId;
  if (name === 'owninguser')
    return row.values[targetOf('ownerid')] === 'team' ? undefined : (row.values['ownerid'] ?? owner.userId);
  if (name === 'owningteam')
    return row.values[targetOf('ownerid')] === 'team' ? row.values['ownerid'] : undefined;
  return name === 'owningbusinessunit' ? owner.businessUnitId : undefined;
}

function fullName(row: StoredRow, prefix: string): string | null {
  const parts = [row.values[`${prefix}firstname`], row.values[`${prefix}lastname`]].filter(
    (part) => part !== undefined && part !== null,
  );
  return parts.length > 0 ? parts.join(' ') : null;
}
