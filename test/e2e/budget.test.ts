import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { progressOf, signalFlow } from '../../src/command-line/flows.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { flow, startStack, type Stack } from '../support/stack.js';

const CONTACTS = 60;
const PER_DAY = 25;
let stack: Stack;

beforeEach(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: exampleDocument,
    settings: { CAMPAIGN_PER_DAY: String(PER_DAY) },
  });
}, 60_000);
afterEach(() => stack.stop(), 60_000);

const poll = () => signalFlow({ client: stack.client, heartbeatSeconds: 5 }, flow, 'poll');
const waitingFor = async () => (await progressOf(stack.client, flow))?.waiting?.reason;

test('a used-up budget makes the flow wait until the day ends, also after a restart, and loses nothing', async () => {
  await poll();
  await expect.poll(waitingFor, { timeout: 30_000 }).toBe('budget');
  const summary = await stack.starter('status', '--json');
  const [told] = (JSON.parse(summary.out) as { flows: { outcome: string; waiting?: { until: string } }[] })
    .flows;
  expect(told).toMatchObject({ outcome: 'waiting', waiting: { reason: 'budget' } });
  const midnight = new Date();
  midnight.setUTCHours(24, 0, 0, 0);
  expect(Math.abs(Date.parse(told?.waiting?.until ?? '') - midnight.getTime())).toBeLessThan(5_000);
  expect((await stack.systems.sandbox.stats()).campaign.total).toBeLessThanOrEqual(PER_DAY);

  // The run is asked to look again, and still has no calls to make.
  await stack.restartWorker();
  await poll();
  await expect.poll(() => stack.worker().calls().dynamics, { timeout: 30_000 }).toBeGreaterThan(0);
  await expect.poll(waitingFor, { timeout: 30_000 }).toBe('budget');
  expect((await stack.systems.sandbox.stats()).campaign.total).toBeLessThanOrEqual(PER_DAY);

  await stack.restartWorker({ CAMPAIGN_PER_DAY: '10000' });
  expect((await stack.sync()).outcome).toBe('in-sync');
  expect(
    differences(await stack.systems.contacts.all(mappedColumns), await stack.systems.profiles.all()),
  ).toEqual([]);
  expect((await stack.systems.sandbox.stats()).campaign.duplicates).toBe(0);
}, 120_000);
