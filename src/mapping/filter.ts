import { textOf } from './convert.js';
import { columnOf } from './fields.js';
import type { SourceColumn, SourceRow, SourceTable } from './model.js';
import { readMoment, utcDay, type Moment } from './moments.js';
import { compareDecimals, numberOf } from './numbers.js';
import { memberOf } from './raw-file.js';
import type { Comparison, Condition, Filters } from './schema.js';

type Test = (value: unknown) => boolean;

/**
 * Whether a row passes; pure. Values compare by their column's type: numbers exactly, points in time as such or, with a day
 * alone, by their day in UTC, several choices whatever their order, everything else as text without regard to case. A row
 * without a value is equal to none and in no list, so `not equal` and `not in` let it through, as Dynamics does.
 * `problem` is told what can never be compared.
 */
export function compileFilter(
  { match, where }: Filters,
  source: SourceTable,
  problem: (text: string) => void,
): (row: SourceRow) => boolean {
  const tests = where.map((condition) => {
    const column = columnOf(condition.field, source);
    if (!column) return () => false;
    const test = compileCondition(condition, column, (text) =>
      problem(`the filter on ${condition.field} ${text}`),
    );
    return (row: SourceRow) => test(memberOf(row, column.selectName));
  });
  return match === 'all'
    ? (row) => tests.every((test) => test(row))
    : (row) => tests.some((test) => test(row));
}

function compileCondition(
  { field: _field, is, value }: Condition,
  column: SourceColumn,
  problem: (text: string) => void,
): Test {
  const operands = value === undefined ? [] : [value].flat();
  if (is === 'null') return isNull;
  if (is === 'not null') return (held) => !isNull(held);
  if (is === 'contains' || is === 'begins' || is === 'ends') return textTest(is, textOf(operands[0]), column);
  if (DATE_COMPARISONS.has(is) && column.type !== 'DateTime')
    problem(`compares dates, and ${column.logicalName} is none`);

  const order = orderOf(column);
  const compared = operands.map((operand) => {
    const against = order(operand);
    if (!against) problem(`compares with what is no value of the column's type (${column.type})`);
    return against ?? (() => undefined);
  });
  const [first = () => undefined, second = () => undefined] = compared;
  const holds = (compare: (held: unknown) => number | undefined, test: (order: number) => boolean): Test => {
    return (held) => {
      const result = isNull(held) ? undefined : compare(held);
      return result !== undefined && test(result);
    };
  };
  const isSame = (result: number) => result === 0;
  const isAny: Test = (held) => compared.some((compare) => holds(compare, isSame)(held));
  switch (is) {
    case 'equal':
    case 'on':
      return holds(first, isSame);
    case 'not equal':
      return (held) => !holds(first, isSame)(held);
    case 'in':
      return isAny;
    case 'not in':
      return (held) => !isAny(held);
    case 'greater':
    case 'after':
      return holds(first, (result) => result > 0);
    case 'greater or equal':
    case 'on or after':
      return holds(first, (result) => result >= 0);
    case 'less':
    case 'before':
      return holds(first, (result) => result < 0);
    case 'less or equal':
    case 'on or before':
      return holds(first, (result) => result <= 0);
    case 'between': {
      const [fromFirst, toSecond] = [
        holds(first, (result) => result >= 0),
        holds(second, (result) => result <= 0),
      ];
      return (held) => fromFirst(held) && toSecond(held);
    }
  }
}

const DATE_COMPARISONS = new Set<Comparison>(['on', 'before', 'after', 'on or before', 'on or after']);
const isNull: Test = (held) => held === null || held === undefined;

/** Several choices are a list of numbers: 1 is no part of "11". */
function textTest(is: 'contains' | 'begins' | 'ends', operand: string, { type }: SourceColumn): Test {
  const sought = operand.toLowerCase();
  const test = (text: string): boolean => {
    switch (is) {
      case 'contains':
        return type === 'MultiSelectPicklist' ? text.split(',').includes(sought) : text.includes(sought);
      case 'begins':
        return text.startsWith(sought);
      case 'ends':
        return text.endsWith(sought);
    }
  };
  return (held) => !isNull(held) && test(textOf(held).toLowerCase());
}

/** For an operand: how a held value lies to it, negative before, positive after, undefined when it cannot be compared. */
type Order = (operand: unknown) => ((held: unknown) => number | undefined) | undefined;

const NUMBERS = new Set(['Integer', 'BigInt', 'Decimal', 'Double', 'Money', 'Picklist', 'State', 'Status']);

function orderOf({ type }: SourceColumn): Order {
  if (NUMBERS.has(type)) return ordered(decimalOf, compareDecimals);
  if (type === 'DateTime') return momentOrder;
  if (type === 'Boolean') return ordered(bitOf, (left, right) => left - right);
  if (type === 'MultiSelectPicklist') return ordered(choicesOf, compareTexts);
  return ordered((value) => textOf(value).toLowerCase(), compareTexts);
}

function ordered<T>(read: (value: unknown) => T | undefined, compare: (left: T, right: T) => number): Order {
  return (operand) => {
    const right = read(operand);
    if (right === undefined) return undefined;
    return (held) => {
      const left = read(held);
      return left === undefined ? undefined : compare(left, right);
    };
  };
}

/** An operand without a time means the whole day. */
const momentOrder: Order = (operand) => {
  const right = momentOf(operand);
  if (!right) return undefined;
  return (held) => {
    const left = momentOf(held);
    if (!left) return undefined;
    return right.isDay ? compareTexts(utcDay(left), right.day) : left.ms - right.ms;
  };
};

const momentOf = (value: unknown): Moment | undefined =>
  typeof value === 'string' ? readMoment(value) : undefined;

const decimalOf = (value: unknown): number | string | undefined =>
  (typeof value === 'number' || typeof value === 'string') && numberOf(value) !== undefined
    ? value
    : undefined;

function bitOf(value: unknown): number | undefined {
  const text = textOf(value).toLowerCase();
  return text === 'true' || text === '1' ? 1 : text === 'false' || text === '0' ? 0 : undefined;
}

const choicesOf = (value: unknown): string =>
  textOf(value)
    .split(',')
    .map((part) => part.trim())
    .toSorted()
    .join(',');

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
