import ssh2, { type ConnectConfig, type SFTPWrapper } from 'ssh2';
import { SyncError } from '../errors.js';
import { fingerprintOf, isPinned, KEY_KINDS, kindOf, kindsFor } from './sftp-host-key.js';

export interface SftpSettings {
  host: string;
  port: number;
  user: string;
  /** Text of the private key. */
  privateKey: string;
  /** The server's key: its fingerprint, `SHA256:…`, or the key itself as OpenSSH writes it, `ssh-ed25519 AAAA…`. */
  hostKey: string;
  /** Of making a connection, and of every request. */
  timeLimitMs: number;
}

export interface RemoteFile {
  name: string;
  size: number;
  /** SFTP tells whole seconds. */
  mtimeMs: number;
}

export interface RemoteHandle {
  /** Bytes from `start` on, up to `end` or the end of the file, whichever comes first. */
  chunks(start: number, end: number): AsyncGenerator<Buffer>;
  close(): Promise<void>;
}

/** The server's own no to one file. */
export type Refused = 'absent' | 'refused';

export interface Sftp {
  /** The files of a folder, folders left out. Throws SFTP_REFUSED when there is no such folder, or none for this user. */
  list(directory: string): Promise<RemoteFile[]>;
  open(path: string): Promise<RemoteHandle | Refused>;
  /** Ends the connection; the next request makes a new one. */
  close(): void;
}

/** A file that the server stops reading with a code of its own; the connection is as good as before. */
export class ReadRefused extends Error {
  constructor(readonly refused: Refused) {
    super(refused);
  }
}

/** Requests under way for one file: the way to the server is long, and one request carries little. */
const READ_AHEAD = 16;
const READ_BYTES = 32_768;
const KEEP_ALIVE_MS = 10_000;
const NO_SUCH_FILE = 2;

const LOST = 'a connection that was lost';

/** One connection to an SFTP server, made when it is needed and again when it was lost. The server's key is pinned: no other is trusted. */
export function createSftp(settings: SftpSettings): Sftp {
  let connection: Promise<Connection> | undefined;

  function connected(): Promise<Connection> {
    if (connection) return connection;
    const made = connect(settings, () => {
      if (connection === made) connection = undefined;
    });
    connection = made;
    made.catch(() => {
      if (connection === made) connection = undefined;
    });
    return made;
  }

  /** Rejects with the server's code where it answered with one, otherwise with SFTP_UNREACHABLE. */
  async function request<T>(
    at: Connection,
    send: (sftp: SFTPWrapper, done: (error: Error | null | undefined, value: T) => void) => void,
  ): Promise<T> {
    const { client, sftp } = at;
    return new Promise<T>((resolve, reject) => {
      const lost = (): void => {
        end();
        client.destroy();
        reject(new SyncError('SFTP_UNREACHABLE', { system: 'campaign', subject: LOST }));
      };
      const end = (): void => {
        clearTimeout(timer);
        client.off('close', lost);
      };
      const timer = setTimeout(lost, settings.timeLimitMs);
      client.once('close', lost);
      if (at.isOver) return lost();
      try {
        send(sftp, (error, value) => {
          if (error && statusOf(error) === undefined) return lost();
          end();
          if (error) reject(error);
          else resolve(value);
        });
      } catch {
        lost();
      }
    });
  }

  async function list(directory: string): Promise<RemoteFile[]> {
    const at = await connected();
    try {
      const entries = await request<ssh2.FileEntry[]>(at, (sftp, done) => sftp.readdir(directory, done));
      return entries
        .filter(({ attrs }) => !isFolder(attrs.mode))
        .map(({ filename, attrs }) => ({ name: filename, size: attrs.size, mtimeMs: attrs.mtime * 1000 }));
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      throw new SyncError('SFTP_REFUSED', {
        system: 'campaign',
        subject: directory,
        vendorCode: `SFTP ${status}`,
      });
    }
  }

  async function open(path: string): Promise<RemoteHandle | Refused> {
    const at = await connected();
    let handle: Buffer;
    try {
      handle = await request<Buffer>(at, (sftp, done) => sftp.open(path, 'r', done));
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) throw error;
      return refusedBy(status);
    }
    return {
      chunks: (start, end) => chunks(at, handle, start, end),
      async close() {
        // The server closes what a lost connection held.
        await request<void>(at, (sftp, done) => sftp.close(handle, (error) => done(error, undefined))).catch(
          () => undefined,
        );
      },
    };
  }

  async function* chunks(at: Connection, handle: Buffer, start: number, end: number): AsyncGenerator<Buffer> {
    const ahead: Promise<Buffer>[] = [];
    let next = start;
    const ask = (): void => {
      while (ahead.length < READ_AHEAD && next < end) {
        const length = Math.min(READ_BYTES, end - next);
        const asked = readFully(at, handle, next, length);
        asked.catch(() => undefined);
        ahead.push(asked);
        next += length;
      }
    };
    for (let at = start; at < end;) {
      ask();
      const chunk = await ahead.shift();
      if (!chunk || chunk.length === 0) return;
      at += chunk.length;
      yield chunk;
      if (chunk.length < READ_BYTES && at < end) return;
    }
  }

  /** A server may answer with less than it was asked for; nothing at all is the file's end. */
  async function readFully(at: Connection, handle: Buffer, start: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      let read: number;
      try {
        read = await request<number>(at, (sftp, done) =>
          sftp.read(handle, buffer, filled, length - filled, start + filled, done),
        );
      } catch (error) {
        const status = statusOf(error);
        if (status === undefined) throw error;
        throw new ReadRefused(refusedBy(status));
      }
      if (read === 0) break;
      filled += read;
    }
    return buffer.subarray(0, filled);
  }

  return {
    list,
    open,
    close() {
      const ending = connection;
      connection = undefined;
      ending?.then(
        (ended) => {
          ended.isOver = true;
          ended.client.destroy();
        },
        () => undefined,
      );
    },
  };
}

