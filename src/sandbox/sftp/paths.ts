import { realpath } from 'node:fs/promises';
import { basename, dirname, join, posix, sep } from 'node:path';
import ssh2 from 'ssh2';

const { STATUS_CODE } = ssh2.utils.sftp;

/** An operation that ends with a status other than OK. */
export class SftpStatus extends Error {
  constructor(
    readonly code: number,
    message?: string,
  ) {
    super(message);
  }
}

/** The client's path in full: `/d365_loads/logs`. Nothing lies above the root. */
export const virtualPath = (path: string): string => posix.resolve('/', path === '' ? '.' : path);

/**
 * The real path of what the client names, which need not exist. Throws `NO_SUCH_FILE` for what lies outside of the
 * folder, by a link or otherwise: to the client nothing is there.
 */
export async function realPath(folder: string, path: string): Promise<string> {
  const root = await realpath(folder);
  const asked = join(root, virtualPath(path));
  const found = await realpath(asked).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  // A file that is to be made: its folder tells.
  const real = found ?? join(await realpath(dirname(asked)), basename(asked));
  if (real === root || real.startsWith(`${root}${sep}`)) return real;
  throw new SftpStatus(STATUS_CODE.NO_SUCH_FILE, 'No such file');
}
