import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { applyMapping } from '../../src/command-line/apply.js';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import { freePort } from '../../src/temporal/server.js';
import { faultsOf, logLinesOf, type LogLine } from '../support/log-lines.js';
import { exampleDocument } from '../support/mapping-document.js';
import { scrape, total } from '../support/metrics.js';
import { npmScript, type Spawned } from '../support/npm-start.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { severableLine, type SeverableLine } from '../support/severable-line.js';
import { connectSystems } from '../support/systems.js';
import { ownNamespace, type TemporalNamespace } from '../support/temporal.js';

const FLOW = 'ingress/contact';
/** Stands in the fields of one person, and nowhere else. */
const MARK = 'Zyxwvutsrq';
const isOfTheSdk = ({ event }: LogLine): boolean => event === 'temporal';
/** Longer than a part that is away needs to be noticed, and one that is back to be found again. */
const NOTICED = { timeout: 40_000, interval: 200 };

let postgres: Postgres;
let sandbox: Sandbox;
let temporal: TemporalNamespace;
let line: SeverableLine;
let folder: string;
let environment: Record<string, string>;
beforeAll(async () => {
  [postgres, sandbox, temporal, line, folder] = await Promise.all([
    startPostgres(),
    startSandbox({ memory: true, contacts: 20, dynamicsPort: 0, campaignPort: 0 }),
    ownNamespace(inject('temporalAddress')),
    severableLine(inject('temporalAddress')),
    mkdtemp(join(tmpdir(), 'watching-')),
  ]);
  environment = {
    ...sandboxSettings(sandbox.ready),
    TEMPORAL_ADDRESS: line.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    LEDGER_URL: await postgres.freshDatabase(),
    LEDGER_KEY: 'a key for tests, thirty-two bytes',
    LOG_LEVEL: 'debug',
  };
}, 60_000);
afterAll(async () => {
  await temporal.close();
  await line.close();
  await sandbox.close();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

describe.sequential('npm run worker', () => {
  let worker: Spawned;
  let metricsAddress: string;
  let healthAddress: string;
  let printed = '';
  beforeAll(async () => {
    line.sever();
    metricsAddress = `127.0.0.1:${await freePort()}`;
    healthAddress = `127.0.0.1:${await freePort()}`;
    worker = npmScript('worker', [], {
      ...environment,
      METRICS_ADDRESS: metricsAddress,
      HEALTH_ADDRESS: healthAddress,
    });
    worker.child.stderr?.on('data', (chunk: string) => (printed += chunk));
  });
  afterAll(() => worker.killGroup());

  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(`http://${healthAddress}${path}`);
    return [answer.status, await answer.json()];
  };
  const readiness = (): Promise<unknown> => ask('/readyz').catch((error: Error) => error.message);
  const ready = [200, { ready: true, missing: [] }];
  const missing = (...parts: string[]): unknown[] => [503, { ready: false, missing: parts }];

  test('is alive while it waits for Temporal to start with, and ready once it takes work', async () => {
    await expect.poll(readiness, NOTICED).toEqual(missing('worker'));
    expect(await ask('/healthz')).toEqual([200, { alive: true }]);
    expect((await scrape(metricsAddress)).of('dcs_ledger_up')).toEqual({});
    line.mend();
    await expect.poll(readiness, NOTICED).toEqual(ready);
    expect(await ask('/healthz')).toEqual([200, { alive: true }]);
  }, 60_000);

  test('shows metrics of its own, of the process and of Temporal, and nothing of a person', async () => {
    const { contacts } = connectSystems(sandbox.ready);
    await contacts.create({
      lastname: MARK,
      emailaddress1: `${MARK}@shop.example`,
      firstname: 'set aside: too long for Campaign by far'.concat(MARK),
    });
    await contacts.create({ lastname: MARK, emailaddress1: `${MARK}@other.example` });
    const file = join(folder, 'sync.yaml');
    await writeFile(file, exampleDocument.replace('every: 1m', 'every: 300d'));
    await applyMapping(temporal.client, file, 5);
    await signalFlow({ client: temporal.client, heartbeatSeconds: 5 }, FLOW, 'poll');
    await waitForFlow(temporal.client, FLOW);

    const { of, text } = await scrape(metricsAddress);
    expect(of('dcs_parked_rows')[`flow="${FLOW}",code="TEXT_TOO_LONG"`]).toBeGreaterThan(0);
    expect(of('dcs_managed_records')[`flow="${FLOW}"`]).toBeGreaterThan(10);
    expect(total(of('dcs_call_duration_seconds_count'))).toBeGreaterThan(10);
    expect(total(of('temporal_num_pollers'))).toBeGreaterThan(0);
    expect(total(of('process_resident_memory_bytes'))).toBeGreaterThan(0);
    const described = text.match(/^# TYPE \S+/gm) ?? [];
    expect(described).toHaveLength(new Set(described).size);
    expect(text.toLowerCase()).not.toContain(MARK.toLowerCase());
  }, 60_000);

  test('is not ready while Temporal is away, and goes on when it is back', async () => {
    line.sever();
    await expect.poll(readiness, NOTICED).toEqual(missing('temporal'));
    expect(await ask('/healthz')).toEqual([200, { alive: true }]);
    expect((await scrape(metricsAddress)).of('dcs_temporal_up')).toEqual({ '': 0 });
    await expect.poll(() => logLinesOf(printed).some(isOfTheSdk), NOTICED).toBe(true);
    line.mend();
    await expect.poll(readiness, NOTICED).toEqual(ready);
    expect((await scrape(metricsAddress)).of('dcs_temporal_up')).toEqual({ '': 1 });
  }, 90_000);

  test('is not ready while its ledger is away, and goes on when it is back', async () => {
    await postgres.restart(async () => {
      await expect.poll(readiness, NOTICED).toEqual(missing('ledger'));
      expect(await ask('/healthz')).toEqual([200, { alive: true }]);
      expect((await scrape(metricsAddress)).of('dcs_ledger_up')).toEqual({ '': 0 });
    });
    await expect.poll(readiness, NOTICED).toEqual(ready);
    expect((await scrape(metricsAddress)).of('dcs_ledger_up')).toEqual({ '': 1 });
  }, 90_000);

  test('does its work after both, and prints nothing but lines of the catalogue, without a person', async () => {
    await signalFlow({ client: temporal.client, heartbeatSeconds: 5 }, FLOW, 'resync', { mode: 'verify' });
    expect(await waitForFlow(temporal.client, FLOW)).toMatchObject({ outcome: 'in-sync' });
    const { status, stdout, stderr } = await worker.stop();
    expect(status).toBe(0);
    expect(stdout).toBe('');
    const lines = logLinesOf(stderr);
    expect(lines.flatMap(faultsOf)).toEqual([]);
    expect(lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['worker.ready', 'mapping.applied', 'page.committed', 'worker.stopping']),
    );
    expect(lines.filter(isOfTheSdk).map(({ error }) => error)).toContainEqual(expect.any(String));
    expect(stderr.toLowerCase()).not.toContain(MARK.toLowerCase());
  }, 90_000);
});

test('a worker that cannot start says why in one line of the catalogue', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const wrong = { HEALTH_ADDRESS: `127.0.0.1:${port}` };
  const { status, stdout, stderr } = await npmScript('worker', [], { ...environment, ...wrong }).finished;
  const lines = logLinesOf(stderr);
  expect({ status, stdout, faults: lines.flatMap(faultsOf) }).toEqual({ status: 2, stdout: '', faults: [] });
  expect(lines).toMatchObject([{ event: 'worker.failed', code: 'CONFIG_INVALID' }]);
  expect(lines[0]?.message).toContain('HEALTH_ADDRESS');
}, 60_000);