/** Whether asking again over a new connection may help. */
export const isLostConnection = (error: unknown): boolean =>
  error instanceof SyncError && error.code === 'SFTP_UNREACHABLE' && error.evidence.subject === LOST;

interface Connection {
  client: ssh2.Client;
  sftp: SFTPWrapper;
  isOver: boolean;
}

async function connect(settings: SftpSettings, onEnd: () => void): Promise<Connection> {
  let kinds = kindsFor(settings.hostKey);
  let shown: string | undefined;
  for (;;) {
    const attempt = await attemptWith(settings, kinds, onEnd);
    if (attempt.kind === 'connected') return attempt.connection;
    if (attempt.kind === 'failed') throw attempt.error;
    if (attempt.kind === 'other-key') {
      shown ??= attempt.fingerprint;
      kinds = kinds.filter((kind) => kind !== attempt.keyKind);
      if (kinds.length > 0) continue;
    }
    throw new SyncError('SFTP_HOST_KEY', {
      system: 'campaign',
      ...(shown !== undefined && { subject: `shown: ${shown}` }),
    });
  }
}

type Attempted =
  | { kind: 'connected'; connection: Connection }
  | { kind: 'other-key'; fingerprint: string; keyKind: string }
  /** The server has no key of the kinds that were asked for. */
  | { kind: 'no-such-kind' }
  | { kind: 'failed'; error: SyncError };

function attemptWith(settings: SftpSettings, kinds: string[], onEnd: () => void): Promise<Attempted> {
  return new Promise((resolve) => {
    const client = new ssh2.Client().setMaxListeners(READ_AHEAD + 10);
    let made: Connection | undefined;
    let refusedKey: Extract<Attempted, { kind: 'other-key' }> | undefined;
    const end = (attempted: Exclude<Attempted, { kind: 'connected' }>): void => {
      client.destroy();
      resolve(refusedKey ?? attempted);
    };
    const fail = (error: SyncError): void => end({ kind: 'failed', error });
    const config: ConnectConfig = {
      host: settings.host,
      port: settings.port,
      username: settings.user,
      privateKey: settings.privateKey,
      readyTimeout: settings.timeLimitMs,
      keepaliveInterval: KEEP_ALIVE_MS,
      algorithms: { serverHostKey: kinds.flatMap((kind) => KEY_KINDS[kind] ?? []) },
      hostVerifier: (key: Buffer): boolean => {
        if (isPinned(key, settings.hostKey)) return true;
        refusedKey = { kind: 'other-key', fingerprint: fingerprintOf(key), keyKind: kindOf(key) };
        return false;
      },
    };
    client
      .on('ready', () =>
        client.sftp((error, sftp) => {
          if (error) return fail(unreachable(error));
          made = { client, sftp, isOver: false };
          resolve({ kind: 'connected', connection: made });
        }),
      )
      .on('error', (error) =>
        /no matching host key/i.test(error.message) ? end({ kind: 'no-such-kind' }) : fail(errorOf(error)),
      )
      .on('close', () => {
        if (made) made.isOver = true;
        onEnd();
        fail(unreachable(undefined));
      });
    try {
      client.connect(config);
    } catch {
      // What ssh2 throws at once is about the private key, and may quote it.
      fail(
        new SyncError('SFTP_CREDENTIALS', { system: 'campaign', subject: 'SFTP_PRIVATE_KEY cannot be read' }),
      );
    }
  });
}

function errorOf(error: Error & { level?: string }): SyncError {
  return error.level === 'client-authentication'
    ? new SyncError('SFTP_CREDENTIALS', { system: 'campaign' })
    : unreachable(error);
}

function unreachable(error: (Error & { level?: string; code?: unknown }) | undefined): SyncError {
  const vendorCode = typeof error?.code === 'string' ? error.code : error?.level;
  return new SyncError('SFTP_UNREACHABLE', {
    system: 'campaign',
    ...(vendorCode !== undefined && { vendorCode }),
  });
}

/** An answer's status code (SFTP v3 §7); errors of the connection have a text, or none. */
function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'number' && code >= NO_SUCH_FILE ? code : undefined;
}

const refusedBy = (status: number): Refused => (status === NO_SUCH_FILE ? 'absent' : 'refused');

const FILE_TYPE = 0o170000;
const FOLDER = 0o040000;
const isFolder = (mode: number | undefined): boolean => mode !== undefined && (mode & FILE_TYPE) === FOLDER;
