import { constants, type Stats } from 'node:fs';
import {
  access,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rmdir,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type Attributes, type FileEntry } from 'ssh2';
import { attributesOf, entryOf } from './attributes.js';
import { realPath, SftpStatus, virtualPath } from './paths.js';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

/** What one client has open. */
interface OpenFile {
  path: string;
  file: FileHandle;
  append: boolean;
  written: boolean;
}

interface OpenFolder {
  path: string;
  /** What was not listed yet. */
  left: FileEntry[];
}

/** The file operations of one SFTP session (protocol version 3). Each rejects with what became of it. */
export interface Operations {
  open(path: string, flags: number): Promise<number>;
  /** Empty at the end of the file. */
  read(handle: number, offset: number, length: number): Promise<Buffer>;
  write(handle: number, offset: number, content: Buffer): Promise<void>;
  close(handle: number): Promise<void>;
  openFolder(path: string): Promise<number>;
  /** Empty once all were listed. */
  list(handle: number): FileEntry[];
  stat(path: string): Promise<Attributes>;
  statOpen(handle: number): Promise<Attributes>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** The full path of what is open, as the client named it. */
  pathOf(handle: number): string;
  /** Closes what the client left open. */
  end(): Promise<void>;
}

const ENTRIES_PER_ANSWER = 100;

/** @param nowMs the sandbox's clock: files that clients write bear its time. */
export function createOperations(folder: string, nowMs: () => number): Operations {
  const files = new Map<number, OpenFile>();
  const folders = new Map<number, OpenFolder>();
  let lastHandle = 0;

  async function openFile(path: string, flags: number): Promise<number> {
    const real = await realPath(folder, path);
    if ((await stat(real).catch(() => undefined))?.isDirectory())
      throw new SftpStatus(STATUS_CODE.FAILURE, 'Is a directory');
    const file = await open(real, openFlags(flags), 0o644);
    lastHandle += 1;
    const append = (flags & OPEN_MODE.APPEND) !== 0;
    files.set(lastHandle, { path: virtualPath(path), file, append, written: false });
    return lastHandle;
  }

  async function read(handle: number, offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    const { bytesRead } = await fileOf(handle).file.read(buffer, 0, length, offset);
    return buffer.subarray(0, bytesRead);
  }

  async function write(handle: number, offset: number, content: Buffer): Promise<void> {
    const opened = fileOf(handle);
    opened.written = true;
    await opened.file.write(content, 0, content.length, opened.append ? null : offset);
  }

  async function close(handle: number): Promise<void> {
    const opened = files.get(handle);
    if (!opened) {
      if (!folders.delete(handle)) throw new SftpStatus(STATUS_CODE.FAILURE, 'No such handle');
      return;
    }
    files.delete(handle);
    if (opened.written) await opened.file.utimes(nowMs() / 1000, nowMs() / 1000);
    await opened.file.close();
  }

  async function openFolder(path: string): Promise<number> {
    const real = await realPath(folder, path);
    const names = await readdir(real);
    const listed = await Promise.all(
      ['.', '..', ...names.toSorted()].map(async (name): Promise<FileEntry[]> => {
        // What lies above the root is the root itself.
        const stats = await statsWithin(
          name === '..' ? join(virtualPath(path), '..') : join(virtualPath(path), name),
        );
        return stats ? [entryOf(name, stats)] : [];
      }),
    );
    lastHandle += 1;
    folders.set(lastHandle, { path: virtualPath(path), left: listed.flat() });
    return lastHandle;
  }

  /** Undefined for what is gone meanwhile, and for a link that leads out of the folder. */
  const statsWithin = (path: string): Promise<Stats | undefined> =>
    realPath(folder, path)
      .then((real) => lstat(real))
      .catch(() => undefined);

  function list(handle: number): FileEntry[] {
    const opened = folders.get(handle);
    if (!opened) throw new SftpStatus(STATUS_CODE.FAILURE, 'No such handle');
    return opened.left.splice(0, ENTRIES_PER_ANSWER);
  }

  /** Never onto another file: a rename of this protocol version does not replace. */
  async function renameFile(from: string, to: string): Promise<void> {
    const [source, target] = [await realPath(folder, from), await realPath(folder, to)];
    const isThere = await access(target).then(
      () => true,
      () => false,
    );
    if (isThere) throw new SftpStatus(STATUS_CODE.FAILURE, 'The target exists');
    await rename(source, target);
  }

  function fileOf(handle: number): OpenFile {
    const opened = files.get(handle);
    if (!opened) throw new SftpStatus(STATUS_CODE.FAILURE, 'No such handle');
    return opened;
  }

  async function end(): Promise<void> {
    await Promise.all([...files.keys()].map(close));
    folders.clear();
  }

  return {
    open: openFile,
    read,
    write,
    close,
    openFolder,
    list,
    stat: async (path) => attributesOf(await stat(await realPath(folder, path))),
    statOpen: async (handle) => attributesOf(await fileOf(handle).file.stat()),
    rename: renameFile,
    remove: async (path) => unlink(await realPath(folder, path)),
    makeFolder: async (path) => mkdir(await realPath(folder, path)),
    removeFolder: async (path) => rmdir(await realPath(folder, path)),
    pathOf: (handle) => files.get(handle)?.path ?? folders.get(handle)?.path ?? '/',
    end,
  };
}

function openFlags(flags: number): number {
  const reads = (flags & OPEN_MODE.READ) !== 0;
  const writes = (flags & (OPEN_MODE.WRITE | OPEN_MODE.APPEND)) !== 0;
  return (
    (reads && writes ? constants.O_RDWR : writes ? constants.O_WRONLY : constants.O_RDONLY) |
    (flags & OPEN_MODE.APPEND ? constants.O_APPEND : 0) |
    (flags & OPEN_MODE.CREAT ? constants.O_CREAT : 0) |
    (flags & OPEN_MODE.TRUNC ? constants.O_TRUNC : 0) |
    (flags & OPEN_MODE.EXCL ? constants.O_EXCL : 0)
  );
}
