import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import ssh2, { type ConnectConfig, type FileEntryWithStats, type SFTPWrapper } from 'ssh2';
import type { SandboxReady } from '../../../src/sandbox/index.js';

/** A plain SFTP client that trusts the host key of the ready line alone. */
export interface FileClient {
  sftp: SFTPWrapper;
  list(folder: string): Promise<FileEntryWithStats[]>;
  read(path: string): Promise<Buffer>;
  write(path: string, content: string | Buffer): Promise<void>;
  end(): Promise<void>;
}

export async function connectFiles(
  { sftp: server }: SandboxReady,
  changes: ConnectConfig = {},
): Promise<FileClient> {
  const client = new ssh2.Client();
  const fingerprint = (key: Buffer) =>
    `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
  const ready = once(client, 'ready');
  client.connect({
    host: server.host,
    port: server.port,
    username: server.user,
    privateKey: readFileSync(server.privateKeyFile),
    hostVerifier: (key: Buffer) => fingerprint(key) === server.hostKey,
    ...changes,
  });
  try {
    await ready;
  } catch (error) {
    client.end();
    throw error;
  }
  // What breaks later is told to whoever waits for an answer.
  client.on('error', () => {});
  const sftp = await promisify(client.sftp.bind(client) as (done: SftpCallback) => void)();
  return {
    sftp,
    list: (folder) =>
      promisify(sftp.readdir.bind(sftp) as (path: string, done: ListCallback) => void)(folder),
    read: (path) => promisify(sftp.readFile.bind(sftp) as (path: string, done: ReadCallback) => void)(path),
    write: (path, content) =>
      promisify(
        sftp.writeFile.bind(sftp) as (path: string, data: string | Buffer, done: DoneCallback) => void,
      )(path, content),
    async end() {
      const closed = once(client, 'close');
      client.end();
      await closed;
    },
  };
}

type SftpCallback = (error: Error | undefined, sftp: SFTPWrapper) => void;
type ListCallback = (error: Error | undefined, entries: FileEntryWithStats[]) => void;
type ReadCallback = (error: Error | undefined, content: Buffer) => void;
type DoneCallback = (error?: Error | null) => void;

/** The status of an operation: 0, or the SFTP code that it failed with. */
export const codeOf = (work: (done: DoneCallback) => void): Promise<number> =>
  new Promise((fulfil) =>
    work((error) => fulfil(error ? Number((error as Error & { code?: number }).code) : 0)),
  );
