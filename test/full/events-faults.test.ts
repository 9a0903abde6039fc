import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { EventFlowStatus, FlowId } from '../../src/contracts.js';
import { catalogue, type ErrorCode } from '../../src/errors.js';
import { codeOf, connectFiles } from '../sandbox/sftp/client.js';
import { timelineFaults } from '../support/convergence-timeline.js';
import { startStack, type Stack } from '../support/stack.js';
import { armedFaults, deliver, eventsDocument, type Delivered } from '../support/timeline.js';

const EGRESS: FlowId = 'egress';
const SHARES = { profiles: 30, opens: 0.5, clicks: 0.3, bounces: 0.1, softBounces: 0.1, proofs: 2 };

async function startedStack(source: 'journal' | 'files'): Promise<Stack> {
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 40,
    document: eventsDocument(source),
  });
  await stack.starter('provision');
  await stack.syncAll(['ingress/contact']);
  return stack;
}

const sumOf = ({ written, duplicates, filtered, parked }: EventFlowStatus): number =>
  written + duplicates + filtered + parked;

/** The flow runs once more, as its schedule would have it; nothing else is done for it. */
async function nextRun(stack: Stack): Promise<EventFlowStatus> {
  expect(await stack.syncAll([EGRESS])).toMatchObject([{ outcome: 'in-sync' }]);
  const status = await stack.eventStatus();
  expect(status.error).toBeUndefined();
  expect(sumOf(status)).toBe(status.read);
  return status;
}

const deliverTo = (stack: Stack, more: object = {}): Promise<Delivered> =>
  deliver(stack.sandbox.ready, { ...SHARES, ...more });

/** What is not so, where each event that has happened is one row on the timeline of its contact. */
const amiss = ({ sandbox, systems }: Stack): Promise<string[]> => timelineFaults(sandbox.ready, systems);

/** The run has failed with this code, and `status` says so with what to do. */
async function failsWith(stack: Stack, code: ErrorCode): Promise<string> {
  const [end] = await stack.syncAll([EGRESS]);
  expect(end).toMatchObject({ outcome: 'failed', error: { code } });
  const status = await stack.eventStatus();
  expect(status).toMatchObject({ outcome: 'failed', error: { code, next: catalogue[code].next } });
  expect(sumOf(status)).toBe(status.read);
  return end?.error?.message ?? '';
}

const writes = { system: 'dynamics', method: 'POST', path: 'dcs_email' };
const journal = { system: 'campaign', path: '/events' };
const passing: [string, object[]][] = [
  ['resets of Dynamics', [{ ...writes, kind: 'reset', times: 3 }]],
  [
    'answers of Dynamics that are lost after they took effect',
    [{ ...writes, kind: 'accepted-then-reset', times: 3 }],
  ],
  ['cut answers of Dynamics', [{ ...writes, kind: 'truncate', times: 3 }]],
  ['server errors of Dynamics', [{ ...writes, kind: 'status', status: 503, times: 3 }]],
  ['throttling by Dynamics', [{ ...writes, kind: 'throttle', facet: 'time', retryAfter: 1, times: 2 }]],
  ['slow answers of Dynamics', [{ ...writes, kind: 'latency', ms: 300, times: 2 }]],
  ['an expired token of Dynamics', [{ ...writes, kind: 'expire-token' }]],
  ['resets of the journal', [{ ...journal, kind: 'reset', times: 2 }]],
  ['answers of the journal that are lost', [{ ...journal, kind: 'accepted-then-reset', times: 2 }]],
  ['cut answers of the journal', [{ ...journal, kind: 'truncate', times: 2 }]],
  ['server errors of the journal', [{ ...journal, kind: 'status', status: 502, times: 2 }]],
  ['throttling by the journal', [{ ...journal, kind: 'throttle', retryAfter: 1 }]],
  ['slow answers of the journal', [{ ...journal, kind: 'latency', ms: 300 }]],
  ['an expired token of the journal', [{ ...journal, kind: 'expire-token' }]],
];

const refusals: [string, object, ErrorCode][] = [
  ['the journal refuses its reader', { ...journal, kind: 'status', status: 403 }, 'EVENT_JOURNAL_REFUSED'],
  ['Dynamics refuses its user', { ...writes, kind: 'status', status: 403 }, 'DYNAMICS_NOT_A_MEMBER'],
];

describe.sequential('events of the journal', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startedStack('journal');
  }, 120_000);
  afterAll(() => stack.stop());

  test.each(passing)('%s: the run absorbs them, and each event is one row', async (_name, faults) => {
    await deliverTo(stack);
    await stack.systems.sandbox.faults(faults);
    await nextRun(stack);
    expect(await armedFaults(stack.sandbox.ready)).toEqual([]);
    expect(await amiss(stack)).toEqual([]);
  });

  test.each(refusals)('%s: the run says what to do, and the next one goes on', async (_name, fault, code) => {
    await deliverTo(stack);
    await stack.systems.sandbox.faults([{ ...fault, share: 1 }]);
    await failsWith(stack, code);
    await stack.systems.sandbox.clearFaults();
    await nextRun(stack);
    expect(await amiss(stack)).toEqual([]);
  });
});

const TRACKING = '/d365_loads/logs/trackingLogs';

