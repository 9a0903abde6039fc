import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { linesOf } from './delimited-lines.js';
import { cellsOf, createRows, separatorOf, type Row, type Separator } from './delimited-rows.js';
import { isUntouched, type FileProgress, type FileState } from './file-progress.js';
import { textOf, type TextEncodingName } from './text-encoding.js';
import { ReadRefused, type RemoteHandle, type Sftp } from './sftp.js';

export interface DelimitedForm {
  separator: Separator;
  encoding: TextEncodingName;
}

export interface RemoteDelimitedFile extends FileState {
  path: string;
}

/** What the first row of a file tells: how the others are read, or the heading of a column that is needed and not there. */
export type Headed<Columns> = { columns: Columns } | { missing: string };

/** Row 1 is the first behind the headings. */
export interface NumberedRow extends Row {
  number: number;
  /** The byte it begins at, unpacked. */
  start: number;
}

export interface NumberedRows {
  rows: NumberedRow[];
  /** Only when there are no more rows: read whole; its end is unfinished; it ended before its size; it cannot be read on. */
  end?: 'done' | 'unfinished' | 'shorter' | 'unreadable';
}

export interface DelimitedFileReader<Columns> {
  kind: 'rows';
  columns: Columns;
  head: string;
  /** Rows that are passed over because they are read already. */
  skipped: number;
  /** Whether it is the file that the progress is of, grown or not. */
  isSame: boolean;
  /** Whether reading can begin at a row's byte. */
  canSeek: boolean;
  next(most: number): Promise<NumberedRows>;
  close(): Promise<void>;
}

export type OpenedDelimitedFile<Columns> =
  | DelimitedFileReader<Columns>
  | { kind: 'missing-column'; heading: string; head: string }
  /** Its first line is not whole yet. */
  | { kind: 'unfinished'; head: string }
  | { kind: 'absent' }
  | { kind: 'unreadable' };

const HEAD_BYTES = 65_536;
/** So much of the beginning tells one file from another. */
const DIGEST_BYTES = 1_024;
/** The most that a page takes, however long its rows are. */
const PAGE_BYTES = 4 * 1024 * 1024;
/** Unpacks to no more than a thousand times as much. */
const PACKED_HEAD_BYTES = 4_096;

/**
 * Opens a delimited file, plain or packed by gzip, behind what is read of it already. A file that grew is read on from its row; one with
 * another beginning is read from its first. `readHeadings` is given the cells of the first row. `takeUnfinished`: what stands behind its
 * last line break counts as a row.
 */
export async function openDelimitedFile<Columns extends { count: number }>(
  sftp: Sftp,
  file: RemoteDelimitedFile,
  form: DelimitedForm,
  readHeadings: (headings: string[]) => Headed<Columns>,
  progress: FileProgress | undefined,
  takeUnfinished: boolean,
): Promise<OpenedDelimitedFile<Columns>> {
  const handle = await sftp.open(file.path);
  if (handle === 'absent') return { kind: 'absent' };
  if (handle === 'refused') return { kind: 'unreadable' };
  try {
    const bytes = await firstBytes(handle, file.size);
    const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
    const head = headOf(bytes);
    const beginning = packed ? unpackedHead(bytes) : bytes;
    const begun = beginning && beginningOf(beginning, form);
    // What is read of it is of the file that had this beginning.
    const isSame = progress?.head === undefined || headOf(bytes.subarray(0, progress.size)) === progress.head;
    if (!begun || !(begun.isEnded || takeUnfinished)) {
      await handle.close();
      return takeUnfinished || bytes.length >= HEAD_BYTES
        ? { kind: 'unreadable' }
        : { kind: 'unfinished', head };
    }
    const separator = separatorOf(form.separator, begun.text);
    const headed = readHeadings(cellsOf(begun.text, separator) ?? begun.text.split(separator));
    if ('missing' in headed) {
      await handle.close();
      return { kind: 'missing-column', heading: headed.missing, head };
    }
    const { columns } = headed;
    const rows = isSame ? (progress?.rows ?? 0) : 0;
    const canGoOn = progress !== undefined && isSame && isUntouched(file, progress) && !packed;
    const at = canGoOn ? progress.bytes : undefined;
    const from =
      at === undefined ? { byte: begun.end, number: 0, skip: rows } : { byte: at, number: rows, skip: rows };
    const shape = { separator, count: columns.count, packed, takeUnfinished };
    return { ...readerOf(handle, file, form, shape, from), columns, head, isSame };
  } catch (error) {
    await handle.close();
    if (error instanceof ReadRefused) return { kind: error.refused === 'absent' ? 'absent' : 'unreadable' };
    throw error;
  }
}

interface Shape {
  separator: string;
  /** Cells of a row. */
  count: number;
  packed: boolean;
  takeUnfinished: boolean;
}

