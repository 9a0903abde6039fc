import { isLookup, isoSeconds } from '../column-values.js';
import { badPayload, dataverseError, type DataverseError } from '../errors.js';
import type { Column, Table } from '../schema.js';

/**
 * Checks a value of a payload against its column and gives it in the form in which it is stored
 * (dataverse.md §2, column types, and §4, error codes). An empty text is null, as in Dataverse.
 */
export function acceptValue(table: Table, column: Column, value: unknown): unknown {
  if (value === null) return null;
  switch (column.type) {
    case 'String':
    case 'Memo':
    case 'EntityName':
    case 'Image':
      return acceptText(table, column, value);
    case 'Integer':
    case 'BigInt':
      return acceptInteger(table, column, value);
    case 'Decimal':
    case 'Double':
    case 'Money':
      return acceptDecimal(table, column, value);
    case 'Boolean':
      if (typeof value !== 'boolean') throw wrongType(value, 'Edm.Boolean');
      return value;
    case 'Picklist':
    case 'State':
    case 'Status':
      return acceptOption(table, column, value);
    case 'MultiSelectPicklist':
      return acceptOptions(table, column, value);
    case 'DateTime':
      return acceptTime(column, value);
    case 'Uniqueidentifier':
    case 'File':
      return acceptGuid(value);
    default:
      throw isLookup(column) ? lookupByValue(column) : undeclaredProperty(table, column.logicalName);
  }
}

function acceptText(table: Table, column: Column, value: unknown): string | null {
  if (typeof value !== 'string') throw wrongType(value, 'Edm.String');
  if (column.maxLength !== undefined && column.type !== 'Image' && value.length > column.maxLength) {
    throw dataverseError(
      400,
      '0x80044331',
      `A validation error occurred. The length of the '${column.logicalName}' attribute of the '${table.logicalName}' entity exceeded the maximum allowed length of '${column.maxLength}'.`,
    );
  }
  return value === '' ? null : value;
}

function acceptInteger(table: Table, column: Column, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw wrongType(value, column.type === 'BigInt' ? 'Edm.Int64' : 'Edm.Int32');
  }
  requireRange(table, column, value, '0x8004432f');
  return value;
}

function acceptDecimal(table: Table, column: Column, value: unknown): number {
  if (typeof value !== 'number')
    throw wrongType(value, column.type === 'Double' ? 'Edm.Double' : 'Edm.Decimal');
  requireRange(table, column, value, '0x80044330');
  return Number(value.toFixed(Math.min(column.precision ?? 10, 10)));
}

function requireRange(table: Table, { logicalName, min, max }: Column, value: number, code: string): void {
  if ((min === undefined || value >= min) && (max === undefined || value <= max)) return;
  throw outsideRange(table, logicalName, value, `${min ?? ''} to ${max ?? ''}`, code);
}

function acceptOption(table: Table, column: Column, value: unknown): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw wrongType(value, 'Edm.Int32');
  const options = column.options ?? [];
  if (options.some((option) => option.value === value)) return value;
  throw outsideRange(
    table,
    column.logicalName,
    value,
    options.map((option) => option.value).join(','),
    '0x8004431a',
  );
}

const MAX_CHOICES = 150;

function acceptOptions(table: Table, column: Column, value: unknown): string | null {
  if (typeof value !== 'string') throw wrongType(value, 'Edm.String');
  if (value.trim() === '') return null;
  const chosen = value
    .split(',')
    .map((part) => acceptOption(table, column, Number(part.trim() || Number.NaN)));
  if (chosen.length > MAX_CHOICES) {
    throw outsideRange(
      table,
      column.logicalName,
      chosen.length,
      `at most ${MAX_CHOICES} values`,
      '0x8004431a',
    );
  }
  return [...new Set(chosen)].join(',');
}

const DATE = /^\d{4}-\d\d-\d\d$/;
const DATE_TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/i;
/** The earliest time that SQL Server's `datetime`, and so Dataverse, can hold. */
const EARLIEST_MS = Date.UTC(1753, 0, 1);

function acceptTime(column: Column, value: unknown): string {
  const dateOnly = column.dateTimeBehavior === 'DateOnly';
  const edmType = dateOnly ? 'Edm.Date' : 'Edm.DateTimeOffset';
  if (typeof value !== 'string' || !(dateOnly ? DATE : DATE_TIME).test(value))
    throw wrongType(value, edmType);
  const hasZone = DATE.test(value) || /(?:Z|[+-]\d\d:\d\d)$/i.test(value);
  const ms = Date.parse(hasZone ? value : `${value}Z`);
  if (Number.isNaN(ms) || (DATE.test(value) && new Date(ms).toISOString().slice(0, 10) !== value)) {
    throw wrongType(value, edmType);
  }
  if (ms < EARLIEST_MS) {
    throw dataverseError(
      400,
      '0x80040239',
      `DateTime is less than minumum value supported by CrmDateTime. Actual value: ${value}, Minimum value supported: 01/01/1753 00:00:00`,
    );
  }
  return dateOnly ? value : isoSeconds(ms);
}

const GUID = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;

export function acceptGuid(value: unknown): string {
  const guid = typeof value === 'string' ? GUID.exec(value)?.[1] : undefined;
  if (guid === undefined) throw wrongType(value, 'Edm.Guid');
  return guid.toLowerCase();
}

function wrongType(value: unknown, edmType: string): DataverseError {
  const shown = typeof value === 'object' ? 'StartObject' : String(value);
  return badPayload(`Cannot convert the literal '${shown}' to the expected type '${edmType}'.`);
}

function outsideRange(
  table: Table,
  column: string,
  value: number,
  accepted: string,
  code: string,
): DataverseError {
  return dataverseError(
    400,
    code,
    `A validation error occurred. The value ${value} of '${column}' on record of type '${table.logicalName}' is outside the valid range. Accepted Values: ${accepted}`,
  );
}

export const undeclaredProperty = (table: Table, property: string): DataverseError =>
  dataverseError(
    400,
    '0x80048d19',
    `Invalid property '${property}' was found in entity 'Microsoft.Dynamics.CRM.${table.logicalName}'. ---> Microsoft.OData.ODataException: The property '${property}' does not exist on type 'Microsoft.Dynamics.CRM.${table.logicalName}'. Make sure to only use property names that are defined by the type.`,
  );

const lookupByValue = (column: Column): DataverseError =>
  badPayload(
    `A 'PrimitiveValue' node with non-null value was found when trying to read the value of the property '${column.logicalName}'; however, a 'StartArray' node, a 'StartObject' node, or a 'PrimitiveValue' node with null value was expected.`,
  );
