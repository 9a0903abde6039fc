import type { ProfileFlag } from './changed-profiles.js';
import type { DelimitedForm, Headed } from './delimited-file.js';
import { createEventTimes } from './event-times.js';
import type { RowReader } from './file-content.js';
import { namedLike } from './file-places.js';
import { createFileWalk, type FileWalkSettings } from './file-walk.js';
import { optOutColumns, readOptOutRow, type OptOutHeadings } from './opt-out-row.js';
import type { OptOutSource, ProfileFlags } from './opt-out-source.js';

/** How Campaign's exports of opt-outs look, and where they are. */
export interface OptOutFilesForm extends DelimitedForm, OptOutHeadings {
  /** Folder of the SFTP area, without a slash at its end. */
  directory: string;
  /** Names of files, `*` for any characters. */
  exports: string;
  /** IANA name; of stamps that do not say theirs. */
  timeZone: string;
}

export interface OptOutFilesSettings extends FileWalkSettings {
  form: OptOutFilesForm;
  /** The flags that a row must have. */
  flags: ProfileFlag[];
}

/**
 * Campaign's exported opt-outs on an SFTP server as a source (campaign.md §7, §10); how files are read, the walk says. Every row is given,
 * in the order of the files' times: rows of the same profile, and of profiles that no contact stands behind, are the reader's to compare.
 */
export function createOptOutFiles(settings: OptOutFilesSettings): OptOutSource {
  const { flags } = settings;
  const times = createEventTimes(settings.form.timeZone);
  const isExport = namedLike(settings.form.exports);
  // A file that lacks a flag is looked at again when that flag is not asked for any more.
  const form = { ...settings.form, flags };
  const walk = createFileWalk<ProfileFlags>(
    { ...settings, form },
    {
      headingsOf: (name) => (isExport(name) ? readHeadings : undefined),
      // An export of all profiles under one name differs from the one before in some flags only.
      onlyGrow: false,
      codes: {
        columnMissing: 'EXPORT_FILE_COLUMN_MISSING',
        unreadable: 'EXPORT_FILE_UNREADABLE',
        cutShort: 'EXPORT_FILE_CUT_SHORT',
      },
    },
  );

  function readHeadings(headings: string[]): Headed<RowReader<ProfileFlags>> {
    const headed = optOutColumns(headings, flags, form);
    if ('missing' in headed) return headed;
    const { columns } = headed;
    const { count } = columns;
    return { columns: { count, read: (cells, nowMs) => readOptOutRow(cells, columns, times, nowMs) } };
  }

  return {
    async read(cursor, signal) {
      const known = cursor?.source === 'files' ? cursor.files : {};
      const { items, files, more, waitMs, newestMs } = await walk.read(known, signal);
      return {
        items,
        next: { source: 'files', files },
        more,
        ...(waitMs !== undefined && { waitMs }),
        ...(newestMs !== undefined && { newestAt: new Date(newestMs).toISOString() }),
      };
    },
    reread: walk.reread,
    async close() {
      walk.close();
    },
  };
}
