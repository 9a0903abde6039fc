import type { EventItem } from './email-event.js';
import type { EventCursor, EventPage, EventSource, FileProgress } from './event-source.js';
import { createEventTimes } from './event-times.js';
import { readLogRow } from './log-event.js';
import {
  digest,
  fileFault,
  idOf,
  isFileName,
  isUntouched,
  namedLike,
  placeIn,
  type RowPlace,
} from './log-file-places.js';
import {
  openLogFile,
  type LogFileEntry,
  type LogFileForm,
  type LogFileReader,
  type LogRow,
} from './log-file.js';
import { createSftp, isLostConnection, type SftpSettings } from './sftp.js';

/** How the log files look, and where they are. */
export interface LogFilesForm extends LogFileForm {
  /** Folder of the SFTP area, without a slash at its end. */
  directory: string;
  /** Names of files, `*` for any characters. */
  deliveryLogs: string;
  trackingLogs: string;
  /** IANA name; of times that do not say theirs. */
  timeZone: string;
}

export interface LogFilesSettings extends SftpSettings {
  form: LogFilesForm;
  /** A file whose end is unfinished is taken as it is when it has not changed for so long. */
  settleMs?: number;
  pageRows?: number;
  nowMs?: () => number;
}

type Files = Record<string, FileProgress>;

const SETTLE_MS = 60_000;
const PAGE_ROWS = 2_000;
/** The server's clock, by which files are dated, and ours may differ by so much. */
const SINCE_MARGIN_MS = 3_600_000;

/**
 * Campaign's exported delivery and tracking logs on an SFTP server as a source (campaign.md §7), file after file in the order of their
 * times. A file is read as far as it has whole lines, and on from there when it grows; a file that is read is not opened again while it
 * stays as it is. A file that lacks a column, cannot be read, or vanished before it was read to its end is told by an item of kind
 * `fault`, and the others go on. `close` ends the connection; the source can be read again.
 */
