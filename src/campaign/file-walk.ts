import {
  openDelimitedFile,
  type DelimitedFileReader,
  type DelimitedForm,
  type NumberedRow,
} from './delimited-file.js';
import { itemOf, type FileContent, type FileItem, type FilePage, type RowReader } from './file-content.js';
import { filesIn, type FileEntry } from './file-folder.js';
import { digest, fileFault, LOST_ROWS, placeIn } from './file-places.js';
import {
  hasBeenStill,
  isUnfinished,
  isUntouched,
  readOf,
  stillCounts,
  stillSince,
  UNREADABLE,
  untilSettled,
  type FileProgress,
  type FileState,
  type Files,
} from './file-progress.js';
import { createSftp, isLostConnection, type SftpSettings } from './sftp.js';

export interface FileWalkSettings extends SftpSettings {
  form: DelimitedForm & {
    /** Folder of the SFTP area, without a slash at its end. */
    directory: string;
  };
  /** A file whose end is unfinished is taken as it is when it has not changed for so long. */
  settleMs?: number;
  pageRows?: number;
  nowMs?: () => number;
}

const SETTLE_MS = 60_000;
const PAGE_ROWS = 2_000;
/** Adobe's recommendation for files of the area (campaign.md §7): one that is older would have been cleared away anyhow. */
const KEPT_MS = 15 * 24 * 3_600_000;

/**
 * Walks through delimited files of one folder of an SFTP server (campaign.md §7), file after file in the order of their times. A file is
 * read as far as it has whole lines, and on from there when it grows; a file that is read is not opened again while it stays as it is. A
 * file that lacks a column, cannot be read, or vanished before it was read to its end is told by an item of kind `fault`, and the others
 * go on. Nothing is written or deleted. `close` ends the connection; the files can be read again.
 */
