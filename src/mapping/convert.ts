import type { PayloadValue, SourceColumn, TargetField } from './model.js';
import { campaignDateTime, readMoment, utcDay } from './moments.js';
import { numberOf, plainDecimal, shortestSingle, wholeNumberOf } from './numbers.js';

export type Converted =
  | { kind: 'value'; value: PayloadValue }
  | { kind: 'fault'; code: 'TEXT_TOO_LONG' | 'VALUE_NOT_CONVERTIBLE' | 'CHOICE_UNKNOWN' };

/** Turns a value into a field's type. Total: what it is given is only known to be JSON. */
export type Converter = (value: unknown) => Converted;

export const EMPTY: Converted = { kind: 'value', value: null };
const NOT_CONVERTIBLE: Converted = { kind: 'fault', code: 'VALUE_NOT_CONVERTIBLE' };
const TOO_LONG: Converted = { kind: 'fault', code: 'TEXT_TOO_LONG' };
const UNKNOWN_CHOICE: Converted = { kind: 'fault', code: 'CHOICE_UNKNOWN' };
const of = (value: PayloadValue): Converted => ({ kind: 'value', value });

/**
 * The function that turns a column's value into its Campaign field's type (DESIGN §6):
 *
 * - null, absent and "" are sent as null, which Campaign takes for empty (campaign.md §2);
 * - boolean, from true, false, 1, 0 and their texts; integer, from whole numbers; float and double, from numbers (all of
 *   them up to 2^53, beyond which neither JSON nor Campaign is exact);
 * - date, from a day, or from a time its day in UTC, except that a column without a time zone keeps its own day; datetime,
 *   from a time or a day in UTC; years 1 to 9999;
 * - enumeration, by a name of the field's metadata, whatever its case; `unknown` and `none` of Campaign's own
 *   enumerations are sent as null, since Campaign answers them for an empty one;
 * - everything else as its text: choices as their number or label, numbers in plain digits, lookups as their id. Length is
 *   counted in characters, not in UTF-16 units; half a character and NUL are no text.
 */
export function converterFor(
  column: SourceColumn,
  field: TargetField,
  choice: 'technical' | 'label',
): Converter {
  const write = writerFor(field, column);
  const labels = labelsFor(column, field, choice);
  if (labels === undefined) return write;
  return (value) => {
    const label = labelOf(value, labels);
    return label === undefined ? UNKNOWN_CHOICE : write(label);
  };
}

/** The function that brings a constant, a replacement or a key into its field's type. */
export function writerFor(field: TargetField, column?: SourceColumn): Converter {
  const write = typedWriter(field, column);
  return (value) => (isEmpty(value) ? EMPTY : write(value));
}

/**
 * A value that Campaign answered, in the form in which it would have been sent, or null for what it answers for an empty
 * field: "", 0, false, an enumeration's default, a link's object (campaign.md §2).
 */
export function heldBy(field: TargetField): (value: unknown) => PayloadValue {
  // Lengths and names are Campaign's business here: what it holds, it has accepted.
  const { length: _length, values: _values, ...unbounded } = field;
  const write = writerFor(unbounded);
  return (value) => {
    if (value === undefined || value === null || typeof value === 'object') return null;
    if (field.type === 'other') return heldByUnknownType(value);
    const converted = write(value);
    return converted.kind === 'value' ? converted.value : textOf(value);
  };
}

/** 0 and false more likely mean "empty" than a text, and a time is told in Campaign's form where Dynamics' was sent. */
function heldByUnknownType(value: unknown): PayloadValue {
  if (value === 0 || value === false || value === '') return null;
  const text = textOf(value);
  return CAMPAIGN_TIME.test(text) ? text.replace(' ', 'T').replace('.000Z', 'Z') : text;
}

const CAMPAIGN_TIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3}Z$/;

const CHOICES = new Set(['Picklist', 'MultiSelectPicklist', 'State', 'Status']);

/** The labels to send instead of a column's values; undefined where the values themselves are sent. */
export function labelsFor(
  column: SourceColumn,
  field: TargetField,
  choice: 'technical' | 'label',
): Record<string, string> | undefined {
  if (choice === 'technical') return undefined;
  if (CHOICES.has(column.type)) return column.labels ?? {};
  // A label can never be true or false; a field of that type takes the value.
  return column.type === 'Boolean' && field.type !== 'boolean' ? column.labels : undefined;
}

