import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SyncError } from '../errors.js';

export interface FolderLock {
  /** Gives the folder up. */
  release(): Promise<void>;
}

/**
 * Takes a folder for this process, until it is released or the process ends in whatever way: a socket in the folder
 * takes connections while its owner lives, and the kernel closes it when the owner dies. A stopped owner still holds it.
 * Of several processes that try at once exactly one wins. Throws DATA_FOLDER_IN_USE for the others.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true });
  const socket = `owner-${randomBytes(6).toString('hex')}`;
  // It listens before anyone can learn of it: an owner that is named is alive, or dead for good.
  const server = await listen(folder, socket);
  const release = async () => {
    await new Promise((closed) => server.close(closed));
    await rm(join(folder, socket), { force: true });
  };
  try {
    await becomeOwner(folder, socket);
  } catch (error) {
    await release();
    throw error;
  }
  return { release };
}

/**
 * Ownership is a row of numbered names, `lock-1`, `lock-2` …, each a symbolic link to its owner's socket; the highest
 * counts. Making a link is exclusive, so two that find the same owner dead cannot both follow it. The highest name is
 * never removed, not even when the lock is released: a slow process that still reckons with an older owner finds it.
 */
async function becomeOwner(folder: string, socket: string): Promise<void> {
  for (;;) {
    const highest = (await lockNumbers(folder)).at(-1) ?? 0;
    if (highest > 0 && (await isOwned(folder, highest)))
      throw new SyncError('DATA_FOLDER_IN_USE', { subject: folder });
    const mine = highest + 1;
    if (!(await claim(folder, mine, socket))) continue;
    const numbers = await lockNumbers(folder);
    if (numbers.at(-1) === mine) {
      await removeDead(folder, numbers.slice(0, -1));
      return;
    }
    // A later owner had come, and tidied the names up to its own, before this name was made.
    await rm(lockPath(folder, mine), { force: true });
  }
}

const lockPath = (folder: string, number: number) => join(folder, `lock-${number}`);

async function lockNumbers(folder: string): Promise<number[]> {
  const numbers = (await readdir(folder)).flatMap((name) => /^lock-(\d+)$/.exec(name)?.[1] ?? []).map(Number);
  return numbers.sort((one, other) => one - other);
}

async function claim(folder: string, number: number, socket: string): Promise<boolean> {
  try {
    await symlink(socket, lockPath(folder, number));
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

async function removeDead(folder: string, numbers: number[]): Promise<void> {
  for (const number of numbers) {
    const socket = await readlink(lockPath(folder, number)).catch(() => undefined);
    if (socket !== undefined) await rm(join(folder, socket), { force: true });
    await rm(lockPath(folder, number), { force: true });
  }
}

/** Only a refused connection or a name without a socket proves a death; every other fault counts as a living owner. */
async function isOwned(folder: string, number: number): Promise<boolean> {
  return withShortPath(folder, async (short) => {
    const connection = connect(lockPath(short, number));
    try {
      await new Promise<void>((connected, failed) =>
        connection.once('connect', connected).once('error', failed),
      );
      return true;
    } catch (error) {
      return !(hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT'));
    } finally {
      connection.destroy();
    }
  });
}

async function listen(folder: string, socket: string): Promise<Server> {
  const server = createServer((connection) => connection.destroy());
  await withShortPath(folder, async (short) => {
    await new Promise<void>((listening, failed) =>
      server.once('error', failed).listen(join(short, socket), () => listening()),
    );
  });
  return server.unref();
}

/** The kernel takes at most 108 bytes (macOS: 104) for a socket's path; a link in the temporary folder leads to longer ones. */
const LONGEST_FOLDER_BYTES = 70;

async function withShortPath<Answer>(
  folder: string,
  use: (short: string) => Promise<Answer>,
): Promise<Answer> {
  const whole = resolve(folder);
  if (Buffer.byteLength(whole) <= LONGEST_FOLDER_BYTES) return use(whole);
  const temporary = await mkdtemp(join(tmpdir(), 'lock-'));
  try {
    const short = join(temporary, 'f');
    await symlink(whole, short);
    return await use(short);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