export function createFileWalk<Told extends { kind: string }>(
  settings: FileWalkSettings,
  { headingsOf, codes, onlyGrow }: FileContent<Told>,
) {
  const { form, settleMs = SETTLE_MS, pageRows = PAGE_ROWS, nowMs = Date.now } = settings;
  type Item = FileItem<Told>;
  type Entry = FileEntry<Told>;
  type Reader = DelimitedFileReader<RowReader<Told>>;

  /** One walk through the files, kept between the pages that ask for it one after the other. */
  interface Pass {
    /** The progress after the last page, as text: who asks for what follows it goes on here. */
    at: string | undefined;
    files: Files;
    queue: Entry[];
    reading?: Reading | undefined;
    untold: Item[];
    newestMs?: number | undefined;
  }
  interface Reading {
    entry: Entry;
    reader: Reader;
    rows: number;
    /** The byte behind the last of them, where it is known. */
    bytes: number | undefined;
    /** The last of them had no line break. */
    unended: boolean;
    /** The progress that it was opened with. */
    known: FileProgress | undefined;
  }

  const sftp = createSftp(settings);
  const formDigest = digest(JSON.stringify(form));
  let pass: Pass | undefined;
  let closed = 0;

  const listed = (): Promise<Entry[]> => filesIn(sftp, form.directory, headingsOf);

  /** One page after this progress. */
  async function read(files: Files, signal: AbortSignal): Promise<FilePage<Told>> {
    signal.throwIfAborted();
    const before = closed;
    // Every wait is for the server: without a connection all of them end.
    const abort = (): void => sftp.close();
    signal.addEventListener('abort', abort, { once: true });
    try {
      try {
        return await readPage(files);
      } catch (error) {
        await leavePass();
        if (!isLostConnection(error) || signal.aborted || closed !== before) throw error;
        return await readPage(files);
      }
    } catch (error) {
      await leavePass();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async function readPage(files: Files): Promise<FilePage<Told>> {
    if (pass?.at !== JSON.stringify(files)) {
      await leavePass();
      pass = await beginPass(files);
    }
    const items = pass.untold.splice(0);
    while (items.length < pageRows && (pass.reading || pass.queue.length > 0))
      items.push(...(await advance(pass, pageRows - items.length)));
    const next = { ...pass.files };
    pass.at = JSON.stringify(next);
    const { newestMs } = pass;
    const more = pass.reading !== undefined || pass.queue.length > 0;
    if (!more) pass = undefined;
    const waitMs = more ? undefined : untilSettled(next, settleMs, nowMs());
    return {
      items,
      files: next,
      more,
      ...(waitMs !== undefined && { waitMs }),
      ...(newestMs !== undefined && { newestMs }),
    };
  }

  async function beginPass(files: Files): Promise<Pass> {
    const entries = await listed();
    const present = new Map(entries.map((entry) => [entry.id, entry]));
    const untold: Item[] = [];
    const kept: Files = {};
    for (const [id, progress] of Object.entries(files)) {
      const entry = present.get(id);
      const isShorter = entry !== undefined && entry.size < progress.size;
      if ((!entry || isShorter) && isUnfinished(progress)) untold.push(cutShort(id, progress));
      if (entry && !isShorter) kept[id] = progress;
    }
    const queue = entries.filter((entry) => isToRead(entry, kept[entry.id]));
    return { at: undefined, files: kept, queue, untold, newestMs: entries.at(-1)?.mtimeMs };
  }

  function isToRead(entry: Entry, progress: FileProgress | undefined): boolean {
    if (!progress || !isUntouched(entry, progress)) return true;
    if (progress.refused !== undefined) return progress.refused !== formDigest;
    return progress.done !== true && (progress.stillSinceMs === undefined || isSettled(progress));
  }

  const isSettled = (progress: FileProgress): boolean => hasBeenStill(progress, settleMs, nowMs());

  const takesUnfinished = (entry: Entry, progress: FileProgress | undefined): boolean =>
    progress !== undefined && isUntouched(entry, progress) && isSettled(progress);

  const openEntry = (entry: Entry, known: FileProgress | undefined, takeUnfinished: boolean) =>
    openDelimitedFile(sftp, entry, form, entry.readHeadings, known, takeUnfinished);

  /** One step of a pass: opens the next file, or reads on in the one that is open. */
  async function advance(current: Pass, most: number): Promise<Item[]> {
    if (current.reading) return readOn(current, current.reading, most);
    const entry = current.queue.shift();
    if (!entry) return [];
    const { id, size, mtimeMs } = entry;
    const known = stillCounts(entry, current.files[id], onlyGrow);
    const behind = readOf(entry, known);
    const state = { size, mtimeMs };
    if (size === 0) {
      current.files[id] = { rows: 0, ...state, done: true };
      return [];
    }
    const opened = await openEntry(entry, behind, takesUnfinished(entry, known));
    switch (opened.kind) {
      case 'rows':
        current.reading = {
          entry,
          reader: opened,
          rows: opened.skipped,
          bytes: known && opened.isSame && isUntouched(entry, known) ? known.bytes : undefined,
          unended: known?.unended === true && opened.skipped === known.rows,
          known,
        };
        return [];
      case 'unfinished': {
        const { head } = opened;
        current.files[id] = { rows: 0, ...state, head, stillSinceMs: stillSince(entry, known, nowMs()) };
        return [];
      }
      case 'missing-column':
        current.files[id] = { rows: 0, ...state, head: opened.head, refused: formDigest };
        return [fileFault(id, state, codes.columnMissing, opened)];
      case 'unreadable':
        return unreadable(current, entry, behind?.rows ?? 0, known);
      case 'absent': {
        const { [id]: lost, ...others } = current.files;
        current.files = others;
        // It was there when the folder was listed: what it held is not read, or not to its end.
        return !lost || isUnfinished(lost) ? [cutShort(id, lost ?? entry)] : [];
      }
    }
  }

  async function readOn(current: Pass, reading: Reading, most: number): Promise<Item[]> {
    const { entry, reader, known } = reading;
    const { id, size, mtimeMs } = entry;
    const read = await reader.next(most);
    const last = read.rows.at(-1);
    const rows = last?.number ?? reading.rows;
    const unended = last ? !last.isEnded : reading.unended;
    const bytes = reader.canSeek ? (last?.end ?? reading.bytes) : undefined;
    const about = { rows, size, mtimeMs, head: reader.head, ...(unended && { unended }) };
    const progress = { ...about, ...(bytes !== undefined && { bytes }) };
    current.files[id] = progress;
    const items = read.rows.flatMap((row) => itemsOf(row, entry, reader));
    if (read.end === undefined) {
      current.reading = { ...reading, rows, bytes, unended };
      return items;
    }
    current.reading = undefined;
    await reader.close();
    switch (read.end) {
      case 'done':
        current.files[id] = { ...about, done: true };
        return items;
      case 'unfinished':
        current.files[id] = { ...progress, stillSinceMs: stillSince(entry, known, nowMs()) };
        return items;
      case 'shorter':
        // The next look at the folder tells what it is now.
        return items;
      case 'unreadable':
        return [...items, ...unreadable(current, entry, rows, known)];
    }
  }

  /** It is tried at every pass, and told once for as long as it stays as it is. */
  function unreadable(current: Pass, entry: Entry, rows: number, known: FileProgress | undefined): Item[] {
    const { id, size, mtimeMs } = entry;
    const head = current.files[id]?.head;
    const isTold = known?.refused === UNREADABLE && isUntouched(entry, known);
    const about = head !== undefined && { head };
    current.files[id] = { rows, size, mtimeMs, ...about, refused: UNREADABLE };
    return isTold ? [] : [fileFault(id, entry, codes.unreadable)];
  }

  function itemsOf(row: NumberedRow, entry: Entry, { columns, canSeek, head }: Reader): Item[] {
    const { number, cells } = row;
    if (cells?.length === 1 && cells[0]?.trim() === '') return [];
    const { id, size, mtimeMs } = entry;
    const told = columns.read(cells ?? [], Math.max(nowMs(), mtimeMs));
    return told ? [itemOf(told, [id, number, size, mtimeMs, head, canSeek ? row.start : null])] : [];
  }

  const cutShort = (id: string, state: FileState): Item =>
    fileFault(id, state, codes.cutShort, { row: LOST_ROWS });

  /** One item again, from its position; undefined when it is not there any more. */
  async function reread(position: string): Promise<Item | undefined> {
    const place = placeIn(position);
    if (!place) return undefined;
    const [id, number, size, mtimeMs, head, start] = place;
    const entry = (await listed()).find((each) => each.id === id);
    if (number === LOST_ROWS) {
      // What is there again, or in its place, is read as any other.
      const isMissed = !entry && nowMs() - mtimeMs < KEPT_MS;
      return isMissed ? cutShort(id, { size, mtimeMs }) : undefined;
    }
    if (!entry) return undefined;
    if (number === 0 && !isUntouched(entry, { size, mtimeMs })) return undefined;
    const behind = {
      rows: Math.max(0, number - 1),
      size,
      mtimeMs,
      ...(head !== undefined && { head }),
      ...(typeof start === 'number' && { bytes: start }),
    };
    const opened = await openEntry(entry, behind, true);
    switch (opened.kind) {
      case 'absent':
      case 'unfinished':
        return undefined;
      case 'missing-column':
        return fileFault(id, entry, codes.columnMissing, opened);
      case 'unreadable':
        return fileFault(id, entry, codes.unreadable);
      case 'rows':
        try {
          // A file that was refused and is not any more is read as any other; another file in its place has other rows.
          if (number === 0 || !opened.isSame) return undefined;
          const [row] = (await opened.next(1)).rows;
          return row && itemsOf(row, entry, opened)[0];
        } finally {
          await opened.close();
        }
    }
  }

  async function leavePass(): Promise<void> {
    const reader = pass?.reading?.reader;
    pass = undefined;
    await reader?.close();
  }

  return {
    read,
    reread,
    /** The files that are there now, in the order of their times. */
    listed,
    close(): void {
      closed += 1;
      pass = undefined;
      sftp.close();
    },
  };
}
