import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox } from '../../../src/sandbox/index.js';
import { useSandbox } from '../core/support.js';
import { codeOf, connectFiles, type FileClient } from './client.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });
const { FAILURE, NO_SUCH_FILE, OP_UNSUPPORTED, PERMISSION_DENIED } = ssh2.utils.sftp.STATUS_CODE;
const outside = mkdtempSync(join(tmpdir(), 'outside-'));
let files: FileClient;

beforeAll(async () => {
  files = await connectFiles(sandbox.ready);
});
afterAll(async () => {
  await files.end();
  rmSync(outside, { recursive: true, force: true });
});
afterEach(() => sandbox.control('DELETE', 'faults'));

/** The folder behind the server, which only a person on this machine can see. */
const area = () => join(dirname(dirname(sandbox.ready.sftp.privateKeyFile)), 'sftp');
const names = async (folder: string) => (await files.list(folder)).map(({ filename }) => filename);
const arm = (...faults: object[]) =>
  sandbox.succeed(
    'PUT',
    'faults',
    faults.map((fault) => ({ system: 'sftp', ...fault })),
  );

describe('who may come in', () => {
  it('the user with the key of the ready line, and no one else', async () => {
    const { private: other } = ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 });
    for (const changes of [{ privateKey: other }, { username: 'root' }])
      await expect(connectFiles(sandbox.ready, changes)).rejects.toThrow(/authentication/);
    await expect(
      connectFiles(sandbox.ready, { privateKey: undefined, password: 'campaign' } as object),
    ).rejects.toThrow(/authentication/);
  });

  it('and the key is one of 2,048 bits, which others may not read', async () => {
    const key = readFileSync(sandbox.ready.sftp.privateKeyFile, 'utf8');
    expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/);
    const { stdout } = await promisify(execFile)('stat', ['-c', '%a', sandbox.ready.sftp.privateKeyFile]);
    expect(stdout.trim()).toBe('600');
  });
});

describe('the area', () => {
  it('has the folders of the tenant', async () => {
    expect(await names('/d365_loads')).toEqual(['exports', 'logs']);
    expect(await new Promise((fulfil) => files.sftp.realpath('.', (_error, path) => fulfil(path)))).toBe('/');
  });

  it('keeps, renames and removes files and folders', async () => {
    await files.write('/d365_loads/exports/a.csv', 'externalId;blackListEmail\n');
    expect((await files.read('/d365_loads/exports/a.csv')).toString()).toBe('externalId;blackListEmail\n');
    const [entry] = await files.list('/d365_loads/exports');
    expect([entry?.filename, entry?.attrs.size, entry?.attrs.isFile()]).toEqual(['a.csv', 26, true]);
    const { sftp } = files;
    expect(await codeOf((done) => sftp.rename('/d365_loads/exports/a.csv', '/d365_loads/b.csv', done))).toBe(
      0,
    );
    expect(await codeOf((done) => sftp.stat('/d365_loads/exports/a.csv', done))).toBe(NO_SUCH_FILE);
    expect(await codeOf((done) => sftp.mkdir('/d365_loads/new', done))).toBe(0);
    expect(await codeOf((done) => sftp.rename('/d365_loads/b.csv', '/d365_loads/new', done))).toBe(FAILURE);
    expect(await codeOf((done) => sftp.unlink('/d365_loads/b.csv', done))).toBe(0);
    expect(await codeOf((done) => sftp.rmdir('/d365_loads/new', done))).toBe(0);
    expect(await names('/d365_loads')).toEqual(['exports', 'logs']);
  });

  it('takes large files in many pieces', async () => {
    const content = Buffer.alloc(3_000_000, 'a line of text\n');
    await files.write('/large.txt', content);
    expect((await files.read('/large.txt')).equals(content)).toBe(true);
    expect(await codeOf((done) => files.sftp.appendFile('/large.txt', 'end', done))).toBe(0);
    expect((await files.read('/large.txt')).length).toBe(3_000_003);
    expect(await codeOf((done) => files.sftp.unlink('/large.txt', done))).toBe(0);
  });

  it('bears the time of the sandbox', async () => {
    await sandbox.succeed('POST', 'clock', { advance: 'P2D' });
    await files.write('/late.txt', 'x');
    const [entry] = (await files.list('/')).filter(({ filename }) => filename === 'late.txt');
    expect((entry?.attrs.mtime ?? 0) * 1000).toBeGreaterThan(Date.now() + 47 * 3_600_000);
    expect(await codeOf((done) => files.sftp.unlink('/late.txt', done))).toBe(0);
  });

  it('has no way out', async () => {
    writeFileSync(join(outside, 'secret.txt'), 'secret');
    symlinkSync(join(outside, 'secret.txt'), join(area(), 'link.txt'));
    symlinkSync(outside, join(area(), 'folder'));
    for (const path of ['/link.txt', '/folder/secret.txt', '../../etc/passwd', '/../sftp-keys/host.pem'])
      await expect(files.read(path)).rejects.toThrow(/No such file/);
    await expect(files.write('/folder/new.txt', 'x')).rejects.toThrow(/No such file/);
    await expect(files.list('/folder')).rejects.toThrow(/No such file/);
    expect(await names('/')).toEqual(['d365_loads']);
    expect(await codeOf((done) => files.sftp.symlink('/etc/passwd', '/passwd', done))).toBe(OP_UNSUPPORTED);
    for (const name of ['link.txt', 'folder']) rmSync(join(area(), name));
  });

  it('is as new after a reset, and its clients stay connected', async () => {
    await files.write('/d365_loads/logs/old.txt', 'x');
    await sandbox.succeed('POST', 'reset', {});
    expect(await names('/d365_loads/logs')).toEqual([]);
  });
});

