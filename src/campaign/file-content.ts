import type { ErrorCode } from '../errors.js';
import type { Headed } from './delimited-file.js';
import type { FileFault, RowPlace } from './file-places.js';
import type { Files } from './file-progress.js';

/** Which files of a folder are read, and what their rows tell. */
export interface FileContent<Told extends { kind: string }> {
  /** Reads the first row of a file of this name; undefined when the file is none of them. */
  headingsOf(name: string): ReadHeadings<Told> | undefined;
  /** Files have rows put behind the others at most. Otherwise a file that changed after it was read is read from its first row. */
  onlyGrow: boolean;
  /** Codes of files that lack a column, cannot be read, or vanished or became shorter before they were read to their end. */
  codes: { columnMissing: ErrorCode; unreadable: ErrorCode; cutShort: ErrorCode };
}
export type ReadHeadings<Told> = (headings: string[]) => Headed<RowReader<Told>>;

export interface RowReader<Told> {
  /** Cells of a row. */
  count: number;
  /** Undefined when the row is passed over. No cells: it was too long, or broken off. */
  read(cells: string[], nowMs: number): Told | RowFault | undefined;
}

/** `field`: heading of the column; `identity`: what the row is about, where it is known all the same. */
export interface RowFault {
  kind: 'fault';
  code: ErrorCode;
  field: string;
  identity?: string;
}

export type FileItem<Told> = { position: string } & (Told | FileFault);

export interface FilePage<Told> {
  items: FileItem<Told>[];
  files: Files;
  /** There is more to read at once. */
  more: boolean;
  waitMs?: number;
  /** Time of the newest file, read or not; absent when there is none. */
  newestMs?: number;
}

/** The item that a row is, with the position it is read again by. */
export function itemOf<Told extends { kind: string }>(
  told: Told | RowFault,
  place: RowPlace,
): FileItem<Told> {
  const position = JSON.stringify(place);
  if (!isFault(told)) return { position, ...told };
  const { code, field, identity } = told;
  const [id, number] = place;
  return { position, kind: 'fault', key: identity ?? `row:${id}:${number}`, code, field };
}

const isFault = (told: { kind: string }): told is RowFault => told.kind === 'fault';
