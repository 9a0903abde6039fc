import type { Stats } from 'node:fs';
import type { Attributes, FileEntry } from 'ssh2';

const OWNER = 1000;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export const attributesOf = (stats: Stats): Attributes => ({
  mode: stats.mode,
  uid: OWNER,
  gid: OWNER,
  size: stats.size,
  atime: Math.floor(stats.atimeMs / 1000),
  mtime: Math.floor(stats.mtimeMs / 1000),
});

/** An entry of a folder, with the line that `ls -l` shows. */
export function entryOf(name: string, stats: Stats): FileEntry {
  const kind = stats.isDirectory() ? 'd' : '-';
  const rights = [6, 3, 0]
    .map((shift) => {
      const bits = (stats.mode >> shift) & 7;
      return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${bits & 1 ? 'x' : '-'}`;
    })
    .join('');
  const time = stats.mtime;
  const day = `${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2)} ${time.toISOString().slice(11, 16)}`;
  const longname = `${kind}${rights}    1 campaign campaign ${String(stats.size).padStart(12)} ${day} ${name}`;
  return { filename: name, longname, attrs: attributesOf(stats) };
}
