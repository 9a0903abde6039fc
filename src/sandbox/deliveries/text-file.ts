import { gzipSync } from 'node:zlib';
import type { ExportFormat } from '../context.js';

const SEPARATORS = { tab: '\t', semicolon: ';', comma: ',' };
const LINE_ENDS = { lf: '\n', crlf: '\r\n' };

/**
 * A text file as Campaign's "Extract file" writes it (campaign.md §7). With quotes a quote inside a value is doubled;
 * without, separators and line breaks inside a value become spaces, as nothing could tell them from real ones.
 */
export function textFile(columns: readonly string[], rows: Iterable<string[]>, format: ExportFormat): Buffer {
  const separator = SEPARATORS[format.separator];
  const lineEnd = LINE_ENDS[format.lineEnd];
  const field = format.quote === 'double' ? quoted : plain(separator);
  const lines = format.header ? [columns.map(field).join(separator)] : [];
  for (const row of rows) lines.push(row.map(field).join(separator));
  const text = lines.map((line) => `${line}${lineEnd}`).join('');
  const bytes = format.encoding === 'latin1' ? latin1(text) : Buffer.from(text, 'utf8');
  return format.gzip ? gzipSync(bytes) : bytes;
}

const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;

function plain(separator: string): (value: string) => string {
  const breaking = new RegExp(`[${separator}\r\n]`, 'g');
  return (value) => value.replace(breaking, ' ');
}

/** A character that the encoding lacks becomes a question mark. */
const latin1 = (text: string): Buffer =>
  Buffer.from(text.replaceAll(/[\u{100}-\u{10ffff}]/gu, '?'), 'latin1');

/** `2024/05/02 08:45:10`, in UTC, without a zone. */
export function fileTime(milliseconds: number): string {
  const iso = new Date(milliseconds).toISOString();
  return `${iso.slice(0, 4)}/${iso.slice(5, 7)}/${iso.slice(8, 10)} ${iso.slice(11, 19)}`;
}

/** `20240502_084510`, as in file names. */
export const nameTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '_');
