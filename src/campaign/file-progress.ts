/** How far a file has been read, and what it was like then. */
export interface FileProgress {
  rows: number;
  size: number;
  mtimeMs: number;
  /** All that was in it is read. */
  done?: boolean;
  /** The byte behind the last row that was read; good for as long as the file stays as it is. */
  bytes?: number;
  /** Digest of its beginning: tells a file that grew from another one in its place. */
  head?: string;
  /** The last row that was read had no line break: in a file that has grown since, there may be more of it. */
  unended?: true;
  /** Since when, by our clock, its end has been unfinished and has not changed. */
  stillSinceMs?: number;
  /** Why it is not read: `unreadable`, or a digest of the settings that do not fit it. */
  refused?: string;
}

/** By the files' ids. */
export type Files = Record<string, FileProgress>;

/** What tells whether a file is as it was. */
export type FileState = Pick<FileProgress, 'size' | 'mtimeMs'>;

export const UNREADABLE = 'unreadable';

export const isUntouched = (entry: FileState, { size, mtimeMs }: FileState): boolean =>
  entry.size === size && entry.mtimeMs === mtimeMs;

export const isUnfinished = ({ done, refused }: FileProgress): boolean =>
  done !== true && refused === undefined;

/** Undefined where nothing that was read of a file counts any more. Where files may be written over, only an upload under way goes on. */
export function stillCounts(
  entry: FileState,
  known: FileProgress | undefined,
  onlyGrow: boolean,
): FileProgress | undefined {
  if (!known || onlyGrow || isUntouched(entry, known)) return known;
  return isUnfinished(known) && known.stillSinceMs !== undefined ? known : undefined;
}

/** What need not be read again: in a file that has changed since, a row that had no line break may be longer by now. */
export const readOf = (entry: FileState, known: FileProgress | undefined): FileProgress | undefined =>
  known?.unended && !isUntouched(entry, known) ? { ...known, rows: known.rows - 1 } : known;

/** When a file that is as it was stopped changing, by our clock; now for any other. */
export const stillSince = (entry: FileState, known: FileProgress | undefined, nowMs: number): number =>
  known?.stillSinceMs !== undefined && isUntouched(entry, known) ? known.stillSinceMs : nowMs;

export const hasBeenStill = ({ stillSinceMs }: FileProgress, settleMs: number, nowMs: number): boolean =>
  stillSinceMs !== undefined && nowMs - stillSinceMs >= settleMs;

/** Milliseconds until the first of the unfinished files is to be taken as it is; undefined when there is none. */
export function untilSettled(files: Files, settleMs: number, nowMs: number): number | undefined {
  const waits = Object.values(files)
    .filter(isUnfinished)
    .map(({ stillSinceMs = nowMs }) => Math.max(0, stillSinceMs + settleMs - nowMs));
  return waits.length > 0 ? Math.min(...waits) : undefined;
}
