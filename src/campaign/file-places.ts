import { createHash } from 'node:crypto';
import type { ErrorCode } from '../errors.js';
import type { FileState } from './file-progress.js';

/**
 * File, row, size, time and beginning of the file then, and the byte that the row begins at. Row 0 is the file itself, LOST_ROWS what it
 * lost before it was read.
 */
export type RowPlace = [
  id: string,
  row: number,
  size: number,
  mtimeMs: number,
  head?: string,
  start?: number | null,
];

export const LOST_ROWS = -1;

/** A row or a whole file that cannot be read. `field`: heading of the column; `key`: the same every time. */
export interface FileFault {
  kind: 'fault';
  key: string;
  code: ErrorCode;
  field?: string;
}

export function placeIn(position: string): RowPlace | undefined {
  try {
    const place = JSON.parse(position) as unknown;
    return Array.isArray(place) && place.length >= 4 ? (place as RowPlace) : undefined;
  } catch {
    return undefined;
  }
}

export function fileFault(
  id: string,
  { size, mtimeMs }: FileState,
  code: ErrorCode,
  { row = 0, heading }: { row?: 0 | typeof LOST_ROWS; heading?: string } = {},
): FileFault & { position: string } {
  return {
    position: JSON.stringify([id, row, size, mtimeMs] satisfies RowPlace),
    kind: 'fault',
    key: `file:${id}:${code}:${size}:${mtimeMs}`,
    code,
    ...(heading !== undefined && { field: heading }),
  };
}

/** Names come from the server: none may lead out of the folder. What is still being uploaded has a name that says so. */
export const isFileName = (name: string): boolean =>
  !/[/\\\p{Cc}]/u.test(name) &&
  name !== '.' &&
  name !== '..' &&
  !/\.(?:part|filepart|partial|tmp)$/i.test(name);

export function namedLike(pattern: string): (name: string) => boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const whole = new RegExp(`^${parts.join('.*')}$`, 's');
  return (name) => whole.test(name);
}

/** A plain name stands for itself; any other may hold anything, and is kept as its digest (DESIGN §2, P8). */
export const idOf = (name: string): string =>
  /^[\w.-]{1,100}$/.test(name) ? name : `sha256:${digest(name)}`;

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
