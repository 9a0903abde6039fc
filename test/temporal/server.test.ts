import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterEach, expect, inject, onTestFinished, test, vi } from 'vitest';
import { freePort, startTemporalServer, type TemporalServerOptions } from '../../src/temporal/server.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { ownNamespace } from '../support/temporal.js';

const holder = fileURLToPath(new URL('../support/hold-temporal-server.mjs', import.meta.url));
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

test('keeps histories in its file across a restart', async () => {
  const options = await optionsInNewFolder({ inFile: true });
  const first = await startTemporalServer(options);
  await withClient(first.address, (client) => startWorkflow(client));
  await first.stop();

  const second = await startTemporalServer(options);
  onTestFinished(() => second.stop());
  await withClient(second.address, async (client) => {
    expect((await client.workflow.getHandle('ingress/contact').describe()).status.name).toBe('RUNNING');
  });
});

test('registers search attributes that a namespace made earlier does not know', async () => {
  const options = await optionsInNewFolder({ inFile: true });
  const first = await startTemporalServer({ ...options, searchAttributes: [searchAttributeKeys.table] });
  await first.stop();

  const second = await startTemporalServer(options);
  onTestFinished(() => second.stop());
  await withClient(second.address, async (client) => {
    await startWorkflow(client);
    await vi.waitFor(async () => {
      expect((await client.workflow.count("SyncFlow = 'ingress/contact' AND SyncParked = 3")).count).toBe(1);
    });
  });
});

test('serves the Web UI where it says', async () => {
  const server = await startTemporalServer({ ...(await optionsInNewFolder({})), uiPort: 0 });
  onTestFinished(() => server.stop());
  await vi.waitFor(async () => expect((await fetch(server.ui ?? '')).status).toBe(200), 10_000);
});

test('dies with its parent when that alone is killed', async () => {
  const { parent, pid } = await startInParent(await optionsInNewFolder({ inFile: true }));
  parent.kill('SIGKILL');
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), 10_000);
});

test('ends a server that was left behind on the same file', async () => {
  const options = await optionsInNewFolder({ inFile: true });
  const { pid } = await startInParent(options);

  const successor = await startTemporalServer(options);
  onTestFinished(() => successor.stop());
  expect(isRunning(pid)).toBe(false);
  expect(successor.pid).not.toBe(pid);
});

test('leaves another program alone that has the pid of a former server', async () => {
  const options = await optionsInNewFolder({ inFile: true });
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  onTestFinished(() => void bystander.kill());
  await once(bystander, 'spawn');
  await writeFile(`${options.dbFile}.pid`, `${bystander.pid}\n`);

  const server = await startTemporalServer(options);
  onTestFinished(() => server.stop());
  expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
});

test('says why it did not come up', async () => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const address = taken.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const starting = startTemporalServer({ ...(await optionsInNewFolder({})), port: address.port });
  await expect(starting).rejects.toThrow(
    /did not come up[^]*address already in use|did not come up[^]*can't set frontend port/,
  );
});

test('stop is repeatable and leaves no pid file', async () => {
  const options = await optionsInNewFolder({ inFile: true });
  const server = await startTemporalServer(options);
  await Promise.all([server.stop(), server.stop()]);
  await server.stop();
  expect(isRunning(server.pid)).toBe(false);
  await expect(readFile(`${options.dbFile}.pid`)).rejects.toThrow(/ENOENT/);
});

test('a preferred port is given when it is free, another when it is taken', async () => {
  const preferred = await freePort();
  expect(await freePort(preferred)).toBe(preferred);
  const taken = createServer();
  taken.listen(preferred, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  expect(await freePort(preferred)).not.toBe(preferred);
});

test('the suite shares one server, and each test file has a namespace of its own', async () => {
  const address = inject('temporalAddress');
  const [one, other] = await Promise.all([ownNamespace(address), ownNamespace(address)]);
  await startWorkflow(one.client);
  await startWorkflow(other.client);
  expect(one.namespace).not.toBe(other.namespace);
  await Promise.all([one.close(), other.close()]);
});

async function optionsInNewFolder({ inFile = false }): Promise<TemporalServerOptions> {
  const folder = await mkdtemp(join(tmpdir(), 'sync-temporal-server-'));
  folders.push(folder);
  return {
    cli: inject('temporalCli'),
    port: 0,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: Object.values(searchAttributeKeys),
    ...(inFile && { dbFile: join(folder, 'temporal.db') }),
  };
}

/** A process that starts a server and does nothing else, so that it can be killed as a whole. */
async function startInParent(options: TemporalServerOptions): Promise<{ parent: ChildProcess; pid: number }> {
  const parent = spawn(process.execPath, [holder, JSON.stringify({ ...options, searchAttributes: [] })], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  return { parent, pid: Number(line) };
}

async function withClient(address: string, work: (client: Client) => Promise<void>): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

async function startWorkflow(client: Client): Promise<void> {
  await client.workflow.start('ingress', {
    taskQueue: 'nobody-polls-here',
    workflowId: 'ingress/contact',
    searchAttributes: { SyncFlow: ['ingress/contact'], SyncParked: [3] },
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
