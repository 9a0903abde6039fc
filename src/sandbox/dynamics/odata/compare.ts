/**
 * Orders two values that are not null: numbers and times by size, booleans false first, text without regard to
 * case. A stored time is ISO text, a literal one milliseconds; a value that is not of the other's type is
 * compared as text.
 */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (typeof a === 'number' && typeof b === 'string') return orderOfNumberAndText(a, b);
  if (typeof a === 'string' && typeof b === 'number') return -orderOfNumberAndText(b, a);
  const [left, right] = [equalText(a), equalText(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Text in the form in which equal texts are the same. */
export const equalText = (value: unknown): string => String(value).toLowerCase();

function orderOfNumberAndText(number: number, text: string): number {
  const other = text.includes('-', 1) ? Date.parse(text) : Number(text);
  return number - other || (Number.isNaN(other) ? -1 : 0);
}
