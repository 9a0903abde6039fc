import { createHash } from 'node:crypto';
import type { ErrorCode } from '../errors.js';
import type { EventItem } from './email-event.js';
import type { FileProgress } from './event-source.js';

/** What tells whether a file is as it was. */
export type FileState = Pick<FileProgress, 'size' | 'mtimeMs'>;

/** File, row, size, time and beginning of the file then, and the byte that the row begins at. Row 0 is the file itself. */
export type RowPlace = [
  id: string,
  row: number,
  size: number,
  mtimeMs: number,
  head?: string,
  start?: number | null,
];

export function placeIn(position: string): RowPlace | undefined {
  try {
    const place = JSON.parse(position) as unknown;
    return Array.isArray(place) && place.length >= 4 ? (place as RowPlace) : undefined;
  } catch {
    return undefined;
  }
}

export const isUntouched = (entry: FileState, { size, mtimeMs }: FileState): boolean =>
  entry.size === size && entry.mtimeMs === mtimeMs;

export function fileFault(
  id: string,
  { size, mtimeMs }: FileState,
  code: ErrorCode,
  heading?: string,
): EventItem {
  return {
    position: JSON.stringify([id, 0, size, mtimeMs] satisfies RowPlace),
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
