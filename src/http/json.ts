import { isSafeNumber, parse } from 'lossless-json';

/** The JSON object that a text is; undefined when it is anything else, broken off included. */
export function jsonObject(text: string): Record<string, unknown> | undefined {
  return objectBy(JSON.parse, text);
}

/** A number that a double may not hold exactly: many digits, or an exponent. Digits inside texts may match too, which only costs time. */
const LONG_NUMBER = /[:[,]\s*-?(?:[\d.]{16}|[\d.]+[eE])/;

/** The same, with numbers that a double cannot hold kept as their digits (dataverse.md §2: BigInt, decimals). */
export function exactJsonObject(text: string): Record<string, unknown> | undefined {
  return LONG_NUMBER.test(text) ? objectBy(parseExactly, text) : jsonObject(text);
}

const parseExactly = (text: string): unknown =>
  parse(text, undefined, (digits) => (isSafeNumber(digits) ? Number(digits) : digits));

function objectBy(read: (text: string) => unknown, text: string): Record<string, unknown> | undefined {
  try {
    const parsed = read(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
