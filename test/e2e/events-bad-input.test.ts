import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { EventFlowStatus, ParkedRowView } from '../../src/contracts.js';
import { codeOf, connectFiles, type FileClient } from '../sandbox/sftp/client.js';
import { startStack, type Stack } from '../support/stack.js';
import {
  deliver,
  eventsDocument,
  kindsOf,
  putInJournal,
  timelineCounts,
  type Delivered,
} from '../support/timeline.js';

const EGRESS = 'egress';
const SHARES = { profiles: 10, opens: 0.5, clicks: 0.3, bounces: 0.1 };
const MEGABYTE = 'L'.repeat(1024 * 1024);
/** In every value of a person that is put in: it may come out nowhere. */
const SECRET = 'Geheimnis';

async function startedStack(source: 'journal' | 'files'): Promise<Stack> {
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 15,
    document: eventsDocument(source),
  });
  await stack.starter('provision');
  await stack.syncAll(['ingress/contact']);
  return stack;
}

/** Runs the flow with a good delivery behind what is bad: that is written, and the counts add up. */
async function runWithGoodRest(
  { systems, sandbox, syncAll, eventStatus }: Stack,
  good: (delivered: Delivered) => Promise<unknown>,
): Promise<EventFlowStatus> {
  const before = await timelineCounts(systems);
  const delivered = await deliver(sandbox.ready, SHARES);
  await good(delivered);
  expect(await syncAll([EGRESS])).toMatchObject([{ outcome: 'in-sync' }]);
  const after = await timelineCounts(systems);
  const wanted = kindsOf(delivered);
  expect(after).toEqual({
    sends: before.sends + wanted.sends,
    opens: before.opens + wanted.opens,
    clicks: before.clicks + wanted.clicks,
    bounces: before.bounces + wanted.bounces,
  });
  const status = await eventStatus();
  const { read, written, duplicates, filtered, parked } = status;
  expect(written + duplicates + filtered + parked).toBe(read);
  return status;
}

/** Codes and fields of all that is set aside; a person's values are in none of it. */
async function setAside(stack: Stack): Promise<string[]> {
  const { out } = await stack.starter('parked', EGRESS, '--json');
  expect(out).not.toContain(SECRET);
  expect(out.length).toBeLessThan(20_000);
  return (JSON.parse(out) as { parked: ParkedRowView[] }).parked
    .map(({ code, field = '' }) => `${code} ${field}`)
    .toSorted();
}

