import type { PayloadValue, SourceColumn, TargetField } from './model.js';

export type Converted =
  | { kind: 'value'; value: PayloadValue }
  | { kind: 'fault'; code: 'TEXT_TOO_LONG' | 'VALUE_NOT_CONVERTIBLE' | 'CHOICE_UNKNOWN' };

const NOT_CONVERTIBLE: Converted = { kind: 'fault', code: 'VALUE_NOT_CONVERTIBLE' };
const EMPTY: Converted = { kind: 'value', value: null };
const of = (value: PayloadValue): Converted => ({ kind: 'value', value });

export type Converter = (value: unknown) => Converted;

/** The pure function that turns a column's value into its Campaign field's type (DESIGN §6). Null and absent become null. */
export function converterFor(
  column: SourceColumn,
  field: TargetField,
  choice: 'technical' | 'label',
): Converter {
  const labels = choice === 'label' ? column.labels : undefined;
  const read: Converter = labels === undefined ? plain : (value) => labelled(value, labels);
  const write = writerFor(field, column);
  return (value) => {
    if (value === null || value === undefined) return EMPTY;
    const labelledValue = read(value);
    return labelledValue.kind === 'fault' ? labelledValue : write(labelledValue.value);
  };
}

/** A constant or a replacement in the target's type. */
export function constantFor(value: string | number | boolean, field: TargetField): Converted {
  return writerFor(field)(value);
}

const plain: Converter = (value) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? of(value)
    : of(JSON.stringify(value));

/** A choice's label; of several (`"1,9"`), all of them. A value without a label is unknown to Dynamics' metadata. */
function labelled(value: unknown, labels: Record<string, string>): Converted {
  const texts = String(value)
    .split(',')
    .map((part) => (Object.hasOwn(labels, part) ? labels[part] : undefined));
  return texts.includes(undefined) ? { kind: 'fault', code: 'CHOICE_UNKNOWN' } : of(texts.join('; '));
}

function writerFor(field: TargetField, column?: SourceColumn): Converter {
  switch (field.type) {
    case 'boolean':
      return toBoolean;
    case 'integer':
      return toInteger;
    case 'float':
    case 'double':
      return toDecimal;
    case 'date':
      return (value) => toDate(value, column);
    case 'datetime':
      return (value) => toDateTime(value);
    case 'enumeration':
      return (value) => toEnumeration(value, field);
    case 'string':
    case 'link':
    case 'other':
      return (value) => toText(value, field);
  }
}

const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Length counts characters as people do, not UTF-16 units; half of a surrogate pair is no text at all. */
function toText(value: unknown, { length }: TargetField): Converted {
  const text = String(value);
  if (LONE_SURROGATE.test(text)) return NOT_CONVERTIBLE;
  if (length !== undefined && text.length > length && [...text].length > length)
    return { kind: 'fault', code: 'TEXT_TOO_LONG' };
  return of(text);
}

function toBoolean(value: unknown): Converted {
  if (value === true || value === 1 || value === '1' || value === 'true') return of(true);
  if (value === false || value === 0 || value === '0' || value === 'false') return of(false);
  return NOT_CONVERTIBLE;
}

function toInteger(value: unknown): Converted {
  if (typeof value === 'boolean') return of(value ? 1 : 0);
  const number = numberOf(value);
  return number !== undefined && Number.isSafeInteger(number) ? of(number) : NOT_CONVERTIBLE;
}

function toDecimal(value: unknown): Converted {
  const number = typeof value === 'boolean' ? Number(value) : numberOf(value);
  return number === undefined ? NOT_CONVERTIBLE : of(number);
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || !/^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(value))
    return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const DATE = /^(\d{4})-(\d{2})-(\d{2})/;

/** A date-only column is a day in no time zone; of a time, the day in UTC. */
function toDate(value: unknown, column?: SourceColumn): Converted {
  const text = String(value);
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return dayExists(text) ? of(text) : NOT_CONVERTIBLE;
  if (column?.dateTimeBehavior === 'TimeZoneIndependent' && DATE.test(text) && dayExists(text.slice(0, 10)))
    return of(text.slice(0, 10));
  const instant = instantOf(text);
  return instant === undefined ? NOT_CONVERTIBLE : of(instant.toISOString().slice(0, 10));
}

function toDateTime(value: unknown): Converted {
  const text = String(value);
  const instant = /^\d{4}-\d{2}-\d{2}$/.test(text) ? instantOf(`${text}T00:00:00Z`) : instantOf(text);
  return instant === undefined ? NOT_CONVERTIBLE : of(instant.toISOString().replace('T', ' '));
}

/** Campaign's dates have four-digit years, from 1 to 9999. */
function instantOf(text: string): Date | undefined {
  if (!DATE.test(text) || !dayExists(text.slice(0, 10))) return undefined;
  const iso = text.replace(' ', 'T');
  const ms = Date.parse(/(Z|[-+]\d{2}:?\d{2})$/i.test(iso) ? iso : `${iso}Z`);
  if (Number.isNaN(ms)) return undefined;
  const instant = new Date(ms);
  const year = instant.getUTCFullYear();
  return year >= 1 && year <= 9999 ? instant : undefined;
}

function dayExists(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) && !day.startsWith('0000');
}

/** Enumerations travel by name (campaign.md §2); when the metadata lists the names, another is refused before it is sent. */
function toEnumeration(value: unknown, field: TargetField): Converted {
  const text = String(value);
  if (text === '') return EMPTY;
  if (!field.values || field.values.includes(text)) return toText(text, field);
  const byCase = field.values.find((name) => name.toLowerCase() === text.toLowerCase());
  return byCase === undefined ? { kind: 'fault', code: 'CHOICE_UNKNOWN' } : of(byCase);
}
