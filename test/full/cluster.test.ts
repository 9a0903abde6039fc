import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { applyMapping } from '../../src/command-line/apply.js';
import { progressOf, signalFlow, waitForFlows, type FlowEnd } from '../../src/command-line/flows.js';
import { readSummary } from '../../src/command-line/summary.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import { startWorkerProcess, type WorkerProcess } from '../support/cluster-workers.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import {
  addRegionRows,
  defineRegions,
  regionDifferences,
  regionFlows,
  regionsMapping,
} from '../support/regions.js';
import { flow } from '../support/stack.js';
import { connectSystems, type Systems } from '../support/systems.js';
import { startTemporalCluster, type TemporalCluster } from '../support/temporal-cluster.js';
import { whyNoServerBuild } from '../support/temporal-server-build.js';
import { ownNamespace, type TemporalNamespace } from '../support/temporal.js';

const CONTACTS = 1_500;
/** So many come with each load. */
const NEW_ROWS = 300;
/** The server is built at the first run on a machine. */
const BUILT_WITHIN_MS = 1_800_000;
const flows = [flow, ...regionFlows];
const missing = await whyNoServerBuild();

describe.skipIf(missing !== undefined)(`two workers on a cluster${missing ? ` (${missing})` : ''}`, () => {
  let folder: string;
  let nextBundle: string;
  let postgres: Postgres;
  let cluster: TemporalCluster;
  let temporal: TemporalNamespace;
  let sandbox: Sandbox;
  let systems: Systems;
  let environment: Record<string, string>;
  let workers: WorkerProcess[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cluster-'));
    nextBundle = await bundleOfNextVersion(folder);
    postgres = await startPostgres();
    cluster = await startTemporalCluster(postgres.url);
    temporal = await ownNamespace(cluster.address);
    sandbox = await startSandbox({ memory: true, contacts: CONTACTS });
    systems = connectSystems(sandbox.ready);
    await defineRegions(systems);
    await addRegionRows(systems, 'first', 40);
    environment = {
      ...sandboxSettings(sandbox.ready),
      TEMPORAL_ADDRESS: cluster.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      LEDGER_URL: await postgres.freshDatabase(),
      LEDGER_KEY: 'a key for tests, thirty-two bytes',
      CALL_TIME_LIMIT_SECONDS: '4',
      LEASE_SECONDS: '8',
      CAMPAIGN_SETTLE_SECONDS: '1',
    };
    workers = await Promise.all([startWorker(), startWorker()]);
    const file = join(folder, 'sync.yaml');
    await writeFile(file, exampleDocument.replace('every: 1m', 'every: 1d') + regionsMapping);
    await applyMapping(temporal.client, file, 5);
  }, BUILT_WITHIN_MS);
  afterAll(async () => {
    for (const worker of workers) await worker.kill();
    await sandbox?.close();
    await temporal?.close();
    await cluster?.stop();
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  const startWorker = (settings: Record<string, string> = {}, bundle?: string): Promise<WorkerProcess> =>
    startWorkerProcess({ ...environment, ...settings }, bundle);

  async function begin(): Promise<void> {
    for (const each of flows)
      await signalFlow({ client: temporal.client, heartbeatSeconds: 5 }, each, 'poll');
  }
  const ended = (): Promise<FlowEnd[]> => waitForFlows(temporal.client, flows);
  async function inStep(): Promise<void> {
    expect((await ended()).filter(({ outcome }) => outcome !== 'in-sync')).toEqual([]);
    const contacts = await systems.contacts.all(mappedColumns);
    expect(differences(contacts, await systems.profiles.all())).toEqual([]);
    expect(await regionDifferences(systems)).toEqual([]);
    expect((await systems.sandbox.stats()).campaign.duplicates ?? 0).toBe(0);
  }

  /**
   * Changes in every table, and flows on their way with them: resolves when the first new profiles are there, to the number that there
   * will be in the end.
   */
  async function beginLoad(name: string): Promise<number> {
    await systems.sandbox.bulk({ change: 300, create: NEW_ROWS });
    await addRegionRows(systems, name, 20);
    const before = await profiles();
    await begin();
    await expect.poll(profiles, { timeout: 60_000 }).toBeGreaterThan(before + 20);
    return before + NEW_ROWS;
  }
  const profiles = async (): Promise<number> => (await systems.profiles.all()).length;
  const slow = (ms: number): Promise<void> =>
    systems.sandbox.faults([{ system: 'campaign', method: 'POST', kind: 'latency', ms, times: 1_000_000 }]);

  /** The one that runs a slice of the contacts' flow just now. */
  async function atContacts(): Promise<WorkerProcess | undefined> {
    const { raw } = await temporal.client.workflow.getHandle(flow).describe();
    const [holder] = (raw.pendingActivities ?? []).map(({ lastWorkerIdentity }) => lastWorkerIdentity);
    return workers.find(({ identity }) => identity === holder);
  }

  /** The workers that have run slices of the flows' latest runs. */
  async function atWork(): Promise<Set<string>> {
    const identities = new Set<string>();
    for (const each of flows) {
      const { events } = await temporal.client.workflow.getHandle(each).fetchHistory();
      for (const { activityTaskStartedEventAttributes: started } of events ?? [])
        if (started?.identity) identities.add(started.identity);
    }
    return identities;
  }

  test('one that is killed during a first load is succeeded by the other', async () => {
    await slow(100);
    await begin();
    await expect.poll(profiles, { timeout: 60_000 }).toBeGreaterThan(100);
    const killed = await vi.waitUntil(atContacts, { timeout: 60_000 });
    await killed.kill();
    expect(await profiles()).toBeLessThan(CONTACTS);
    await inStep();
    workers = [...workers.filter((worker) => worker !== killed), await startWorker()];
  }, 300_000);

  test('they share the tables between them', async () => {
    await systems.sandbox.clearFaults();
    const seen = new Set<string>();
    const wanted = new Set(workers.map(({ identity }) => identity));
    for (let round = 1; round <= 10 && seen.size < wanted.size; round += 1) {
      await addRegionRows(systems, `round ${round}`, 2);
      await begin();
      await inStep();
      for (const identity of await atWork()) seen.add(identity);
    }
    expect(seen).toEqual(wanted);
  }, 300_000);

  test('a rolling restart to a build with changed workflows goes through the middle of a load', async () => {
    // Two starts of a worker take a good part of a minute on a busy machine.
    await slow(2_500);
    const all = await beginLoad('rolling');
    const replaced = workers;
    workers = [];
    for (const old of replaced) {
      workers.push(await startWorker({}, nextBundle));
      expect(await old.stop()).toBe(0);
    }
    expect(await profiles()).toBeLessThan(all);
    await slow(150);
    await inStep();
    await beginLoad('rolled');
    await inStep();
    const { events } = await temporal.client.workflow.getHandle(flow).fetchHistory();
    const markers = (events ?? []).map(({ markerRecordedEventAttributes: marker }) => marker?.markerName);
    expect(markers).toContain('core_patch');
  }, 300_000);

  test('PostgreSQL, under both the ledger and the cluster, restarts in the middle of a load', async () => {
    await slow(500);
    const all = await beginLoad('database');
    const noticed = Promise.race(workers.map((worker) => worker.said(/LEDGER_UNAVAILABLE/)));
    await postgres.restart(() => noticed);
    expect(await profiles()).toBeLessThan(all);
    await slow(150);
    await cluster.serving();
    await inStep();
  }, 300_000);

  test('the Temporal server is killed in the middle of a load, which goes on without it', async () => {
    const before = await profiles();
    await beginLoad('server');
    await cluster.restart(async () => {
      await expect.poll(profiles, { timeout: 60_000 }).toBeGreaterThan(before + 200);
    });
    await inStep();
  }, 300_000);

  test('they share the budget of a day and never exceed it', async () => {
    await systems.sandbox.clearFaults();
    const { client, namespace } = temporal;
    const [first, ...others] = workers;
    // One writes down what it has counted when it ends, the other when it is asked.
    await first?.stop();
    const { calls } = await readSummary(client, { address: cluster.address, namespace });
    // Too few for any of the tables, so that every flow meets the end of it.
    const CALLS_LEFT = 100;
    for (const worker of others) await worker.stop();
    const settings = { CAMPAIGN_PER_DAY: String(calls.campaign + CALLS_LEFT) };
    workers = await Promise.all([startWorker(settings), startWorker(settings)]);
    await systems.sandbox.resetStats();
    await systems.sandbox.bulk({ change: 150 });
    await addRegionRows(systems, 'budget', 110);
    await begin();
    const waiting = async (): Promise<(string | undefined)[]> =>
      Promise.all(flows.map(async (each) => (await progressOf(client, each))?.waiting?.reason));
    await expect.poll(waiting, { timeout: 60_000 }).toEqual(flows.map(() => 'budget'));
    const { total } = (await systems.sandbox.stats()).campaign;
    expect(total).toBeGreaterThan(CALLS_LEFT / 2);
    expect(total).toBeLessThanOrEqual(CALLS_LEFT);

    for (const worker of workers) await worker.stop();
    workers = await Promise.all([startWorker(), startWorker()]);
    await begin();
    await inStep();
  }, 300_000);

  test('no profile was created twice on the way, and every one that had to be', async () => {
    const managed = (await systems.profiles.all()).filter(({ externalId }) => externalId !== '');
    expect(managed.length).toBeGreaterThan(CONTACTS);
    expect(new Set(managed.map(({ externalId }) => externalId)).size).toBe(managed.length);
  });
});

async function bundleOfNextVersion(folder: string): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../replay/next-workflows.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const file = join(folder, 'next-bundle.js');
  await writeFile(file, code);
  return file;
}
