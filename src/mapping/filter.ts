import type { SourceRow, SourceTable } from './model.js';
import type { Condition, Filters } from './schema.js';

/** Whether a row passes; pure. Texts compare without regard to case, as Dynamics does. */
export function compileFilter({ match, where }: Filters, source: SourceTable): (row: SourceRow) => boolean {
  const tests = where.map((condition) => compileCondition(condition, source));
  return match === 'all'
    ? (row) => tests.every((test) => test(row))
    : (row) => tests.some((test) => test(row));
}

type Value = string | number | boolean;

function compileCondition({ field, is, value }: Condition, source: SourceTable): (row: SourceRow) => boolean {
  const column = source.columns[field];
  const member = column?.selectName ?? field;
  const isDate = column?.type === 'DateTime';
  const operands = (value === undefined ? [] : [value].flat()).map((operand) => comparable(operand, isDate));
  const [first = '', second = ''] = operands;
  const given = (test: (held: Value) => boolean) => (row: SourceRow) => {
    const held = row[member];
    return held !== null && held !== undefined && test(comparable(held as Value, isDate));
  };
  const text = (held: Value): string => String(held);
  switch (is) {
    case 'null':
      return (row) => row[member] === null || row[member] === undefined;
    case 'not null':
      return given(() => true);
    case 'equal':
      return given((held) => same(held, first));
    case 'not equal':
      // A row without a value is not equal to any.
      return (row) => !given((held) => same(held, first))(row);
    case 'in':
      return given((held) => operands.some((operand) => same(held, operand)));
    case 'not in':
      return (row) => !given((held) => operands.some((operand) => same(held, operand)))(row);
    case 'contains':
      return given((held) => text(held).includes(text(first)));
    case 'begins':
      return given((held) => text(held).startsWith(text(first)));
    case 'ends':
      return given((held) => text(held).endsWith(text(first)));
    case 'greater':
      return given((held) => order(held, first) > 0);
    case 'greater or equal':
      return given((held) => order(held, first) >= 0);
    case 'less':
      return given((held) => order(held, first) < 0);
    case 'less or equal':
      return given((held) => order(held, first) <= 0);
    case 'between':
      return given((held) => order(held, first) >= 0 && order(held, second) <= 0);
    case 'on':
      return given((held) => dayOf(held) === dayOf(first));
    case 'before':
      return given((held) => dayOf(held) < dayOf(first));
    case 'after':
      return given((held) => dayOf(held) > dayOf(first));
    case 'on or before':
      return given((held) => dayOf(held) <= dayOf(first));
    case 'on or after':
      return given((held) => dayOf(held) >= dayOf(first));
  }
}

/** Texts in lower case; points in time in one form, so that their texts are in order. */
function comparable(value: Value, isDate: boolean): Value {
  if (typeof value !== 'string') return value;
  if (isDate && value.length > 10) {
    const ms = Date.parse(value);
    if (!Number.isNaN(ms)) return new Date(ms).toISOString();
  }
  return value.toLowerCase();
}

const same = (held: Value, operand: Value): boolean =>
  typeof held === typeof operand ? held === operand : String(held) === String(operand);

/** Numbers by size, also where one of the two came as text; everything else as text. NaN: not comparable, no order holds. */
function order(held: Value, operand: Value): number {
  if (typeof held === 'number' || typeof operand === 'number') return Number(held) - Number(operand);
  return held === operand ? 0 : held < operand ? -1 : 1;
}

const dayOf = (value: Value): string => String(value).slice(0, 10);
