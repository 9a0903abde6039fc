import { ScheduleOverlapPolicy, type WorkflowExecutionInfo } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { progressOf, signalFlow, signalOpenFlow, waitForFlow } from '../../src/command-line/flows.js';
import type { Progress, TickResult } from '../../src/contracts.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { flow, startStack, type Stack } from '../support/stack.js';
import { differences, mappedColumns } from '../support/expected.js';

const CONTACTS = 60;
let postgres: Postgres;
let stack: Stack;

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());
beforeEach(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: exampleDocument.replace('every: 1m', 'every: 1d'),
    ledgerUrl: await postgres.freshDatabase(),
  });
}, 60_000);
afterEach(() => stack.stop(), 60_000);

/** A run that stays open until the faults are cleared: Campaign answers too slowly to end. */
async function openRun(): Promise<void> {
  await stack.systems.sandbox.faults([
    { system: 'campaign', method: 'POST', kind: 'latency', ms: 400, times: 1_000_000 },
  ]);
  await signalFlow({ client: stack.client, heartbeatSeconds: 5 }, flow, 'poll');
  await expect.poll(() => progressOf(stack.client, flow)).toBeDefined();
}
const trigger = (scheduleId: string): Promise<void> =>
  stack.client.schedule.getHandle(scheduleId).trigger(ScheduleOverlapPolicy.ALLOW_ALL);
async function executions(type: string): Promise<WorkflowExecutionInfo[]> {
  const found: WorkflowExecutionInfo[] = [];
  for await (const execution of stack.client.workflow.list({ query: `WorkflowType = '${type}'` }))
    found.push(execution);
  return found;
}
async function tickResults(): Promise<string[]> {
  const ended = (await executions('tick')).filter(({ status }) => status.name === 'COMPLETED');
  const results = ended.map(async ({ workflowId, runId }) => {
    const result = (await stack.client.workflow.getHandle(workflowId, runId).result()) as TickResult;
    return result.outcome;
  });
  return Promise.all(results);
}
const inStep = async (): Promise<string[]> =>
  differences(await stack.systems.contacts.all(mappedColumns), await stack.systems.profiles.all());

describe('a resync', () => {
  test('signalled from the Web UI with an empty payload is done by the open run before it ends', async () => {
    await openRun();
    await stack.client.workflow.getHandle(flow).signal('resync');
    await stack.systems.sandbox.clearFaults();
    await waitForFlow(stack.client, flow);
    const { created, unchanged, parked } = await stack.status();
    expect(created).toBeGreaterThan(0);
    expect(unchanged, 'every row was compared once more').toBe(created);
    expect(created * 2 + parked).toBeLessThanOrEqual(CONTACTS * 2);
  }, 60_000);

  test('triggered by the schedule resync/contact runs without an open run, and signals an open one', async () => {
    await stack.sync();
    const { created } = await stack.status();
    await trigger('resync/contact');
    await expect.poll(async () => (await stack.status()).unchanged, { timeout: 20_000 }).toBe(created);
    await expect.poll(tickResults, { timeout: 20_000 }).toEqual(['ran']);

    await stack.systems.sandbox.faults([
      { system: 'campaign', method: 'GET', kind: 'latency', ms: 1_500, times: 1_000_000 },
    ]);
    await signalFlow({ client: stack.client, heartbeatSeconds: 5 }, flow, 'resync', { mode: 'verify' });
    await trigger('resync/contact');
    await expect.poll(tickResults, { timeout: 20_000 }).toEqual(expect.arrayContaining(['ran', 'signalled']));
    await waitForFlow(stack.client, flow);
    expect((await stack.status()).unchanged, 'both requests were served, one after the other').toBe(
      created * 2,
    );
  }, 90_000);

  test('asked for twice at once is one sync of the table at a time, and rewrite beats verify', async () => {
    await openRun();
    const starter = { client: stack.client, heartbeatSeconds: 5 };
    await Promise.all([
      signalFlow(starter, flow, 'resync', { mode: 'rewrite' }),
      signalFlow(starter, flow, 'resync', { mode: 'verify' }),
    ]);
    const progress = await progressOf(stack.client, flow);
    expect(progress?.pending).toBe('rewrite');
    await stack.systems.sandbox.clearFaults();
    await waitForFlow(stack.client, flow);
    const { created, updated } = await stack.status();
    expect(updated).toBe(created);
    expect(await inStep()).toEqual([]);
  }, 60_000);
});

test('a tick during a long run ends as coalesced', async () => {
  await openRun();
  await trigger(flow);
  await expect.poll(tickResults, { timeout: 20_000 }).toEqual(['coalesced']);
  expect((await executions('ingress')).filter(({ status }) => status.name === 'RUNNING')).toHaveLength(1);
  await stack.systems.sandbox.clearFaults();
  await waitForFlow(stack.client, flow);
}, 60_000);

test('a paused flow stays paused through ticks, restarts and continue-as-new, and goes on when resumed', async () => {
  await stack.sync();
  const starter = { client: stack.client, heartbeatSeconds: 5 };
  const handle = await signalFlow(starter, flow, 'pause');
  const paused = async (): Promise<Progress['paused'] | undefined> =>
    (await progressOf(stack.client, flow))?.paused;
  await expect.poll(paused).toBe(true);
  await stack.systems.sandbox.bulk({ change: 5 });
  await trigger(flow);
  await expect.poll(tickResults, { timeout: 20_000 }).toEqual(['coalesced']);

  await stack.restartWorker();
  const { runId } = await handle.describe();
  for (let signal = 0; signal < 50; signal += 1) await handle.signal('poll');
  await expect
    .poll(async () => (await stack.client.workflow.getHandle(flow).describe()).runId, { timeout: 20_000 })
    .not.toBe(runId);
  expect(await paused()).toBe(true);
  expect(await inStep(), 'nothing was written while it was paused').not.toEqual([]);

  expect(await signalOpenFlow(starter, flow, 'resume')).toBe(true);
  await waitForFlow(stack.client, flow);
  expect(await inStep()).toEqual([]);
}, 90_000);

test('schedules follow the mapping: created, updated, pruned, and a paused one stays paused', async () => {
  const ids = async (): Promise<string[]> => {
    const found: string[] = [];
    for await (const { scheduleId } of stack.client.schedule.list()) found.push(scheduleId);
    return found.toSorted();
  };
  await expect.poll(ids).toEqual(['ingress/contact', 'resync/contact']);
  await stack.client.schedule.getHandle(flow).pause('by hand');
  await stack.apply(
    exampleDocument.replace('every: 1m', 'every: 2h').replace('dynamics: contact', 'dynamics: account'),
  );
  await expect.poll(ids, { timeout: 10_000 }).toEqual(['ingress/account', 'resync/account']);
  await stack.client.schedule.getHandle('ingress/account').pause('by hand');
  await stack.apply(
    exampleDocument.replace('every: 1m', 'every: 3h').replace('dynamics: contact', 'dynamics: account'),
  );
  const { state, spec } = await stack.client.schedule.getHandle('ingress/account').describe();
  expect(state.paused).toBe(true);
  expect(spec.intervals?.[0]?.every).toBe(3 * 3_600_000);
}, 60_000);
