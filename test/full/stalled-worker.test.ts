import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { applyMapping } from '../../src/command-line/apply.js';
import { inspect } from '../../src/command-line/inspect.js';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox } from '../../src/sandbox/index.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript, type Spawned } from '../support/npm-start.js';
import { startPostgres } from '../support/postgres.js';
import { flow } from '../support/stack.js';
import { tableStatus } from '../support/statuses.js';
import { connectSystems } from '../support/systems.js';
import { ownNamespace } from '../support/temporal.js';

const CONTACTS = 400;

test('a worker that stalls past its lease and wakes up beside its successor writes nothing stale', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const sandbox = await startSandbox({ memory: true, contacts: CONTACTS });
  onTestFinished(() => sandbox.close());
  const temporal = await ownNamespace(inject('temporalAddress'));
  onTestFinished(() => temporal.close());
  const systems = connectSystems(sandbox.ready);
  const environment = {
    ...sandboxSettings(sandbox.ready),
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    LEDGER_URL: await postgres.freshDatabase(),
    LEDGER_KEY: 'a key for tests, thirty-two bytes',
    CALL_TIME_LIMIT_SECONDS: '2',
    LEASE_SECONDS: '4',
    CAMPAIGN_SETTLE_SECONDS: '1',
    LOG_LEVEL: 'info',
  };
  const worker = (): Spawned => {
    const spawned = npmScript('worker', [], environment);
    onTestFinished(() => spawned.killGroup());
    return spawned;
  };
  const said = (spawned: Spawned, text: RegExp): Promise<void> => {
    const { stderr } = spawned.child;
    if (!stderr) throw new Error('no standard error');
    const lines = createInterface({ input: stderr });
    return new Promise((resolve) => lines.on('line', (line) => text.test(line) && resolve()));
  };

  const first = worker();
  await said(first, /worker\.ready/);
  const folder = await mkdtemp(join(tmpdir(), 'stalled-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'sync.yaml'), exampleDocument.replace('every: 1m', 'every: 1d'));
  await applyMapping(temporal.client, join(folder, 'sync.yaml'), 5);

  await systems.sandbox.faults([
    { system: 'campaign', method: 'POST', kind: 'latency', ms: 150, times: 1_000_000 },
  ]);
  await signalFlow({ client: temporal.client, heartbeatSeconds: 5 }, flow, 'poll');
  await expect
    .poll(async () => (await systems.profiles.all()).length, { timeout: 30_000 })
    .toBeGreaterThan(40);
  first.child.kill('SIGSTOP');

  const second = worker();
  await said(second, /worker\.ready/);
  expect(await waitForFlow(temporal.client, flow)).toMatchObject({ outcome: 'in-sync' });
  await systems.sandbox.clearFaults();
  await systems.sandbox.bulk({ change: 100, delete: 10 });
  await signalFlow({ client: temporal.client, heartbeatSeconds: 5 }, flow, 'poll');
  await waitForFlow(temporal.client, flow);
  const before = await systems.profiles.all();
  expect(before.length).toBeGreaterThan(CONTACTS - 20);

  const woke = said(first, /slice\.(failed|cancelled)/);
  first.child.kill('SIGCONT');
  await woke;
  first.child.kill('SIGTERM');
  await once(first.child, 'exit');

  const after = await systems.profiles.all();
  const stamps = (profiles: typeof after): Map<unknown, unknown> =>
    new Map(profiles.map(({ externalId, lastModified }) => [externalId, lastModified]));
  expect(stamps(after)).toEqual(stamps(before));
  expect(differences(await systems.contacts.all(mappedColumns), after)).toEqual([]);
  expect((await systems.sandbox.stats()).campaign.duplicates ?? 0).toBe(0);

  const { flows } = await inspect(temporal.client, { kind: 'status' });
  const { read, created, updated, unchanged, filtered, deleted, parked, held } = tableStatus(
    flows,
    'ingress/contact',
  );
  expect(
    [created, updated, unchanged, filtered, deleted, parked, held].reduce<number>(
      (sum, count) => sum + (count ?? 0),
      0,
    ),
  ).toBe(read);
}, 180_000);
