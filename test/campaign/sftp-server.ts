import { createHash, generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import ssh2, { type Connection, type FileEntry, type SFTPWrapper } from 'ssh2';
import { onTestFinished } from 'vitest';

export interface ServedFile {
  content: Buffer;
  /** Whole seconds. */
  mtime: number;
  isFolder?: boolean;
}

export interface SftpServer {
  host: string;
  port: number;
  user: string;
  privateKey: string;
  hostKeys: HostKey[];
  /** What the served folder holds, by name. */
  files: Map<string, ServedFile>;
  folder: string;
  put(name: string, content: string | Buffer, mtime?: number): void;
  /** What was asked for: `open deliveryLogs_1.txt`, `readdir`. */
  asked: string[];
  connections: number;
  /** Decides what becomes of a read of so many bytes in all. */
  onRead: (name: string, offset: number) => 'answer' | 'drop' | 'fail' | 'lose' | 'silence';
  /** The most that one answer carries. */
  mostBytes: number;
  refuseOpen: (name: string) => boolean;
  drop(): void;
}

export interface HostKey {
  privateKey: string;
  /** As OpenSSH writes it. */
  publicKey: string;
  fingerprint: string;
}

const { STATUS_CODE } = ssh2.utils.sftp;

export function hostKeyOf(kind: 'ed25519' | 'rsa' | 'ecdsa'): HostKey {
  const pair =
    kind === 'ed25519'
      ? ssh2.utils.generateKeyPairSync('ed25519')
      : kind === 'rsa'
        ? ssh2.utils.generateKeyPairSync('rsa', { bits: 2048 })
        : ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
  // One in some hundred Ed25519 keys that ssh2 makes cannot be read.
  if (ssh2.utils.parseKey(pair.private) instanceof Error) return hostKeyOf(kind);
  const [, blob = ''] = pair.public.split(' ');
  const digest = createHash('sha256').update(Buffer.from(blob, 'base64')).digest('base64');
  return {
    privateKey: pair.private,
    publicKey: pair.public,
    fingerprint: `SHA256:${digest.replace(/=+$/, '')}`,
  };
}

let shared: { ed25519: HostKey; client: string } | undefined;

/** Keys are made once for all tests of a file. */
export function sharedKeys(): { ed25519: HostKey; client: string } {
  shared ??= {
    ed25519: hostKeyOf('ed25519'),
    client: generateKeyPairSync('rsa', { modulusLength: 2048 })
      .privateKey.export({ type: 'pkcs1', format: 'pem' })
      .toString(),
  };
  return shared;
}

/** A real SFTP server on a free port with one folder in memory, closed when the test ends. */
export async function sftpServer(
  options: { hostKeys?: HostKey[]; folder?: string; accepts?: (user: string) => boolean } = {},
): Promise<SftpServer> {
  const keys = sharedKeys();
  const hostKeys = options.hostKeys ?? [keys.ed25519];
  const allowed = ssh2.utils.parseKey(keys.client);
  if (allowed instanceof Error) throw allowed;
  const open = new Set<Connection>();
  const state: SftpServer = {
    host: '127.0.0.1',
    port: 0,
    user: 'campaign',
    privateKey: keys.client,
    hostKeys,
    files: new Map(),
    folder: options.folder ?? 'd365_loads/logs',
    put(name, content, mtime = 1_700_000_000) {
      state.files.set(name, { content: Buffer.from(content), mtime });
    },
    asked: [],
    connections: 0,
    onRead: () => 'answer',
    mostBytes: Infinity,
    refuseOpen: () => false,
    drop: () => open.forEach((connection) => connection.end()),
  };
  const server = new ssh2.Server({ hostKeys: hostKeys.map(({ privateKey }) => privateKey) }, (connection) => {
    state.connections += 1;
    open.add(connection);
    connection
      .on('error', () => undefined)
      .on('close', () => open.delete(connection))
      .on('authentication', (context) => {
        const isKnown =
          context.method === 'publickey' &&
          context.username === state.user &&
          context.key.data.equals(allowed.getPublicSSH());
        if (
          isKnown &&
          (context.signature === undefined ||
            allowed.verify(context.blob ?? '', context.signature, context.hashAlgo) === true)
        )
          context.accept();
        else context.reject(['publickey']);
      })
      .on('session', (accept) => {
        accept().on('sftp', (acceptSftp) => serve(acceptSftp(), connection, state));
      });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  state.port = (server.address() as AddressInfo).port;
  onTestFinished(() => {
    state.drop();
    server.close();
  });
  return state;
}

function serve(sftp: SFTPWrapper, connection: Connection, state: SftpServer): void {
  const handles = new Map<number, { name: string } | { listing: FileEntry[] | undefined }>();
  let count = 0;
  const handleOf = (held: { name: string } | { listing: FileEntry[] | undefined }): Buffer => {
    count += 1;
    handles.set(count, held);
    const handle = Buffer.alloc(4);
    handle.writeUInt32BE(count);
    return handle;
  };
  sftp
    .on('OPENDIR', (id, path) => {
      state.asked.push('readdir');
      if (path !== state.folder) return sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      const listing = [...state.files].map(([filename, { content, mtime, isFolder }]) => ({
        filename,
        longname: filename,
        attrs: {
          mode: isFolder ? 0o040755 : 0o100644,
          uid: 0,
          gid: 0,
          size: content.length,
          atime: mtime,
          mtime,
        },
      }));
      sftp.handle(id, handleOf({ listing: listing as FileEntry[] }));
    })
    .on('READDIR', (id, handle) => {
      const held = handles.get(handle.readUInt32BE());
      if (!held || !('listing' in held) || held.listing === undefined)
        return sftp.status(id, STATUS_CODE.EOF);
      const { listing } = held;
      held.listing = undefined;
      sftp.name(id, listing);
    })
    .on('OPEN', (id, path) => {
      const name = path.slice(state.folder.length + 1);
      state.asked.push(`open ${name}`);
      if (!path.startsWith(`${state.folder}/`) || !state.files.has(name))
        return sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      if (state.refuseOpen(name)) return sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
      sftp.handle(id, handleOf({ name }));
    })
    .on('READ', (id, handle, offset, length) => {
      const held = handles.get(handle.readUInt32BE());
      if (!held || !('name' in held)) return sftp.status(id, STATUS_CODE.FAILURE);
      const what = state.onRead(held.name, offset);
      if (what === 'silence') return;
      if (what === 'drop') return connection.end();
      if (what === 'fail') return sftp.status(id, STATUS_CODE.FAILURE);
      if (what === 'lose') return sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      const content = state.files.get(held.name)?.content ?? Buffer.alloc(0);
      if (offset >= content.length) return sftp.status(id, STATUS_CODE.EOF);
      sftp.data(id, content.subarray(offset, offset + Math.min(length, state.mostBytes)));
    })
    .on('CLOSE', (id, handle) => {
      handles.delete(handle.readUInt32BE());
      sftp.status(id, STATUS_CODE.OK);
    });
}
