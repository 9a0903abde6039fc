export type TextEncodingName = 'utf-8' | 'latin1';

/** What Windows-1252 has in place of Latin-1's control characters, from 0x80 on; unused ones stay as they are. */
const WINDOWS =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

/**
 * Reads text in UTF-8, or in what Campaign calls Latin-1 and is Windows-1252 (campaign.md §7). Node 20's own decoder of that name reads
 * plain Latin-1. Bytes that are no UTF-8 become U+FFFD; a byte order mark is left out.
 */
export function textOf(bytes: Buffer, encoding: TextEncodingName): string {
  if (encoding === 'utf-8') {
    const text = bytes.toString('utf8');
    return text.startsWith('\ufeff') ? text.slice(1) : text;
  }
  return bytes
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (control) => WINDOWS[control.charCodeAt(0) - 0x80] ?? control);
}
