import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, expect, it } from 'vitest';
import type { SandboxReady } from '../../../src/sandbox/index.js';
import { readAll } from '../journal/support.js';
import { connectFiles } from '../sftp/client.js';
import { callerOf, list, text } from './support.js';

const MAIN = 'src/sandbox/main.ts';
const FREE_PORTS = ['--dynamics-port', '0', '--campaign-port', '0', '--sftp-port', '0'];
const running: ChildProcess[] = [];
const folders: string[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

it('prints one JSON line when ready, and ends well on SIGTERM', async () => {
  const { child, ready } = await start(['--memory', '--contacts', '3']);
  expect(ready).toMatchObject({
    ready: true,
    dynamics: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as string,
    campaign: expect.stringMatching(/\/sandbox\/campaign$/) as string,
    ims: expect.stringMatching(/\/ims\/token\/v3$/) as string,
    journal: expect.stringContaining('/events/organizations/') as string,
    sftp: {
      host: '127.0.0.1',
      user: 'campaign',
      hostKey: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/) as string,
    },
  });
  expect(Object.keys(ready.credentials).toSorted()).toEqual(
    [
      'tenantId',
      'clientId',
      'clientSecret',
      'adobeClientId',
      'adobeClientSecret',
      'adobeScopes',
      'adobeOrgId',
    ].toSorted(),
  );
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('keeps data, tokens, counters, clock and credentials over a kill, and does not seed again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  folders.push(folder);
  const first = await start(['--data', folder, '--contacts', '5']);
  const before = callerOf(first.ready);
  await before.control('POST', 'clock', { advance: 'P2D' });
  const created = await before.dynamics('POST', '/api/data/v9.2/contacts', { lastname: 'Survivor' });
  const contact = (created.headers.get('odata-entityid') ?? '').match(/\((.+)\)$/)?.[1];
  const profile = await before.campaign('POST', '/profileAndServicesExt/profile', {
    externalId: 'survivor',
    email: 'survivor@shop.example',
  });
  const sent = await before.control('POST', 'deliveries', { profiles: 1, opens: 1 });
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await start(['--data', folder, '--contacts', '900']);
  expect(second.ready.credentials).toEqual(first.ready.credentials);
  const after = callerOf(second.ready);
  const contacts = list(
    (await after.dynamics('GET', '/api/data/v9.2/contacts?$select=lastname')).json['value'],
  );
  expect(contacts).toHaveLength(6);
  expect(contacts.find((row) => text(row['contactid']) === contact)?.['lastname']).toBe('Survivor');
  const path = `/profileAndServicesExt/profile/${encodeURIComponent(text(profile.json['PKey']))}`;
  expect((await after.campaign('GET', path)).json['externalId']).toBe('survivor');
  expect(second.ready.sftp).toEqual({ ...first.ready.sftp, port: second.ready.sftp.port });
  const files = await connectFiles(second.ready);
  for (const file of list(sent.json['files']))
    expect((await files.read(text(file))).toString()).toContain('survivor');
  await files.end();
  expect(await readAll(after)).toHaveLength(2);
  const stats = (await after.control('GET', 'stats')).json;
  expect(stats['campaign']?.['byRoute']?.['POST profile']).toEqual({ 201: 1 });
  expect(Date.parse(text((await after.control('GET', 'clock')).json['now']))).toBeGreaterThan(
    Date.now() + 47 * 3_600_000,
  );
});

it('keeps a token good over a kill', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  folders.push(folder);
  const first = await start(['--data', folder, '--contacts', '0']);
  const caller = callerOf(first.ready);
  await caller.campaign('GET', '/profileAndServicesExt/profile');
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const port = new URL(first.ready.campaign).port;
  await start(['--data', folder, '--campaign-port', port]);
  expect((await caller.campaign('GET', '/profileAndServicesExt/profile')).status).toBe(200);
});

it('ends when its parent’s channel closes', async () => {
  const child = fork(MAIN, [...FREE_PORTS, '--memory', '--contacts', '0'], {
    execArgv: ['--import', 'tsx'],
    silent: true,
  });
  running.push(child);
  await readyLine(child);
  child.disconnect();
  expect(await once(child, 'exit')).toEqual([0, null]);
});

it('refuses wrong use with exit status 2 and every fault, on standard error', async () => {
  const { status, out, err } = await run([
    '--contacts',
    'many',
    '--latency',
    '-1',
    '--memory',
    '--data',
    'x',
  ]);
  expect(status).toBe(2);
  expect(out).toBe('');
  for (const fault of ['--contacts', '--latency', '--memory and --data']) expect(err).toContain(fault);
  expect((await run(['--nonsense'])).status).toBe(2);
});

it('refuses a port that is taken, with exit status 2', async () => {
  const { ready } = await start(['--memory', '--contacts', '0']);
  for (const taken of [
    ['--dynamics-port', new URL(ready.dynamics).port],
    ['--dynamics-port', '0', '--campaign-port', '0', '--sftp-port', String(ready.sftp.port)],
  ]) {
    const { status, err } = await run(['--memory', '--contacts', '0', ...taken]);
    expect(status).toBe(2);
    expect(err).toContain('is taken');
  }
});

it('refuses a data folder that another sandbox works on, and takes it once that one is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  folders.push(folder);
  const first = await start(['--data', folder, '--contacts', '0']);
  const { status, err } = await run([...FREE_PORTS, '--data', folder]);
  expect(status).toBe(2);
  expect(err).toContain('is in use');
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  await start(['--data', folder]);
});

it('explains itself with --help', async () => {
  const { status, out } = await run(['--help']);
  expect(status).toBe(0);
  for (const option of [
    '--dynamics-port',
    '--campaign-port',
    '--sftp-port',
    '--contacts',
    '--seed',
    '--latency',
    '--data',
    '--memory',
  ]) {
    expect(out).toContain(option);
  }
});

async function start(options: string[]): Promise<{ child: ChildProcess; ready: SandboxReady }> {
  const child = launch([...FREE_PORTS, ...options]);
  return { child, ready: await readyLine(child) };
}

function launch(options: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  return child;
}

async function readyLine(child: ChildProcess): Promise<SandboxReady> {
  if (!child.stdout) throw new Error('no standard output');
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line) as SandboxReady;
  throw new Error(`ended without a ready line: ${errors}`);
}

async function run(options: string[]): Promise<{ status: number; out: string; err: string }> {
  const child = launch(options);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, out, err };
}
