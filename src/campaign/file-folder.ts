import type { FileContent, ReadHeadings } from './file-content.js';
import { idOf, isFileName } from './file-places.js';
import type { FileState } from './file-progress.js';
import type { Sftp } from './sftp.js';

export interface FileEntry<Told> extends FileState {
  /** Its name in cursors and positions. */
  id: string;
  path: string;
  readHeadings: ReadHeadings<Told>;
}

/** The files of a folder that are to be read, in the order of their times. */
export async function filesIn<Told extends { kind: string }>(
  sftp: Sftp,
  directory: string,
  headingsOf: FileContent<Told>['headingsOf'],
): Promise<FileEntry<Told>[]> {
  const entries = (await sftp.list(directory)).flatMap(({ name, size, mtimeMs }): FileEntry<Told>[] => {
    const readHeadings = isFileName(name) ? headingsOf(name) : undefined;
    return readHeadings
      ? [{ id: idOf(name), path: `${directory}/${name}`, size, mtimeMs, readHeadings }]
      : [];
  });
  return entries.toSorted((one, other) => one.mtimeMs - other.mtimeMs || (one.path < other.path ? -1 : 1));
}
