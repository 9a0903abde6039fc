/** Numbers as JSON gives them: numbers where they are exact, text where they are not (model.ts, SourceRow). */

// Each digit can be read in one way only, so that a text of n digits is read once, not n times.
const DECIMAL = /^([-+]?)(\d+(?:\.\d*)?|\.\d+)(?:e([-+]?\d{1,3}))?$/i;

/** The number a value means; undefined for everything that is none, and for text that is not wholly a number. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'string' && !DECIMAL.test(value)) return undefined;
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** The whole number a value means, if it means one exactly: text keeps digits that a number would round away. */
export function wholeNumberOf(value: unknown): number | undefined {
  if (typeof value === 'string' && !/^[-+]?\d+(\.0*)?$/.test(value)) return undefined;
  const number = numberOf(value);
  return Number.isSafeInteger(number) ? number : undefined;
}

/** All digits and no exponent: `0.0000001`, where JavaScript writes `1e-7`. */
export function plainDecimal(number: number): string {
  const text = String(number);
  if (!text.includes('e')) return text;
  const { sign, digits, scale } = parts(text);
  if (scale <= 0) return `${sign}${digits}${'0'.repeat(-scale)}`;
  const padded = digits.padStart(scale + 1, '0');
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/**
 * The shortest decimal that stands for the single-precision number nearest to a value: two decimals that a 32-bit field
 * holds alike become one.
 */
export function shortestSingle(number: number): number {
  const single = Math.fround(number);
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}

/** Orders two decimals exactly, however long: negative, zero or positive. Both must be numbers by `numberOf`. */
export function compareDecimals(left: number | string, right: number | string): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [a, b] = [parts(String(left)), parts(String(right))];
  const scale = Math.max(a.scale, b.scale);
  const [scaledA, scaledB] = [scaled(a, scale), scaled(b, scale)];
  return scaledA < scaledB ? -1 : scaledA > scaledB ? 1 : 0;
}

/** The value is digits × 10^-scale. */
interface Parts {
  sign: '' | '-';
  digits: string;
  scale: number;
}

function parts(text: string): Parts {
  const [, sign, mantissa = '0', exponent = '0'] = DECIMAL.exec(text) ?? [];
  const [whole = '', fraction = ''] = mantissa.split('.');
  return {
    sign: sign === '-' ? '-' : '',
    digits: whole + fraction,
    scale: fraction.length - Number(exponent),
  };
}

const scaled = ({ sign, digits, scale }: Parts, to: number): bigint =>
  BigInt(`${digits}${'0'.repeat(to - scale)}`) * (sign === '-' ? -1n : 1n);
