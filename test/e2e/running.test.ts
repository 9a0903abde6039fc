import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { progressOf, waitForFlow } from '../../src/command-line/flows.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript } from '../support/npm-start.js';
import { flow, startStack, type Stack } from '../support/stack.js';

const CONTACTS = 40;
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: exampleDocument.replace('every: 1m', 'every: 1d'),
  });
  await stack.sync();
}, 60_000);
afterAll(() => stack.stop(), 60_000);

/** Each leaves the flow closed and both systems in step. */
describe.sequential('the command line of a running service', () => {
  test('status tells the backlog while changes wait for a paused flow, and while --watch shows it', async () => {
    expect((await stack.status()).now.backlog).toBe(0);
    await stack.starter('pause', flow);
    const [profile] = await stack.systems.profiles.all();
    await stack.systems.contacts.update(profile?.externalId ?? '', { lastname: 'Waits' });
    await stack.systems.contacts.create({ lastname: 'Waits too' });
    expect((await stack.status()).now.backlog).toBe(2);

    const watch = npmScript('starter', ['status', '--watch'], {
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_NAMESPACE: stack.namespace,
      SYNC_DATA: stack.folder,
    });
    let shown = '';
    watch.child.stdout?.on('data', (text: string) => (shown += text));
    await expect.poll(() => shown, { timeout: 30_000 }).toMatch(/ paused [^]*backlog 2,/);
    await stack.starter('resume', flow);
    await waitForFlow(stack.client, flow);
    await expect.poll(() => shown, { timeout: 30_000 }).toMatch(/ paused [^]* in-sync [^]*backlog 0,/);
    watch.child.kill('SIGINT');
    expect(await watch.finished).toMatchObject({ status: 0, stderr: '' });
    expect((await stack.status()).now.backlog).toBe(0);
  }, 90_000);

  test('sync --no-wait returns while the run is open, and the run goes on to its end', async () => {
    for (const lastname of ['One', 'Two', 'Three']) await stack.systems.contacts.create({ lastname });
    await stack.systems.sandbox.faults([
      { system: 'campaign', method: 'POST', kind: 'latency', ms: 600_000, times: 1_000_000 },
    ]);
    const { status, out } = await stack.starter('sync', '--no-wait', '--json');
    expect({ status, out: JSON.parse(out) as unknown }).toEqual({ status: 0, out: { started: [flow] } });
    expect(await progressOf(stack.client, flow)).toMatchObject({ outcome: 'working', paused: false });
    await stack.systems.sandbox.clearFaults();
    expect(await waitForFlow(stack.client, flow)).toMatchObject({ outcome: 'in-sync' });
    const contacts = await stack.systems.contacts.all(mappedColumns);
    expect(differences(contacts, await stack.systems.profiles.all())).toEqual([]);
  }, 90_000);

  test('resync --reason keeps the reason in the history of the run', async () => {
    const reason = 'Restored from the backup of Sunday';
    expect(await stack.starter('resync', 'contact', '--reason', reason, '--wait')).toMatchObject({
      status: 0,
    });
    const { events } = await stack.client.workflow.getHandle(flow).fetchHistory();
    const signals = (events ?? []).flatMap(({ workflowExecutionSignaledEventAttributes: signalled }) => {
      const data = signalled?.input?.payloads?.[0]?.data;
      return data
        ? [{ signal: signalled.signalName, input: JSON.parse(Buffer.from(data).toString()) as unknown }]
        : [];
    });
    expect(signals).toEqual([{ signal: 'resync', input: { mode: 'verify', reason } }]);
  }, 90_000);
});
