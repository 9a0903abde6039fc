import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** One change of one collection: a value set, a key deleted, or a collection cleared. */
export type Change =
  | [collection: string, key: string, value: unknown]
  | [collection: string, key: string]
  | [collection: string];

/** The append-only file behind the store: one line of JSON per commit, each an array of changes. */
export interface StoreLog {
  /** Writes one line. When this returns, the line outlives the death of this process. */
  append(line: string): void;
  /** Replaces the file by these lines, whole or not at all. */
  rewrite(lines: Iterable<string>): void;
  close(): void;
}

const READ_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Opens the log at `file`, hands every whole line's changes to `replay` in order, and cuts off a last line
 * that a kill tore: its answer never left, so nobody was told of it.
 */
export function openStoreLog(file: string, replay: (changes: Change[]) => void): StoreLog {
  mkdirSync(dirname(file), { recursive: true });
  let descriptor = openSync(file, existsSync(file) ? 'r+' : 'w+', 0o600);
  let position = replayLines(descriptor, replay);
  ftruncateSync(descriptor, position);

  function append(line: string): void {
    position += writeAll(descriptor, line, position);
  }

  function rewrite(lines: Iterable<string>): void {
    const replacement = `${file}.new`;
    const target = openSync(replacement, 'w+', 0o600);
    let written = 0;
    for (const line of lines) written += writeAll(target, line, written);
    renameSync(replacement, file);
    closeSync(descriptor);
    descriptor = target;
    position = written;
  }

  return { append, rewrite, close: () => closeSync(descriptor) };
}

/** Returns the byte position behind the last whole line. */
function replayLines(descriptor: number, replay: (changes: Change[]) => void): number {
  const chunk = Buffer.allocUnsafe(READ_BYTES);
  let rest: Buffer[] = [];
  let read = 0;
  let whole = 0;
  for (;;) {
    const bytes = readSync(descriptor, chunk, 0, READ_BYTES, read);
    if (bytes === 0) return whole;
    let start = 0;
    for (
      let end = chunk.indexOf(NEWLINE, start);
      end >= 0 && end < bytes;
      end = chunk.indexOf(NEWLINE, start)
    ) {
      rest.push(chunk.subarray(start, end));
      const text =
        rest.length === 1 ? chunk.toString('utf8', start, end) : Buffer.concat(rest).toString('utf8');
      rest = [];
      replay(JSON.parse(text) as Change[]);
      start = end + 1;
      whole = read + start;
    }
    // Copied, because the next read overwrites the chunk.
    if (start < bytes) rest.push(Buffer.from(chunk.subarray(start, bytes)));
    read += bytes;
  }
}

function writeAll(descriptor: number, line: string, position: number): number {
  const bytes = Buffer.from(line, 'utf8');
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(descriptor, bytes, written, bytes.length - written, position + written);
  }
  return bytes.length;
}