export function createLogFiles(settings: LogFilesSettings): EventSource {
  const { form, settleMs = SETTLE_MS, pageRows = PAGE_ROWS, nowMs = Date.now } = settings;
  const sftp = createSftp(settings);
  const times = createEventTimes(form.timeZone);
  const formDigest = digest(JSON.stringify(form));
  let pass: Pass | undefined;
  let closed = 0;

  async function read(cursor: EventCursor | undefined, signal: AbortSignal): Promise<EventPage> {
    signal.throwIfAborted();
    const before = closed;
    // Every wait is for the server: without a connection all of them end.
    const abort = (): void => sftp.close();
    signal.addEventListener('abort', abort, { once: true });
    try {
      try {
        return await readPage(cursor);
      } catch (error) {
        await leavePass();
        if (!isLostConnection(error) || signal.aborted || closed !== before) throw error;
        return await readPage(cursor);
      }
    } catch (error) {
      await leavePass();
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async function readPage(cursor: EventCursor | undefined): Promise<EventPage> {
    const files = cursor?.source === 'files' ? cursor.files : {};
    if (pass?.at !== JSON.stringify(files)) {
      await leavePass();
      pass = await beginPass(files);
    }
    const items = pass.untold.splice(0);
    while (items.length < pageRows && (pass.reading || pass.queue.length > 0))
      items.push(...(await advance(pass, pageRows - items.length)));
    const next = { ...pass.files };
    pass.at = JSON.stringify(next);
    const more = pass.reading !== undefined || pass.queue.length > 0;
    if (!more) pass = undefined;
    const waitMs = more ? undefined : untilSettled(next);
    return { items, next: { source: 'files', files: next }, more, ...(waitMs !== undefined && { waitMs }) };
  }

  async function beginPass(files: Files): Promise<Pass> {
    const entries = await entriesNow();
    const listed = new Map(entries.map((entry) => [entry.id, entry]));
    const untold: EventItem[] = [];
    const kept: Files = {};
    for (const [id, progress] of Object.entries(files)) {
      const entry = listed.get(id);
      const isShorter = entry !== undefined && entry.size < progress.size;
      if ((!entry || isShorter) && isUnfinished(progress))
        untold.push(fileFault(id, progress, 'LOG_FILE_CUT_SHORT'));
      if (entry && !isShorter) kept[id] = progress;
    }
    const queue = entries.filter((entry) => isToRead(entry, kept[entry.id]));
    return { at: undefined, files: kept, queue, untold };
  }

  function isToRead(entry: LogFileEntry, progress: FileProgress | undefined): boolean {
    if (!progress || !isUntouched(entry, progress)) return true;
    if (progress.refused !== undefined) return progress.refused !== formDigest;
    return progress.done !== true && (progress.stillSinceMs === undefined || isSettled(progress));
  }

  const isUnfinished = ({ done, refused }: FileProgress): boolean => done !== true && refused === undefined;

  const isSettled = ({ stillSinceMs }: FileProgress): boolean =>
    stillSinceMs !== undefined && nowMs() - stillSinceMs >= settleMs;

  const takesUnfinished = (entry: LogFileEntry, progress: FileProgress | undefined): boolean =>
    progress !== undefined && isUntouched(entry, progress) && isSettled(progress);

  /** One step of a pass: opens the next file, or reads on in the one that is open. */
  async function advance(current: Pass, most: number): Promise<EventItem[]> {
    if (current.reading) return readOn(current, current.reading, most);
    const entry = current.queue.shift();
    if (!entry) return [];
    const { id, size, mtimeMs } = entry;
    const known = current.files[id];
    const state = { size, mtimeMs };
    if (size === 0) {
      current.files[id] = { rows: 0, ...state, done: true };
      return [];
    }
    const opened = await openLogFile(sftp, entry, form, known, takesUnfinished(entry, known));
    switch (opened.kind) {
      case 'rows':
        current.reading = { entry, reader: opened, rows: opened.skipped, known };
        return [];
      case 'unfinished': {
        const { head } = opened;
        current.files[id] = { rows: 0, ...state, head, stillSinceMs: stillSince(entry, known) };
        return [];
      }
      case 'missing-column':
        current.files[id] = { rows: 0, ...state, head: opened.head, refused: formDigest };
        return [fileFault(id, state, 'LOG_FILE_COLUMN_MISSING', opened.heading)];
      case 'unreadable':
        return unreadable(current, entry, known?.rows ?? 0, known);
      case 'absent': {
        const { [id]: lost, ...others } = current.files;
        current.files = others;
        // It was there when the folder was listed: what it held is not read, or not to its end.
        return !lost || isUnfinished(lost) ? [fileFault(id, lost ?? entry, 'LOG_FILE_CUT_SHORT')] : [];
      }
    }
  }

  async function readOn(current: Pass, reading: Reading, most: number): Promise<EventItem[]> {
    const { entry, reader, known } = reading;
    const { id, size, mtimeMs } = entry;
    const read = await reader.next(most);
    const last = read.rows.at(-1);
    const rows = last?.number ?? reading.rows;
    const bytes = reader.canSeek ? (last?.end ?? current.files[id]?.bytes) : undefined;
    const progress = { rows, size, mtimeMs, head: reader.head, ...(bytes !== undefined && { bytes }) };
    current.files[id] = progress;
    const items = read.rows.flatMap((row) => itemsOf(row, entry, reader));
    if (read.end === undefined) {
      current.reading = { ...reading, rows };
      return items;
    }
    current.reading = undefined;
    await reader.close();
    switch (read.end) {
      case 'done':
        current.files[id] = { rows, size, mtimeMs, head: reader.head, done: true };
        return items;
      case 'unfinished':
        current.files[id] = { ...progress, stillSinceMs: stillSince(entry, known) };
        return items;
      case 'shorter':
        // The next look at the folder tells what it is now.
        return items;
      case 'unreadable':
        return [...items, ...unreadable(current, entry, rows, known)];
    }
  }

  /** It is tried at every pass, and told once for as long as it stays as it is. */
  function unreadable(
    current: Pass,
    entry: LogFileEntry,
    rows: number,
    known: FileProgress | undefined,
  ): EventItem[] {
    const { id, size, mtimeMs } = entry;
    const head = current.files[id]?.head;
    const isTold = known?.refused === UNREADABLE && isUntouched(entry, known);
    current.files[id] = {
      rows,
      size,
      mtimeMs,
      ...(head !== undefined && { head }),
      refused: UNREADABLE,
    };
    return isTold ? [] : [fileFault(id, entry, 'LOG_FILE_UNREADABLE')];
  }

  const stillSince = (entry: LogFileEntry, known: FileProgress | undefined): number =>
    known?.stillSinceMs !== undefined && isUntouched(entry, known) ? known.stillSinceMs : nowMs();

  function untilSettled(files: Files): number | undefined {
    const waits = Object.values(files)
      .filter(isUnfinished)
      .map(({ stillSinceMs = nowMs() }) => Math.max(0, stillSinceMs + settleMs - nowMs()));
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  function itemsOf(row: LogRow, entry: LogFileEntry, { columns, canSeek, head }: LogFileReader): EventItem[] {
    const { number, cells } = row;
    if (cells?.length === 1 && cells[0]?.trim() === '') return [];
    const { id, size, mtimeMs } = entry;
    const place: RowPlace = [id, number, size, mtimeMs, head, canSeek ? row.start : null];
    const position = JSON.stringify(place);
    const reading = readLogRow(cells ?? [], columns, times, Math.max(nowMs(), mtimeMs));
    if (reading.kind !== 'fault') return [{ position, ...reading }];
    const { code, field, identity } = reading;
    return [{ position, kind: 'fault', key: identity ?? `row:${id}:${number}`, code, field }];
  }

  async function reread(position: string): Promise<EventItem | undefined> {
    const place = placeIn(position);
    if (!place) return undefined;
    const [id, number, size, mtimeMs, head, start] = place;
    const entry = (await entriesNow()).find((each) => each.id === id);
    if (!entry || (number === 0 && !isUntouched(entry, { size, mtimeMs }))) return undefined;
    const behind = {
      rows: Math.max(0, number - 1),
      size,
      mtimeMs,
      ...(head !== undefined && { head }),
      ...(typeof start === 'number' && { bytes: start }),
    };
    const opened = await openLogFile(sftp, entry, form, behind, true);
    switch (opened.kind) {
      case 'absent':
      case 'unfinished':
        return undefined;
      case 'missing-column':
        return fileFault(id, entry, 'LOG_FILE_COLUMN_MISSING', opened.heading);
      case 'unreadable':
        return fileFault(id, entry, 'LOG_FILE_UNREADABLE');
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

  /** A file dated before then holds nothing that happened since. */
  async function since(time: string): Promise<EventCursor> {
    const fromMs = Date.parse(time) - SINCE_MARGIN_MS;
    const before = (await entriesNow()).filter(({ mtimeMs }) => mtimeMs < fromMs);
    const files = before.map(
      ({ id, size, mtimeMs }) => [id, { rows: 0, size, mtimeMs, done: true }] as const,
    );
    return { source: 'files', files: Object.fromEntries(files) };
  }

  async function entriesNow(): Promise<LogFileEntry[]> {
    const [isDelivery, isTracking] = [namedLike(form.deliveryLogs), namedLike(form.trackingLogs)];
    const entries = (await sftp.list(form.directory)).flatMap(({ name, size, mtimeMs }): LogFileEntry[] => {
      const kind = isDelivery(name) ? 'delivery' : isTracking(name) ? 'tracking' : undefined;
      if (!kind || !isFileName(name)) return [];
      return [{ id: idOf(name), path: `${form.directory}/${name}`, kind, size, mtimeMs }];
    });
    return entries.toSorted((one, other) => one.mtimeMs - other.mtimeMs || (one.path < other.path ? -1 : 1));
  }

  async function leavePass(): Promise<void> {
    const reader = pass?.reading?.reader;
    pass = undefined;
    await reader?.close();
  }

  return {
    read,
    reread,
    since,
    async close() {
      closed += 1;
      pass = undefined;
      sftp.close();
    },
  };
}

/** One walk through the files, kept between the pages that ask for it one after the other. */
interface Pass {
  /** The progress after the last page, as text: who asks for what follows it goes on here. */
  at: string | undefined;
  files: Files;
  queue: LogFileEntry[];
  reading?: Reading | undefined;
  untold: EventItem[];
}
interface Reading {
  entry: LogFileEntry;
  reader: LogFileReader;
  rows: number;
  /** The progress that it was opened with. */
  known: FileProgress | undefined;
}

const UNREADABLE = 'unreadable';
