import type { Dataverse } from '../call.js';
import { isLookup, readColumn } from '../column-values.js';
import type { StoredRow } from '../records.js';
import type { Column, Table } from '../schema.js';
import { lookedUpRow } from './lookups.js';

const LANGUAGE = 1033;

/** What the user interface would show for a value, in English and UTC; undefined where there is no such text. */
export function formattedValue(
  dataverse: Dataverse,
  table: Table,
  row: StoredRow,
  column: Column,
  value: unknown,
): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (isLookup(column)) {
    const target = lookedUpRow(dataverse, table, row, column);
    const nameColumn = target?.table.columns[target.table.primaryName];
    const name =
      target && nameColumn && readColumn(target.table, target.row, nameColumn, dataverse.records.caller());
    return name === null || name === undefined ? undefined : String(name);
  }
  switch (column.type) {
    case 'Boolean':
      return optionLabel(column, Number(value)) ?? (value === true ? 'Yes' : 'No');
    case 'Picklist':
    case 'State':
    case 'Status':
      return optionLabel(column, Number(value));
    case 'MultiSelectPicklist':
      return String(value)
        .split(',')
        .map((option) => optionLabel(column, Number(option)) ?? option)
        .join('; ');
    case 'Integer':
    case 'BigInt':
      return Number(value).toLocaleString('en-US', { useGrouping: column.format !== 'Duration' });
    case 'Decimal':
    case 'Double':
      return Number(value).toLocaleString('en-US', fraction(column.precision ?? 2));
    case 'Money':
      return `€${Number(value).toLocaleString('en-US', fraction(column.precision ?? 2))}`;
    case 'DateTime':
      return formattedTime(column, String(value));
    case 'EntityName':
      return dataverse.schema.table(String(value))?.displayName;
    default:
      return undefined;
  }
}

const fraction = (digits: number) => ({ minimumFractionDigits: digits, maximumFractionDigits: digits });

const optionLabel = (column: Column, value: number): string | undefined =>
  column.options?.find((option) => option.value === value)?.labels[LANGUAGE];

const date = new Intl.DateTimeFormat('en-US', {
  timeZone: 'UTC',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
});
const time = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', hour: 'numeric', minute: '2-digit' });

function formattedTime(column: Column, value: string): string | undefined {
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return undefined;
  const day = date.format(ms);
  return column.dateTimeBehavior === 'DateOnly' || column.format === 'DateOnly'
    ? day
    : `${day} ${time.format(ms).replace('\u202f', ' ')}`;
}