function readerOf(
  handle: RemoteHandle,
  { size }: RemoteDelimitedFile,
  { encoding }: DelimitedForm,
  { separator, count, packed, takeUnfinished }: Shape,
  from: { byte: number; number: number; skip: number },
): Omit<DelimitedFileReader<unknown>, 'columns' | 'head' | 'isSame'> {
  const content = packed ? unpacked(handle, size, from.byte) : plain(handle, size, from.byte);
  const assembled = createRows(separator, count);
  const lines = linesOf(content.chunks(), encoding, from.byte);
  let { byte, number } = from;
  const waiting: NumberedRow[] = [];
  let end: NumberedRows['end'];

  function take(rows: Row[]): void {
    for (const row of rows) {
      // More of it may be on its way.
      if (!row.isEnded && !takeUnfinished) continue;
      number += 1;
      // Where the packed text breaks off, the last cell may be as well.
      const cells = row.isEnded || content.isWhole() ? row.cells : undefined;
      if (number > from.skip) waiting.push({ ...row, cells, number, start: byte });
      byte = row.end;
    }
  }

  async function fill(): Promise<void> {
    try {
      const read = await lines.next();
      if (!read.done) {
        for (const line of read.value) take(assembled.add(line));
        return;
      }
      if (takeUnfinished) take(assembled.rest());
      const isFinished = takeUnfinished || (content.isWhole() && byte === content.total());
      end = content.isShort() ? 'shorter' : isFinished ? 'done' : 'unfinished';
    } catch (error) {
      if (error instanceof ReadRefused) end = error.refused === 'absent' ? 'shorter' : 'unreadable';
      else if (isCorrupt(error)) end = takeUnfinished ? 'unreadable' : 'unfinished';
      else throw error;
    }
  }

  return {
    kind: 'rows',
    skipped: from.skip,
    canSeek: !packed,
    async next(most) {
      const rows: NumberedRow[] = [];
      let bytes = 0;
      while (rows.length < most && bytes < PAGE_BYTES) {
        const row = waiting.shift();
        if (row) {
          rows.push(row);
          bytes += row.end - row.start;
        } else if (end === undefined) await fill();
        else return { rows, end };
      }
      return { rows };
    },
    async close() {
      await lines.return(undefined);
      await handle.close();
    },
  };
}

/** The bytes behind the headings, and what is known of them once they are read. */
interface Content {
  chunks(): AsyncGenerator<Buffer>;
  /** The byte behind the last one, unpacked. */
  total(): number;
  isWhole(): boolean;
  isShort(): boolean;
}

function plain(handle: RemoteHandle, size: number, start: number): Content {
  let read = start;
  return {
    async *chunks() {
      for await (const chunk of handle.chunks(start, size)) {
        read += chunk.length;
        yield chunk;
      }
    },
    total: () => read,
    isWhole: () => true,
    isShort: () => read < size,
  };
}

function unpacked(handle: RemoteHandle, size: number, start: number): Content {
  let read = 0;
  let total = 0;
  let trailer = Buffer.alloc(0);
  async function* packed(): AsyncGenerator<Buffer> {
    for await (const chunk of handle.chunks(0, size)) {
      read += chunk.length;
      trailer = Buffer.concat([trailer, chunk]).subarray(-4);
      yield chunk;
    }
  }
  return {
    async *chunks() {
      const source = Readable.from(packed());
      // A file that is still being written ends early: what is there of it is unpacked all the same.
      const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
      source.on('error', (error) => gunzip.destroy(error)).pipe(gunzip);
      try {
        for await (const chunk of gunzip as AsyncIterable<Buffer>) {
          const behindHead = chunk.subarray(Math.max(0, start - total));
          total += chunk.length;
          if (behindHead.length > 0) yield behindHead;
        }
      } finally {
        source.destroy();
        gunzip.destroy();
      }
    },
    total: () => total,
    // A gzip file ends with the length of what it holds (RFC 1952 §2.3.1).
    isWhole: () => trailer.length === 4 && trailer.readUInt32LE(0) === total % 2 ** 32,
    isShort: () => read < size,
  };
}

const isCorrupt = (error: unknown): boolean =>
  /^(?:Z_|ERR_ZLIB|ERR_BUFFER_TOO_LARGE)/.test(String((error as { code?: unknown } | null)?.code ?? ''));

async function firstBytes(handle: RemoteHandle, size: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of handle.chunks(0, Math.min(size, HEAD_BYTES))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Undefined when it is not what gzip writes. */
function unpackedHead(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes.subarray(0, PACKED_HEAD_BYTES), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

/** The first line, and the byte behind it. */
function beginningOf(
  head: Buffer,
  { encoding }: DelimitedForm,
): { text: string; end: number; isEnded: boolean } {
  const lineBreak = head.indexOf(0x0a);
  const line = lineBreak < 0 ? head : head.subarray(0, lineBreak);
  const text = textOf(line, encoding).replace(/\r$/, '');
  return { text, end: lineBreak < 0 ? head.length : lineBreak + 1, isEnded: lineBreak >= 0 };
}

const headOf = (bytes: Buffer): string =>
  createHash('sha256').update(bytes.subarray(0, DIGEST_BYTES)).digest('hex').slice(0, 8);
