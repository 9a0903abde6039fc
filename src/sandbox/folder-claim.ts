import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** Thrown when another process works on the folder. */
export class FolderInUse extends Error {
  constructor(folder: string) {
    super(`${folder} is in use by another sandbox`);
  }
}

export interface FolderClaim {
  release(): void;
}

/**
 * Claims a data folder for this process: two writers would tear each other's lines. The claim is a local socket
 * that listens, so it ends with the process however that ends, and a process id used again cannot fake it.
 */
export async function claimFolder(folder: string): Promise<FolderClaim> {
  const address = claimAddress(resolve(folder));
  const server = createServer((socket) => socket.end());
  server.unref();
  try {
    await listen(server, address);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await answers(address)) throw new FolderInUse(folder);
    // Left behind by a process that was killed.
    rmSync(address, { force: true });
    await listen(server, address);
  }
  return { release: () => void server.close() };
}

function claimAddress(folder: string): string {
  const name = `dynamics-campaign-sandbox-${createHash('sha256').update(folder).digest('hex').slice(0, 24)}`;
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((fulfil, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      fulfil();
    });
  });
}

function answers(address: string): Promise<boolean> {
  return new Promise((fulfil) => {
    const socket = connect(address, () => {
      socket.destroy();
      fulfil(true);
    });
    socket.once('error', () => fulfil(false));
  });
}
