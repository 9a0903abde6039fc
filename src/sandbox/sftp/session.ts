import { setTimeout as delay } from 'node:timers/promises';
import ssh2, { type SFTPWrapper } from 'ssh2';
import type { SandboxContext } from '../context.js';
import type { Fault, FileFaultKind } from '../faults.js';
import { createOperations } from './operations.js';
import { SftpStatus, virtualPath } from './paths.js';

const { STATUS_CODE } = ssh2.utils.sftp;
const DEFAULT_LATENCY_MS = 1000;
/** What clients may ask for in one read; a server may give less. */
const MOST_BYTES = 256 * 1024;

export interface SessionOptions {
  /** What the client sees as the root. */
  folder: string;
  /** Of the world that is in force when an operation comes in. */
  context(): SandboxContext;
  /** Breaks the client's connection off. */
  hangUp(): void;
}

/**
 * Answers one client's SFTP requests: those of protocol version 3 without links. Attributes that a client sets are
 * accepted and have no effect.
 */
export function serveSftp(sftp: SFTPWrapper, { folder, context, hangUp }: SessionOptions): void {
  const operations = createOperations(folder, () => context().clock.nowMs());
  sftp.on('close', () => void operations.end());

  sftp.on('REALPATH', (id: number, path: string) => {
    const filename = virtualPath(path);
    sftp.name(id, [{ filename, longname: filename, attrs: NO_ATTRIBUTES }]);
  });
  sftp.on('OPEN', (id: number, path: string, flags: number) =>
    run(id, 'OPEN', path, async () => sftp.handle(id, handleOf(await operations.open(path, flags)))),
  );
  sftp.on('READ', (id: number, handle: Buffer, offset: number, length: number) =>
    run(id, 'READ', pathOf(handle), async (fault) => {
      const content = await operations.read(numberOf(handle), offset, Math.min(length, MOST_BYTES));
      if (content.length === 0) throw new SftpStatus(STATUS_CODE.EOF, 'End of file');
      context().stats.add('sftp', 'bytesRead', content.length);
      const isBroken = fault?.kind === 'reset';
      // Half of what was asked for is on its way when the connection breaks.
      sftp.data(id, isBroken ? content.subarray(0, content.length >> 1) : content);
      if (isBroken) hangUp();
    }),
  );
  sftp.on('WRITE', (id: number, handle: Buffer, offset: number, content: Buffer) =>
    run(id, 'WRITE', pathOf(handle), async () => {
      await operations.write(numberOf(handle), offset, content);
      context().stats.add('sftp', 'bytesWritten', content.length);
      sftp.status(id, STATUS_CODE.OK);
    }),
  );
  sftp.on('CLOSE', (id: number, handle: Buffer) =>
    done(id, 'CLOSE', pathOf(handle), () => operations.close(numberOf(handle))),
  );
  sftp.on('OPENDIR', (id: number, path: string) =>
    run(id, 'OPENDIR', path, async () => sftp.handle(id, handleOf(await operations.openFolder(path)))),
  );
  sftp.on('READDIR', (id: number, handle: Buffer) =>
    run(id, 'READDIR', pathOf(handle), () => {
      const entries = operations.list(numberOf(handle));
      if (entries.length === 0) throw new SftpStatus(STATUS_CODE.EOF, 'End of directory');
      sftp.name(id, entries);
    }),
  );
  for (const request of ['STAT', 'LSTAT'] as const) {
    sftp.on(request, (id: number, path: string) =>
      run(id, request, path, async () => sftp.attrs(id, await operations.stat(path))),
    );
  }
  sftp.on('FSTAT', (id: number, handle: Buffer) =>
    run(id, 'FSTAT', pathOf(handle), async () => sftp.attrs(id, await operations.statOpen(numberOf(handle)))),
  );
  sftp.on('SETSTAT', (id: number, path: string) => done(id, 'SETSTAT', path, () => {}));
  sftp.on('FSETSTAT', (id: number, handle: Buffer) => done(id, 'FSETSTAT', pathOf(handle), () => {}));
  sftp.on('RENAME', (id: number, from: string, to: string) =>
    done(id, 'RENAME', from, () => operations.rename(from, to)),
  );
  sftp.on('REMOVE', (id: number, path: string) => done(id, 'REMOVE', path, () => operations.remove(path)));
  sftp.on('MKDIR', (id: number, path: string) => done(id, 'MKDIR', path, () => operations.makeFolder(path)));
  sftp.on('RMDIR', (id: number, path: string) =>
    done(id, 'RMDIR', path, () => operations.removeFolder(path)),
  );

  /** Carries out what has no answer of its own but its status. */
  function done(id: number, request: string, path: string, work: () => void | Promise<void>): void {
    run(id, request, path, async () => {
      await work();
      sftp.status(id, STATUS_CODE.OK);
    });
  }

  /** Strikes with the fault that is due, carries the request out and counts it; `work` sends its answer. */
  function run(
    id: number,
    request: string,
    path: string,
    work: (fault: Fault | undefined) => void | Promise<void>,
  ): void {
    void (async () => {
      let status: number = STATUS_CODE.OK;
      try {
        const fault = context().faults.takeForFile(request, virtualPath(path), kindsOf(request));
        await strike(fault, path);
        await work(fault);
      } catch (error) {
        status = statusOf(error);
        sftp.status(id, status, messageOf(error, status));
      }
      // The end of a file or a folder is no failure of the request.
      if (!BULKY.has(request))
        context().stats.count('sftp', request, status === STATUS_CODE.EOF ? STATUS_CODE.OK : status);
      context().store.commit();
    })();
  }

  async function strike(fault: Fault | undefined, path: string): Promise<void> {
    switch (fault?.kind) {
      case 'latency':
        await delay(fault.ms ?? DEFAULT_LATENCY_MS);
        return;
      case 'permission-denied':
        throw new SftpStatus(STATUS_CODE.PERMISSION_DENIED, 'Permission denied');
      case 'disk-full':
        throw new SftpStatus(STATUS_CODE.FAILURE, 'No space left on device');
      case 'vanish':
        await operations.remove(path).catch(() => {});
        throw new SftpStatus(STATUS_CODE.NO_SUCH_FILE, 'No such file');
      default:
    }
  }

  function pathOf(handle: Buffer): string {
    return operations.pathOf(numberOf(handle));
  }
}

