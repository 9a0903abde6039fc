import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { EventFlowStatus } from '../../src/contracts.js';
import { startStack, type Stack } from '../support/stack.js';
import {
  deliver,
  eventsDocument,
  putInJournal,
  timelineCounts,
  timelineOf,
  type Delivered,
  kindsOf,
} from '../support/timeline.js';

const EGRESS = 'egress';
const SHARES = { profiles: 40, opens: 0.5, clicks: 0.25, bounces: 0.1 };

const sumOf = ({ written, duplicates, filtered, parked }: EventFlowStatus): number =>
  written + duplicates + filtered + parked;
const eventsOf = ({ sends, opens, clicks, bounces }: Delivered): number => sends + opens + clicks + bounces;

async function startedStack(source: 'journal' | 'files', more = ''): Promise<Stack> {
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 60,
    document: eventsDocument(source, more),
  });
  await stack.starter('provision');
  await stack.syncAll(['ingress/contact']);
  return stack;
}

describe.sequential.each(['journal', 'files'] as const)('events from the source %s', (source) => {
  let stack: Stack;
  let delivered: Delivered;
  beforeAll(async () => {
    stack = await startedStack(source);
  }, 120_000);
  afterAll(() => stack.stop());

  test('are written once each, on the timeline of their contact, and the counts add up', async () => {
    const { systems, sandbox } = stack;
    delivered = await deliver(sandbox.ready, SHARES);
    expect(delivered.opens).toBeGreaterThan(0);
    expect(delivered.bounces).toBeGreaterThan(0);
    expect(await stack.syncAll([EGRESS])).toMatchObject([{ outcome: 'in-sync' }]);
    const status = await stack.eventStatus();
    expect(status).toMatchObject({ written: eventsOf(delivered), parked: 0, errors: {}, gaps: [] });
    expect(sumOf(status)).toBe(status.read);
    expect(await timelineCounts(systems)).toEqual(kindsOf(delivered));

    const contacts = new Set(await systems.contacts.ids());
    for (const kind of ['sends', 'opens', 'clicks', 'bounces'] as const) {
      for (const entry of await timelineOf(systems, kind)) {
        expect(contacts).toContain(entry.contactId);
        expect(entry).toMatchObject({
          campaignName: delivered.campaign,
          deliveryName: delivered.delivery,
          subject: `Campaign Name: ${delivered.campaign}; Delivery Name: ${delivered.delivery}`,
          occurredOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
        });
        expect(entry.trackingUrl?.startsWith('https://')).toBe(kind === 'clicks' ? true : undefined);
      }
    }
  });

  test('are not written again when the source is read again', async () => {
    expect((await stack.starter('resync', EGRESS)).status).toBe(0);
    await stack.syncAll([EGRESS]);
    expect(await stack.eventStatus()).toMatchObject({ written: 0 });
    expect(await timelineCounts(stack.systems)).toEqual(kindsOf(delivered));
  });

  test('of a contact that is deleted meanwhile are filtered, and say so', async () => {
    const { systems, sandbox } = stack;
    const before = await timelineCounts(systems);
    const [gone = ''] = await sentTo(stack);
    await deliver(sandbox.ready, { ...SHARES, opens: 0, clicks: 0, bounces: 0 });
    await systems.contacts.remove(gone);
    await stack.syncAll([EGRESS]);
    const status = await stack.eventStatus();
    expect(status.filteredBy['contact-gone']).toBe(1);
    expect(sumOf(status)).toBe(status.read);
    const left = (await timelineOf(systems, 'sends')).filter(({ contactId }) => contactId !== gone);
    expect(left.length).toBe(before.sends - 1 + SHARES.profiles - 1);
  });
});

/** Contacts that have been sent to. */
const sentTo = async ({ systems }: Stack): Promise<string[]> => [
  ...new Set((await timelineOf(systems, 'sends')).map(({ contactId }) => contactId)),
];

describe.sequential('the journal', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startedStack('journal', '  followUp: { clicks: true, bounces: true }\n');
  }, 120_000);
  afterAll(() => stack.stop());

  test('may give every event twice and in any order: each becomes one row, with one task where it asks for one', async () => {
    const { systems, sandbox } = stack;
    await systems.sandbox.limits({ campaign: { journal: { duplicateShare: 1, shuffleWithin: 50 } } });
    const delivered = await deliver(sandbox.ready, SHARES);
    await stack.syncAll([EGRESS]);
    const status = await stack.eventStatus();
    expect(status).toMatchObject({ written: eventsOf(delivered), parked: 0 });
    expect(status.duplicates).toBeGreaterThanOrEqual(eventsOf(delivered));
    expect(await timelineCounts(systems)).toEqual(kindsOf(delivered));
    const tasks = await systems.rows.all('tasks', ['activityid', '_regardingobjectid_value']);
    expect(tasks.length).toBe(delivered.clicks + delivered.bounces);
    await systems.sandbox.limits({ campaign: { journal: { duplicateShare: 0, shuffleWithin: 0 } } });
  });

  test('may hold anything: what cannot be read is set aside or filtered, the rest goes on', async () => {
    const { systems, sandbox } = stack;
    const before = await timelineCounts(systems);
    await putInJournal(sandbox.ready, {
      events: [
        {},
        { event_id: 'x', 'xdm:directMarketing': { 'xdm:unheardOf': { 'xdm:value': 1 } } },
        { 'xdm:timestamp': 'yesterday', 'xdm:directMarketing': { 'xdm:sends': { 'xdm:value': 1 } } },
        'no object',
        null,
      ],
    });
    const delivered = await deliver(sandbox.ready, SHARES);
    await stack.syncAll([EGRESS]);
    const status = await stack.eventStatus();
    expect(status.read).toBeGreaterThanOrEqual(eventsOf(delivered) + 5);
    expect(sumOf(status)).toBe(status.read);
    expect((await timelineCounts(systems)).sends).toBe(before.sends + delivered.sends);
  });

  test('that has forgotten what was not read leaves a gap with its bounds', async () => {
    const { systems, sandbox } = stack;
    await deliver(sandbox.ready, SHARES);
    await systems.sandbox.advance('P8D');
    const delivered = await deliver(sandbox.ready, SHARES);
    const before = await timelineCounts(systems);
    await stack.syncAll([EGRESS]);
    const status = await stack.eventStatus();
    expect(status.gaps.length).toBe(1);
    expect(Date.parse(status.gaps[0]?.from ?? '')).toBeLessThan(Date.parse(status.gaps[0]?.until ?? ''));
    expect((await timelineCounts(systems)).sends).toBe(before.sends + delivered.sends);
  });

  test('gives way to files and comes back without a second row', async () => {
    const { systems } = stack;
    const before = await timelineCounts(systems);
    for (const source of ['files', 'journal'] as const) {
      await stack.apply(eventsDocument(source));
      await stack.syncAll([EGRESS]);
      expect((await stack.eventStatus()).read).toBeGreaterThan(0);
    }
    // What the journal had forgotten is in the files still.
    expect((await timelineCounts(systems)).sends).toBe(before.sends + SHARES.profiles);
  });
});
