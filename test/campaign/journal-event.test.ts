import { expect, test } from 'vitest';
import { readJournalEvent } from '../../src/campaign/journal-event.js';
import { CONTACT, eventOf, type EntryParts } from './journal-entries.js';

const NOW = Date.UTC(2024, 4, 3);
const read = (parts: EntryParts = {}) => readJournalEvent(eventOf(parts), NOW);
const without = (event: Record<string, unknown>, member: string) =>
  Object.fromEntries(Object.entries(event).filter(([name]) => !name.endsWith(member)));
const EXTERNAL = 'https://ns.adobe.com/experience/campaign/externalID';
const MESSAGE = 'https://ns.adobe.com/experience/campaign/message';

test('a click is read with all that it says', () => {
  expect(read({ metrics: { clicks: 1 } })).toEqual({
    kind: 'event',
    event: {
      kind: 'click',
      identity: 'click:8003:9:2024-05-02T08:45:10Z',
      contactId: CONTACT,
      at: '2024-05-02T08:45:10Z',
      campaignName: 'CMP12',
      deliveryName: 'DM190',
      deliveryLabel: 'Spring',
      url: 'https://shop.example/a',
      urlLabel: 'Shop',
    },
  });
});

test.each([
  ['a send', { sends: 1 }, 'send:8003'],
  ['an open', { opens: 1 }, 'open:8003:2024-05-02T08:45:10Z'],
  ['a hard bounce', { nonDeliverables: 1 }, 'bounce:8003'],
  ['a hard bounce that also counts as a soft one', { bounces: 1, nonDeliverables: 1 }, 'bounce:8003'],
])('%s has its identity', (_name, metrics, identity) => {
  expect(read({ metrics })).toMatchObject({ kind: 'event', event: { identity } });
});

test.each([
  ['a soft bounce', { metrics: { bounces: 1 } }, 'soft-bounce'],
  ['an unsubscription', { metrics: { unsubscriptions: 1 } }, 'other-type'],
  ['a metric that counts nothing', { metrics: { sends: 0 } }, 'other-type'],
  ['a proof', { message: { 'xdm:proofMember': true } }, 'test-address'],
  ['a seed address', { message: { 'xdm:seedMember': 'true' } }, 'test-address'],
  [
    'a text message',
    { more: { 'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/sms' } } },
    'other-channel',
  ],
  ['a profile of another source', { more: { [EXTERNAL]: 'CUST-17' } }, 'not-a-contact-id'],
  ['a number for an id', { more: { [EXTERNAL]: 17 } }, 'not-a-contact-id'],
  ['a profile without an id', { more: { [EXTERNAL]: '' } }, 'no-contact-id'],
])('%s is filtered', (_name, parts, reason) => {
  expect(read(parts)).toEqual({ kind: 'filtered', reason });
});

test('a soft bounce whose address is in quarantine is a hard one', () => {
  const quarantined = {
    metrics: { bounces: 1 },
    message: { 'xdm:quarantine': true, 'xdm:reason': 'unknown_user' },
  };
  expect(read(quarantined)).toMatchObject({ event: { identity: 'bounce:8003', reason: 'unknown_user' } });
});

test('a send that is switched to a bounce later is a bounce', () => {
  const mutation = {
    'xdm:metrics': { 'https://ns.adobe.com/xdm/data/metrics/direct-marketing/sends': { 'xdm:value': 1 } },
  };
  const bounced = { metrics: { sends: 1, nonDeliverables: 1 }, more: { 'xdm:mutation': mutation } };
  expect(read(bounced)).toMatchObject({ event: { identity: 'bounce:8003' } });
  for (const form of [
    mutation,
    'sends',
    ['xdm:sends'],
    { 'xdm:directMarketing': { 'xdm:sends': { 'xdm:value': 1 } } },
  ])
    expect(read({ metrics: { sends: 1 }, more: { 'xdm:mutation': form } })).toEqual({
      kind: 'filtered',
      reason: 'other-type',
    });
});

test("Adobe's own sample of a bounce, with the metric at the top, is read", () => {
  const sample = without(eventOf(), 'directMarketing');
  const { [EXTERNAL]: _id, ...rest } = sample;
  const bounce = {
    ...rest,
    'xdm:nonDeliverables': { 'xdm:sends': { 'xdm:value': 1 } },
    [MESSAGE]: {
      'xdm:id': 10000,
      'xdm:externalID': `uuid:${CONTACT.toUpperCase()}`,
      'xdm:reason': 'unknown_user',
    },
  };
  expect(readJournalEvent(bounce, NOW)).toMatchObject({
    event: { identity: 'bounce:10000', contactId: CONTACT, reason: 'unknown_user' },
  });
});