/** A choice's label; of several (`"1,9"`), all of them as Dynamics shows them. Undefined for one without a label. */
export function labelOf(value: unknown, labels: Record<string, string>): string | undefined {
  if (isEmpty(value)) return '';
  const texts: string[] = [];
  for (const part of textOf(value).split(',')) {
    if (!Object.hasOwn(labels, part)) return undefined;
    texts.push(labels[part] ?? '');
  }
  return texts.join('; ');
}

/**
 * A value as text: texts as they are, numbers in plain digits, what is no single value as JSON; NUL, which no field takes,
 * for what is nested too deeply to be written.
 */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return plainDecimal(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (isEmpty(value)) return '';
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    return '\0';
  }
}

const isEmpty = (value: unknown): boolean => value === null || value === undefined || value === '';

function typedWriter(field: TargetField, column?: SourceColumn): Converter {
  switch (field.type) {
    case 'boolean':
      return toBoolean;
    case 'integer':
      return (value) => numeric(wholeNumberOf(bit(value)));
    case 'double':
      return (value) => numeric(numberOf(bit(value)));
    case 'float':
      return (value) => numeric(numberOf(bit(value)), shortestSingle);
    case 'date':
      return (value) => toDate(value, column);
    case 'datetime':
      return toDateTime;
    case 'enumeration':
      return enumerationWriter(field);
    case 'string':
    case 'link':
    case 'other':
      return (value) => toText(value, field.length);
  }
}

function toBoolean(value: unknown): Converted {
  if (value === true || value === 1 || value === '1' || value === 'true') return of(true);
  if (value === false || value === 0 || value === '0' || value === 'false') return of(false);
  return NOT_CONVERTIBLE;
}

const bit = (value: unknown): unknown => (typeof value === 'boolean' ? Number(value) : value);

/** Beyond 2^53 a number would be sent as another one. */
function numeric(number: number | undefined, inForm = (exact: number): number => exact): Converted {
  const isExact = number !== undefined && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return isExact ? of(inForm(number)) : NOT_CONVERTIBLE;
}

function toDate(value: unknown, column?: SourceColumn): Converted {
  const moment = typeof value === 'string' ? readMoment(value) : undefined;
  if (!moment) return NOT_CONVERTIBLE;
  const keepsItsDay =
    column?.dateTimeBehavior === 'TimeZoneIndependent' || column?.dateTimeBehavior === 'DateOnly';
  return of(keepsItsDay ? moment.day : utcDay(moment));
}

function toDateTime(value: unknown): Converted {
  const moment = typeof value === 'string' ? readMoment(value) : undefined;
  return moment ? of(campaignDateTime(moment.ms)) : NOT_CONVERTIBLE;
}

/**
 * Names under which Campaign reads an empty enumeration of its own (campaign.md §2): to send one of them is to send nothing.
 * In a custom enumeration (`cus…`) they are names like any other.
 */
const EMPTY_ENUMERATION = new Set(['unknown', 'none']);
const CUSTOM_FIELD = /(^|\.)cus[^.]*$/;

function enumerationWriter({ path, values, length }: TargetField): Converter {
  const toName = values ? nameReader(values) : (value: unknown) => toText(value, length);
  if (CUSTOM_FIELD.test(path)) return toName;
  return (value) => {
    const name = toName(value);
    return name.kind === 'value' && EMPTY_ENUMERATION.has(String(name.value)) ? EMPTY : name;
  };
}

/** Labels differ from names in case more often than in anything else. */
function nameReader(values: string[]): Converter {
  const names = new Set(values);
  const byLowerCase = new Map(values.map((name) => [name.toLowerCase(), name]));
  return (value) => {
    const text = textOf(value);
    if (names.has(text)) return of(text);
    const name = byLowerCase.get(text.toLowerCase());
    return name === undefined ? UNKNOWN_CHOICE : of(name);
  };
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Half of a surrogate pair is no text at all, and NUL none that Campaign's database takes (PostgreSQL, campaign.md §2). */
function toText(value: unknown, length: number | undefined): Converted {
  const text = textOf(value);
  if (LONE_SURROGATE.test(text) || text.includes('\0')) return NOT_CONVERTIBLE;
  // Characters are never more than UTF-16 units: most texts need no counting.
  return length !== undefined && text.length > length && characterCount(text) > length ? TOO_LONG : of(text);
}

function characterCount(text: string): number {
  let count = 0;
  for (const _character of text) count += 1;
  return count;
}
