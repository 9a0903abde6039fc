import type { DelimitedForm, Headed } from './delimited-file.js';
import type { EventReading } from './event-reading.js';
import type { EventCursor, EventSource } from './event-source.js';
import { createEventTimes } from './event-times.js';
import type { ReadHeadings, RowReader } from './file-content.js';
import { namedLike } from './file-places.js';
import { createFileWalk, type FileWalkSettings } from './file-walk.js';
import { columnsOf, readLogRow, type LogKind } from './log-event.js';

/** How the log files look, and where they are. */
export interface LogFilesForm extends DelimitedForm {
  /** Folder of the SFTP area, without a slash at its end. */
  directory: string;
  /** Names of files, `*` for any characters. */
  deliveryLogs: string;
  trackingLogs: string;
  /** IANA name; of times that do not say theirs. */
  timeZone: string;
  /** Headings where they are not the usual ones. */
  deliveryColumns: Partial<Record<string, string>>;
  trackingColumns: Partial<Record<string, string>>;
}

export interface LogFilesSettings extends FileWalkSettings {
  form: LogFilesForm;
}

/** What a row tells, unless it is a fault. */
type LogTold = Exclude<EventReading, { kind: 'fault' }>;

/** The server's clock, by which files are dated, and ours may differ by so much. */
const SINCE_MARGIN_MS = 3_600_000;

/** Campaign's exported delivery and tracking logs on an SFTP server as a source of events; how files are read, the walk says. */
export function createLogFiles(settings: LogFilesSettings): EventSource {
  const { form } = settings;
  const times = createEventTimes(form.timeZone);
  const [isDelivery, isTracking] = [namedLike(form.deliveryLogs), namedLike(form.trackingLogs)];
  const walk = createFileWalk<LogTold>(settings, {
    headingsOf(name) {
      if (isDelivery(name)) return headingsOf('delivery', form.deliveryColumns);
      return isTracking(name) ? headingsOf('tracking', form.trackingColumns) : undefined;
    },
    onlyGrow: true,
    codes: {
      columnMissing: 'LOG_FILE_COLUMN_MISSING',
      unreadable: 'LOG_FILE_UNREADABLE',
      cutShort: 'LOG_FILE_CUT_SHORT',
    },
  });

  function headingsOf(kind: LogKind, names: Partial<Record<string, string>>): ReadHeadings<LogTold> {
    return (headings): Headed<RowReader<LogTold>> => {
      const columns = columnsOf(kind, headings, names);
      if ('missing' in columns) return columns;
      const { count } = columns;
      return { columns: { count, read: (cells, nowMs) => readLogRow(cells, columns, times, nowMs) } };
    };
  }

  return {
    async read(cursor, signal) {
      const { items, files, more, waitMs } = await walk.read(
        cursor?.source === 'files' ? cursor.files : {},
        signal,
      );
      return { items, next: { source: 'files', files }, more, ...(waitMs !== undefined && { waitMs }) };
    },
    reread: walk.reread,
    /** A file dated before then holds nothing that happened since. */
    async since(time): Promise<EventCursor> {
      const fromMs = Date.parse(time) - SINCE_MARGIN_MS;
      const before = (await walk.listed()).filter(({ mtimeMs }) => mtimeMs < fromMs);
      const files = before.map(
        ({ id, size, mtimeMs }) => [id, { rows: 0, size, mtimeMs, done: true }] as const,
      );
      return { source: 'files', files: Object.fromEntries(files) };
    },
    async close() {
      walk.close();
    },
  };
}