test('names count without their prefixes too', () => {
  const plain = {
    eventid: 'e1',
    timestamp: '2024-05-02T10:45:10.900+02:00',
    channel: { _id: 'https://ns.adobe.com/xdm/channels/email' },
    directMarketing: { opens: { value: '1' } },
    message: { id: '08003' },
    externalId: CONTACT,
    delivery: { deliveryName: 190 },
  };
  expect(readJournalEvent(plain, NOW)).toEqual({
    kind: 'event',
    event: {
      kind: 'open',
      identity: 'open:8003:2024-05-02T08:45:10Z',
      contactId: CONTACT,
      at: '2024-05-02T08:45:10Z',
      deliveryName: '190',
    },
  });
});

test('the id in the message is taken where the other is none', () => {
  expect(
    read({ more: { [EXTERNAL]: 'CUST-17' }, message: { 'xdm:externalID': `{${CONTACT}}` } }),
  ).toMatchObject({
    event: { contactId: CONTACT },
  });
});

test.each([
  ['none', undefined],
  ['zero', 0],
  ['an empty text', ''],
])('without an id of the log, %s, the event is known by its own', (_name, logId) => {
  expect(read({ message: { 'xdm:id': logId } })).toMatchObject({ event: { identity: 'event:6a1d' } });
});

test('a click without an id of its link is known by its own', () => {
  expect(read({ metrics: { clicks: 1 }, link: {} })).toMatchObject({ event: { identity: 'event:6a1d' } });
});

test('a replayed event is the same event', () => {
  const again = read({
    more: { 'https://ns.adobe.com/experience/campaign/eventSource': 'replay-pipelined-mta' },
  });
  expect(again).toEqual({ ...read(), replayed: true });
});

test('the mirror page is where the settings say', () => {
  const event = eventOf({ message: { 'xdm:mirrorPageID': 'abc', 'xdm:page': { 'xdm:ref': 'def' } } });
  expect(readJournalEvent(event, NOW)).toMatchObject({ event: { mirrorPageId: 'abc' } });
  expect(readJournalEvent(event, NOW, { mirrorPageField: 'message.page.ref' })).toMatchObject({
    event: { mirrorPageId: 'def' },
  });
});

test.each<[string, EntryParts, string, string?]>([
  ['an id that is an object', { logId: {} }, 'message.id'],
  ['an id that is a fraction', { logId: 1.5 }, 'message.id'],
  ['no id at all', { logId: undefined, message: { 'xdm:id': undefined }, eventId: '' }, 'message.id'],
  ['an event id of another type', { eventId: ['x'] }, 'event_id'],
  ['no time', { at: undefined, more: { 'xdm:timestamp': undefined } }, 'timestamp', 'send:8003'],
  ['a time in words', { at: 'yesterday' }, 'timestamp', 'send:8003'],
  ['a day that never was', { at: '2024-02-30T08:00:00Z' }, 'timestamp', 'send:8003'],
  ['a time beyond a day ahead', { at: '2024-05-04T00:00:01Z' }, 'timestamp', 'send:8003'],
  ['a time before email', { at: '1066-10-14T09:00:00Z' }, 'timestamp', 'send:8003'],
  ['an open at no time', { metrics: { opens: 1 }, at: 7 }, 'timestamp'],
  [
    'a label of a megabyte',
    {
      more: {
        'https://ns.adobe.com/experience/campaign/delivery': { 'xdm:deliveryLabel': 'x'.repeat(1_048_576) },
      },
    },
    'delivery.deliveryLabel',
    'send:8003',
  ],
  [
    'a name that is an object',
    {
      more: {
        'https://ns.adobe.com/experience/campaign/marketingCampaign': { 'xdm:campaignName': { a: 1 } },
      },
    },
    'marketingCampaign.campaignName',
    'send:8003',
  ],
  [
    'an address with control characters',
    { metrics: { clicks: 1 }, link: { 'xdm:id': 9, 'xdm:url': 'https://a.example/\u0000' } },
    'link.url',
    'click:8003:9:2024-05-02T08:45:10Z',
  ],
])('%s cannot be read', (_name, parts, field, identity) => {
  expect(read(parts)).toEqual({
    kind: 'fault',
    code: 'EVENT_UNREADABLE',
    field,
    ...(identity && { identity }),
  });
});

test('a time ahead by less than a day is read: clocks differ', () => {
  expect(read({ at: '2024-05-03T23:59:59Z' })).toMatchObject({ kind: 'event' });
});

test.each([[null], ['text'], [7], [[]], [undefined]])('%j is no event', (event) => {
  expect(readJournalEvent(event, NOW)).toEqual({ kind: 'fault', code: 'EVENT_UNREADABLE', field: 'event' });
});

test('an event that says nothing is of no type', () => {
  expect(readJournalEvent({}, NOW)).toEqual({ kind: 'filtered', reason: 'other-type' });
});