describe.sequential('the journal', () => {
  let stack: Stack;
  let contactId: string;
  beforeAll(async () => {
    stack = await startedStack('journal');
    [contactId = ''] = await stack.systems.contacts.ids();
  }, 120_000);
  afterAll(() => stack.stop());

  const CAMPAIGN = 'https://ns.adobe.com/experience/campaign';
  /** A click as the journal holds it (campaign.md §6), with changes; `undefined` leaves a member out. */
  const click = (changes: Record<string, unknown>): Record<string, unknown> => ({
    event_id: randomUUID(),
    'xdm:timestamp': new Date(Date.now() - 60_000).toISOString(),
    'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/email' },
    'xdm:directMarketing': { 'xdm:clicks': { 'xdm:value': 1 } },
    [`${CAMPAIGN}/message`]: { 'xdm:id': 880_001 },
    [`${CAMPAIGN}/externalID`]: contactId,
    [`${CAMPAIGN}/delivery`]: { 'xdm:deliveryName': 'DM880', 'xdm:deliveryLabel': 'Spring' },
    [`${CAMPAIGN}/marketingCampaign`]: { 'xdm:campaignName': 'CMP880' },
    [`${CAMPAIGN}/link`]: { 'xdm:id': '9', 'xdm:url': 'https://shop.example/a' },
    ...changes,
  });
  const inTime = (offsetMs: number): string => new Date(Date.now() + offsetMs).toISOString();
  const DAY_MS = 24 * 3_600_000;

  test('with a page of truncated JSON is asked again, and nothing of the page is lost', async () => {
    const { sandbox } = stack;
    for (const raw of ['{"events":[{"position":"', '{"events":']) await putInJournal(sandbox.ready, { raw });
    const status = await runWithGoodRest(stack, async () => undefined);
    expect(status).toMatchObject({ outcome: 'in-sync', parked: 0 });
    expect(status.error).toBeUndefined();
  });

  test('with events of types and channels that nobody has heard of: filtered by reason, the rest goes on', async () => {
    const status = await runWithGoodRest(stack, () =>
      putInJournal(stack.sandbox.ready, {
        events: [
          click({ 'xdm:directMarketing': { 'xdm:telepathy': { 'xdm:value': 1 } } }),
          click({ 'xdm:directMarketing': undefined }),
          {},
          click({ 'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/sms' } }),
        ],
      }),
    );
    expect(status).toMatchObject({
      parked: 0,
      filteredBy: { 'other-type': 3, 'other-channel': 1 },
    });
  });

  test('with events whose contact cannot be told: filtered by reason, the rest goes on', async () => {
    const status = await runWithGoodRest(stack, () =>
      putInJournal(stack.sandbox.ready, {
        events: [
          click({ [`${CAMPAIGN}/externalID`]: undefined }),
          click({ [`${CAMPAIGN}/externalID`]: SECRET }),
          click({ [`${CAMPAIGN}/externalID`]: randomUUID() }),
        ],
      }),
    );
    expect(status).toMatchObject({
      parked: 0,
      filteredBy: { 'no-contact-id': 1, 'not-a-contact-id': 1, 'contact-gone': 1 },
    });
  });

  test('with values that cannot be: each is set aside with its field, the rest goes on', async () => {
    const status = await runWithGoodRest(stack, () =>
      putInJournal(stack.sandbox.ready, {
        events: [
          SECRET,
          null,
          click({ event_id: undefined, [`${CAMPAIGN}/message`]: {} }),
          click({ [`${CAMPAIGN}/message`]: { 'xdm:id': { of: SECRET } } }),
          click({
            [`${CAMPAIGN}/delivery`]: { 'xdm:deliveryName': 'DM880', 'xdm:deliveryLabel': MEGABYTE },
          }),
          click({
            [`${CAMPAIGN}/marketingCampaign`]: { 'xdm:campaignName': MEGABYTE },
            [`${CAMPAIGN}/link`]: { 'xdm:id': '13', 'xdm:url': 'https://shop.example/a' },
          }),
          click({
            [`${CAMPAIGN}/link`]: { 'xdm:id': '10', 'xdm:url': `https://shop.example/${SECRET}\u0007` },
          }),
          click({
            [`${CAMPAIGN}/link`]: { 'xdm:id': '11', 'xdm:url': `https://shop.example/\r\n${SECRET}` },
          }),
          click({
            [`${CAMPAIGN}/delivery`]: { 'xdm:deliveryName': `${SECRET}\u0000` },
            [`${CAMPAIGN}/link`]: { 'xdm:id': '12', 'xdm:url': 'https://shop.example/a' },
          }),
          click({ 'xdm:timestamp': inTime(2 * DAY_MS) }),
          click({ 'xdm:timestamp': '9999-12-31T23:59:59Z' }),
          click({ 'xdm:timestamp': '2026-02-30T08:00:00Z' }),
          click({ 'xdm:timestamp': `soon, says ${SECRET}` }),
        ],
      }),
    );
    expect(status.errors).toEqual({ EVENT_UNREADABLE: 12, TEXT_NOT_ALLOWED: 1 });
    expect(await setAside(stack)).toEqual([
      'EVENT_UNREADABLE delivery.deliveryLabel',
      'EVENT_UNREADABLE event',
      'EVENT_UNREADABLE event',
      'EVENT_UNREADABLE link.url',
      'EVENT_UNREADABLE link.url',
      'EVENT_UNREADABLE marketingCampaign.campaignName',
      'EVENT_UNREADABLE message.id',
      'EVENT_UNREADABLE message.id',
      'EVENT_UNREADABLE timestamp',
      'EVENT_UNREADABLE timestamp',
      'EVENT_UNREADABLE timestamp',
      'EVENT_UNREADABLE timestamp',
      'TEXT_NOT_ALLOWED dcs_deliveryname',
    ]);
  });
});