/** Counted by their bytes: a large file is thousands of requests. */
const BULKY = new Set(['READ', 'WRITE']);

/** Which faults a request can meet. */
function kindsOf(request: string): FileFaultKind[] {
  switch (request) {
    case 'READ':
      return ['latency', 'reset', 'permission-denied', 'vanish'];
    case 'WRITE':
      return ['latency', 'disk-full', 'permission-denied'];
    case 'OPEN':
      return ['latency', 'permission-denied', 'vanish'];
    case 'MKDIR':
      return ['latency', 'disk-full', 'permission-denied'];
    default:
      return ['latency', 'permission-denied'];
  }
}

const NO_ATTRIBUTES = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

function handleOf(number: number): Buffer {
  const handle = Buffer.alloc(4);
  handle.writeUInt32BE(number);
  return handle;
}

const numberOf = (handle: Buffer): number => (handle.length === 4 ? handle.readUInt32BE() : 0);

/** In the protocol's words: what the machine itself says would name its own paths. */
function messageOf(error: unknown, status: number): string {
  if (error instanceof SftpStatus) return error.message;
  if (status === STATUS_CODE.NO_SUCH_FILE) return 'No such file';
  return status === STATUS_CODE.PERMISSION_DENIED ? 'Permission denied' : 'Failure';
}

function statusOf(error: unknown): number {
  if (error instanceof SftpStatus) return error.code;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return STATUS_CODE.NO_SUCH_FILE;
    case 'EACCES':
    case 'EPERM':
      return STATUS_CODE.PERMISSION_DENIED;
    default:
      return STATUS_CODE.FAILURE;
  }
}
