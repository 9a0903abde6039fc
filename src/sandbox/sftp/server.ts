import { createServer, type Server, type Socket } from 'node:net';
import ssh2, { type Connection, type ParsedKey } from 'ssh2';
import type { SandboxContext } from '../context.js';
import { fingerprintOf, newHostKey, parsed } from './keys.js';
import { serveSftp } from './session.js';

export const SFTP_USER = 'campaign';

export interface SftpOptions {
  /** What clients see as the root. */
  folder: string;
  /** Of the world that is in force when an operation comes in. */
  context(): SandboxContext;
  /** The user's private key, whose public half is the only one that opens. */
  userKey: string;
  hostKey: string;
}

export interface SftpServer {
  /** Not listening yet. */
  listener: Server;
  /** `SHA256:…` of the host key. */
  fingerprint: string;
  /** Breaks all connections off. */
  hangUp(): void;
}

/**
 * Campaign's SFTP server: one user, public keys only (campaign.md §7). A fault `host-key` shows another host key to
 * the next connections.
 */
export function createSftpServer({ folder, context, userKey, hostKey }: SftpOptions): SftpServer {
  const allowed = parsed(userKey);
  const sockets = new Map<number, Socket>();
  const genuine = ssh(hostKey);
  let impostor: ssh2.Server | undefined;

  const listener = createServer((socket) => {
    const port = socket.remotePort ?? 0;
    sockets.set(port, socket);
    socket.on('close', () => sockets.delete(port));
    const { faults, stats, store } = context();
    stats.add('sftp', 'connections');
    const fault = faults.takeForFile('CONNECT', '/', ['host-key']);
    store.commit();
    (fault ? (impostor ??= ssh(newHostKey())) : genuine).injectSocket(socket);
  });

  function ssh(key: string): ssh2.Server {
    return new ssh2.Server({ hostKeys: [key], ident: 'SandboxSFTP' }, (client, { port }) => {
      // A client that goes away in the middle of a word is no fault of ours.
      client.on('error', () => {});
      authenticate(client, allowed);
      client.on('session', (accept) => {
        accept().on('sftp', (acceptSftp) =>
          serveSftp(acceptSftp(), { folder, context, hangUp: () => sockets.get(port)?.destroySoon() }),
        );
      });
    });
  }

  return {
    listener,
    fingerprint: fingerprintOf(hostKey),
    hangUp: () => sockets.forEach((socket) => socket.destroy()),
  };
}

function authenticate(client: Connection, allowed: ParsedKey): void {
  client.on('authentication', (attempt) => {
    if (attempt.method !== 'publickey' || attempt.username !== SFTP_USER)
      return attempt.reject(['publickey']);
    const { key, signature, blob, hashAlgo } = attempt;
    if (!allowed.getPublicSSH().equals(key.data)) return attempt.reject(['publickey']);
    // Without a signature a client only asks whether this key would do.
    if (!signature || !blob) return attempt.accept();
    if (allowed.verify(blob, signature, hashAlgo) === true) attempt.accept();
    else attempt.reject(['publickey']);
  });
}