describe('faults', () => {
  it('permission-denied and vanish, for files whose path begins as named', async () => {
    await files.write('/d365_loads/logs/a.txt', 'a');
    await files.write('/d365_loads/exports/b.txt', 'b');
    await arm({ kind: 'permission-denied', path: 'd365_loads/logs' });
    expect((await files.read('/d365_loads/exports/b.txt')).toString()).toBe('b');
    await expect(files.read('/d365_loads/logs/a.txt')).rejects.toMatchObject({ code: PERMISSION_DENIED });
    expect((await files.read('/d365_loads/logs/a.txt')).toString()).toBe('a');
    await arm({ kind: 'vanish', path: '/d365_loads/logs' });
    await expect(files.read('/d365_loads/logs/a.txt')).rejects.toMatchObject({ code: NO_SUCH_FILE });
    expect(await names('/d365_loads/logs')).toEqual([]);
  });

  it('disk-full: writes fail, reads do not', async () => {
    await files.write('/c.txt', 'c');
    await arm({ kind: 'disk-full', times: 2 });
    expect((await files.read('/c.txt')).toString()).toBe('c');
    await expect(files.write('/d.txt', 'd')).rejects.toMatchObject({ code: FAILURE });
  });

  it('reset: the connection breaks in the middle of a file', async () => {
    await files.write('/e.txt', Buffer.alloc(200_000, 'e'));
    await arm({ kind: 'reset', path: '/e.txt' });
    const other = await connectFiles(sandbox.ready);
    const broken = once(other.sftp, 'close');
    const opened = await new Promise<Buffer>((fulfil, reject) =>
      other.sftp.open('/e.txt', 'r', (error, handle) => (error ? reject(error) : fulfil(handle))),
    );
    const pieces: number[] = [];
    for (let piece = 0; piece < 8; piece += 1)
      other.sftp.read(opened, Buffer.alloc(30_000), 0, 30_000, piece * 30_000, (_error, bytes) =>
        pieces.push(bytes ?? 0),
      );
    await broken;
    expect(pieces.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(200_000);
    expect((await files.read('/e.txt')).length).toBe(200_000);
  });

  it('host-key: another server, as it seems, for so many connections', async () => {
    await arm({ kind: 'host-key', times: 2 });
    for (let time = 0; time < 2; time += 1)
      await expect(connectFiles(sandbox.ready)).rejects.toThrow(/verification failed/);
    const trusted = await connectFiles(sandbox.ready);
    await trusted.end();
  });

  it('of another system are refused', async () => {
    for (const fault of [
      { system: 'sftp', kind: 'throttle' },
      { system: 'campaign', kind: 'vanish' },
    ])
      expect((await sandbox.control('PUT', 'faults', [fault])).status).toBe(400);
  });
});

it('a port that is taken is replaced by a free one', async () => {
  const { port } = sandbox.ready.sftp;
  const other = await startSandbox({ memory: true, contacts: 0, sftpPort: port });
  expect(other.ready.sftp.port).not.toBe(port);
  expect(other.ready.sftp.hostKey).not.toBe(sandbox.ready.sftp.hostKey);
  await other.close();
  expect(existsSync(other.ready.sftp.privateKeyFile)).toBe(false);
});

it('operations are counted, with their status', async () => {
  await sandbox.succeed('POST', 'stats/reset');
  await files.write('/counted.txt', 'four');
  await files.read('/counted.txt');
  await codeOf((done) => files.sftp.stat('/missing.txt', done));
  const { json } = await sandbox.control('GET', 'stats');
  expect(json['sftp']).toMatchObject({
    byRoute: { OPEN: { 0: 2 }, STAT: { 2: 1 } },
    connections: 0,
    bytesRead: 4,
    bytesWritten: 4,
  });
});