describe.sequential('events of log files', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startedStack('files');
  }, 120_000);
  afterAll(() => stack.stop());

  const sftp = (fault: object): Promise<void> =>
    stack.systems.sandbox.faults([{ system: 'sftp', share: 1, ...fault }]);
  const over = (): Promise<void> => stack.systems.sandbox.clearFaults();
  /** What is set aside is tried again, as its time would bring it about. */
  async function inTime(): Promise<void> {
    await stack.starter('redrive', '--flow', EGRESS);
    expect((await nextRun(stack)).now.parked).toBe(0);
  }

  test('connections that drop now and then, and a slow server, are got over within the run', async () => {
    await deliverTo(stack);
    await stack.systems.sandbox.faults([
      { system: 'sftp', kind: 'latency', ms: 20, times: 5 },
      { system: 'sftp', kind: 'reset', times: 3 },
    ]);
    await nextRun(stack);
    expect(await armedFaults(stack.sandbox.ready)).toEqual([]);
    expect(await amiss(stack)).toEqual([]);
  });

  test('a server that drops every connection is told, and the first run that reaches it goes on', async () => {
    await deliverTo(stack);
    await sftp({ kind: 'reset' });
    await failsWith(stack, 'SFTP_UNREACHABLE');
    await over();
    await nextRun(stack);
    expect(await amiss(stack)).toEqual([]);
  }, 60_000);

  test('a server with another host key is not spoken to, and the flow says which it showed', async () => {
    await deliverTo(stack);
    await sftp({ kind: 'host-key' });
    expect(await failsWith(stack, 'SFTP_HOST_KEY')).toMatch(/shown: SHA256:[\w+/]{43}/);
    await over();
    await nextRun(stack);
    expect(await amiss(stack)).toEqual([]);
  });

  test('a folder that the user may not see stops the run with its name', async () => {
    await deliverTo(stack);
    await sftp({ kind: 'permission-denied', method: 'OPENDIR' });
    expect(await failsWith(stack, 'SFTP_REFUSED')).toContain('d365_loads/logs');
    await over();
    await nextRun(stack);
    expect(await amiss(stack)).toEqual([]);
  });

  test.each(['OPEN', 'READ'])(
    'a file that is denied at %s is set aside, the others go on, and it is read once it may be',
    async (method) => {
      const delivered = await deliverTo(stack);
      await sftp({ kind: 'permission-denied', method, path: TRACKING });
      const status = await nextRun(stack);
      expect(status).toMatchObject({
        written: delivered.sends + delivered.bounces,
        errors: { LOG_FILE_UNREADABLE: 1 },
        now: { parked: 1 },
      });
      await over();
      expect((await nextRun(stack)).written).toBe(delivered.opens + delivered.clicks);
      expect(await amiss(stack)).toEqual([]);
      await inTime();
    },
  );

  test.each(['OPEN', 'READ'])(
    'a file that vanishes at %s is told for as long as it is away; exported again, it is read',
    async (method) => {
      const delivered = await deliverTo(stack);
      const [, , tracking = ''] = delivered.files;
      const files = await connectFiles(stack.sandbox.ready);
      const content = await files.read(tracking);
      await sftp({ kind: 'vanish', method, path: TRACKING });
      const status = await nextRun(stack);
      expect(status).toMatchObject({
        written: delivered.sends + delivered.bounces,
        errors: { LOG_FILE_CUT_SHORT: 1 },
      });
      await over();
      await stack.starter('redrive', '--flow', EGRESS);
      expect((await nextRun(stack)).now.parked).toBe(1);
      await files.write(tracking, content);
      await files.end();
      expect((await nextRun(stack)).written).toBe(delivered.opens + delivered.clicks);
      expect(await amiss(stack)).toEqual([]);
      await inTime();
    },
  );

  test('an upload that a full disk cuts within a row, and that is repeated, loses and doubles nothing', async () => {
    const delivered = await deliverTo(stack);
    const [, , tracking = ''] = delivered.files;
    const files = await connectFiles(stack.sandbox.ready);
    const content = await files.read(tracking);
    // Within the contact's id, so that what is there of the row looks whole.
    const cut = content.length - 10;
    const handle = await new Promise<Buffer>((resolve, reject) =>
      files.sftp.open(tracking, 'w', (error, opened) => (error ? reject(error) : resolve(opened))),
    );
    const write = (start: number, end: number): Promise<number> =>
      codeOf((done) => files.sftp.write(handle, content, start, end - start, start, done));
    expect(await write(0, cut)).toBe(0);
    await sftp({ kind: 'disk-full', method: 'WRITE' });
    expect(await write(cut, content.length)).toBe(4);
    expect(await codeOf((done) => files.sftp.close(handle, done))).toBe(0);
    await over();
    const status = await nextRun(stack);
    expect(status).toMatchObject({
      written: delivered.sends + delivered.bounces + delivered.opens + delivered.clicks - 1,
      parked: 0,
    });
    // Nothing comes for longer than an upload may pause: the row is taken as it is.
    await expect
      .poll(async () => (await nextRun(stack)).filteredBy, { timeout: 10_000 })
      .toEqual({
        'not-a-contact-id': 1,
      });
    await files.write(tracking, content);
    await files.end();
    expect((await nextRun(stack)).written).toBe(1);
    expect(await amiss(stack)).toEqual([]);
  });
});