describe.sequential('log files', () => {
  let stack: Stack;
  let files: FileClient;
  let contactId: string;
  beforeAll(async () => {
    stack = await startedStack('files');
    [contactId = ''] = await stack.systems.contacts.ids();
    files = await connectFiles(stack.sandbox.ready);
  }, 120_000);
  afterAll(async () => {
    await files.end();
    await stack.stop();
  });

  const CLICK = {
    'broadLog-id': '990001',
    trackingUrlType: '1',
    logDate: '2026/01/05 10:00:00',
    'url-id': '9',
    urlSource: 'https://shop.example/a',
    urlLabel: 'Shop',
    deliveryName: 'DM990',
    deliveryLabel: 'Spring',
    campaignName: 'CMP990',
    externalId: '',
  };
  /** Rows of clicks with changes, under the headings of the guide. */
  const trackingLog = (rows: Partial<typeof CLICK>[]): string =>
    [
      Object.keys(CLICK),
      ...rows.map((changes) => Object.values({ ...CLICK, externalId: contactId, ...changes })),
    ]
      .map((cells) => `${cells.join('\t')}\n`)
      .join('');
  const put = (name: string, content: string): Promise<void> =>
    files.write(`/d365_loads/logs/${name}`, content);

  test('with a wrong header: the file is set aside with the column that it lacks, and read once it has it', async () => {
    const rows = [{ 'url-id': '21' }, { 'url-id': '22' }];
    const status = await runWithGoodRest(stack, async () => {
      await put('trackingLogs_wrong.txt', trackingLog(rows).replace('externalId', 'Contact'));
      await put('deliveryLogs_wrong.txt', `Name;Street;City\n${SECRET};1;2\n`);
    });
    expect(status.errors).toEqual({ LOG_FILE_COLUMN_MISSING: 2 });
    expect(await setAside(stack)).toEqual([
      'LOG_FILE_COLUMN_MISSING externalId',
      'LOG_FILE_COLUMN_MISSING id',
    ]);
    await put('trackingLogs_wrong.txt', trackingLog(rows));
    await stack.syncAll([EGRESS]);
    expect(await stack.eventStatus()).toMatchObject({ written: 2 });
    const wrong = '/d365_loads/logs/deliveryLogs_wrong.txt';
    expect(await codeOf((done) => files.sftp.unlink(wrong, done))).toBe(0);
  });

  test('with rows that are no events for a contact: filtered by reason, the rest goes on', async () => {
    const status = await runWithGoodRest(stack, () =>
      put(
        'trackingLogs_other.txt',
        trackingLog([
          { trackingUrlType: '99' },
          { externalId: '' },
          { externalId: SECRET },
          { externalId: randomUUID() },
        ]),
      ),
    );
    expect(status.filteredBy).toMatchObject({
      'other-type': 1,
      'no-contact-id': 1,
      'not-a-contact-id': 1,
      'contact-gone': 1,
    });
  });

  test('with values that cannot be: each row is set aside with its column, the rest goes on', async () => {
    await stack.starter('redrive', '--flow', EGRESS);
    await stack.syncAll([EGRESS]);
    const before = await setAside(stack);
    const status = await runWithGoodRest(stack, () =>
      put(
        'trackingLogs_values.txt',
        trackingLog([
          { 'broadLog-id': SECRET.repeat(40) },
          { 'broadLog-id': '' },
          { trackingUrlType: 'Click' },
          { deliveryLabel: MEGABYTE },
          { campaignName: 'C'.repeat(5_000) },
          { 'url-id': '32', urlSource: `https://shop.example/${SECRET}\u0007` },
          { 'url-id': '31', deliveryName: `${SECRET}\u0000` },
          { logDate: '2999/01/01 00:00:00' },
          { logDate: '05/01/2026' },
          { urlLabel: 'a tab\tof its own' },
        ]),
      ),
    );
    expect(status.errors).toMatchObject({ EVENT_UNREADABLE: 9, TEXT_NOT_ALLOWED: 1 });
    expect(before).toEqual([]);
    expect(await setAside(stack)).toEqual([
      'EVENT_UNREADABLE broadLog-id',
      'EVENT_UNREADABLE broadLog-id',
      'EVENT_UNREADABLE campaignName',
      'EVENT_UNREADABLE logDate',
      'EVENT_UNREADABLE logDate',
      'EVENT_UNREADABLE row',
      'EVENT_UNREADABLE row',
      'EVENT_UNREADABLE trackingUrlType',
      'EVENT_UNREADABLE urlSource',
      'TEXT_NOT_ALLOWED dcs_deliveryname',
    ]);
  });
});
