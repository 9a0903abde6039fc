import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEventTimes, isoSecond } from '../../src/campaign/event-times.js';
import { readJournalEvent } from '../../src/campaign/journal-event.js';
import { columnsOf, readLogRow, type LogKind } from '../../src/campaign/log-event.js';
import { CONTACT, eventOf } from './journal-entries.js';

const NOW = Date.UTC(2024, 4, 3);
const utc = createEventTimes('UTC');

/** A row given by its columns; the file has those and no more. */
function read(kind: LogKind, row: Record<string, string>, names: Record<string, string> = {}) {
  const columns = columnsOf(kind, Object.keys(row), names);
  if ('missing' in columns) throw new Error(`no column ${columns.missing}`);
  return readLogRow(Object.values(row), columns, utc, NOW);
}

const delivery = (over: Record<string, string> = {}) =>
  read('delivery', {
    id: '8003',
    status: '1',
    failureType: '0',
    failureReason: '0',
    messageType: '0',
    contactDate: '2024/05/02 08:00:00',
    eventDate: '2024/05/02 08:45:10',
    deliveryName: 'DM190',
    deliveryLabel: 'Spring',
    campaignName: 'CMP12',
    externalId: CONTACT.toUpperCase(),
    testMember: '0',
    ...over,
  });
const tracking = (over: Record<string, string> = {}) =>
  read('tracking', {
    trackingUrlType: '1',
    logDate: '2024-05-02 08:45:10.366Z',
    'url-id': '9',
    urlSource: 'https://shop.example/a',
    urlLabel: 'Shop',
    'broadLog-id': '8003',
    deliveryName: 'DM190',
    deliveryLabel: 'Spring',
    campaignName: 'CMP12',
    externalId: CONTACT,
    ...over,
  });

const said = {
  contactId: CONTACT,
  at: '2024-05-02T08:45:10Z',
  campaignName: 'CMP12',
  deliveryName: 'DM190',
  deliveryLabel: 'Spring',
};

test('a send, a hard bounce, an open and a click are read with all that they say', () => {
  expect(delivery()).toEqual({ kind: 'event', event: { ...said, kind: 'send', identity: 'send:8003' } });
  expect(delivery({ status: '2', failureType: '2', failureReason: '1' })).toEqual({
    kind: 'event',
    event: { ...said, kind: 'bounce', identity: 'bounce:8003', reason: 'unknown_user' },
  });
  expect(tracking({ trackingUrlType: '2' })).toEqual({
    kind: 'event',
    event: { ...said, kind: 'open', identity: 'open:8003:2024-05-02T08:45:10Z' },
  });
  const click = {
    kind: 'event',
    event: {
      ...said,
      kind: 'click',
      identity: 'click:8003:9:2024-05-02T08:45:10Z',
      url: 'https://shop.example/a',
      urlLabel: 'Shop',
    },
  };
  for (const trackingUrlType of ['1', '10', '11']) expect(tracking({ trackingUrlType })).toEqual(click);
});

test.each([
  ['a soft bounce', delivery({ status: '2', failureType: '1' }), 'soft-bounce'],
  ['a failure of no type', delivery({ status: '2', failureType: '0' }), 'soft-bounce'],
  ['a message that waits', delivery({ status: '6' }), 'other-type'],
  ['a text message', delivery({ messageType: '1' }), 'other-channel'],
  ['a test address', delivery({ testMember: 'true' }), 'test-address'],
  ['an unsubscription', tracking({ trackingUrlType: '3' }), 'other-type'],
  ['a mirror page', tracking({ trackingUrlType: '6' }), 'other-type'],
  ['a profile of another source', tracking({ externalId: 'CUST-1' }), 'not-a-contact-id'],
  ['a profile without an id', tracking({ externalId: ' ' }), 'no-contact-id'],
])('%s is filtered', (_name, reading, reason) => {
  expect(reading).toEqual({ kind: 'filtered', reason });
});

test.each([
  ['a status in words', delivery({ status: 'Sent' }), 'status', undefined],
  ['a type of failure in words', delivery({ status: '2', failureType: 'Hard' }), 'failureType', undefined],
  ['a type of address in words', tracking({ trackingUrlType: 'Open' }), 'trackingUrlType', undefined],
  ['a row of no log', delivery({ id: '0' }), 'id', undefined],
  ['a click on no link', tracking({ 'url-id': '0' }), 'broadLog-id', undefined],
  ['no time', delivery({ eventDate: '', contactDate: '' }), 'contactDate', 'send:8003'],
  ['a time in words', delivery({ eventDate: 'noon' }), 'eventDate', 'send:8003'],
  ['a time far ahead', tracking({ logDate: '2025-01-01 00:00:00.000Z' }), 'logDate', undefined],
  [
    'an address with control characters',
    tracking({ urlSource: 'https://a\u0001' }),
    'urlSource',
    'click:8003:9:2024-05-02T08:45:10Z',
  ],
])('%s cannot be read', (_name, reading, field, identity) => {
  expect(reading).toEqual({ kind: 'fault', code: 'EVENT_UNREADABLE', field, ...(identity && { identity }) });
});

test('columns that may be missing are missed, under whatever headings the others are', () => {
  const row = {
    '@ID': '8003',
    State: '1',
    failureType: '',
    contactDate: '2024/05/02 08:45:10',
    crm: CONTACT,
  };
  expect(read('delivery', row, { status: 'state', externalId: 'crm' })).toEqual({
    kind: 'event',
    event: { kind: 'send', identity: 'send:8003', contactId: CONTACT, at: '2024-05-02T08:45:10Z' },
  });
});

test.each<[LogKind, string]>([
  ['delivery', 'id'],
  ['delivery', 'status'],
  ['delivery', 'failureType'],
  ['delivery', 'externalId'],
  ['tracking', 'trackingUrlType'],
  ['tracking', 'logDate'],
  ['tracking', 'url-id'],
  ['tracking', 'broadLog-id'],
  ['tracking', 'externalId'],
])('a %s log needs its column %s', (kind, column) => {
  const all = [
    'id',
    'status',
    'failureType',
    'eventDate',
    'externalId',
    'trackingUrlType',
    'logDate',
    'url-id',
    'broadLog-id',
  ];
  const headings = all.filter((each) => each !== column);
  expect(columnsOf(kind, headings, {})).toEqual({ missing: column });
  expect(columnsOf(kind, all, {})).toMatchObject({ kind });
  expect(columnsOf(kind, all, { [column]: 'renamed' })).toEqual({ missing: 'renamed' });
});

test('a row with too few or too many cells is not trusted in any of them', () => {
  const columns = columnsOf('delivery', ['id', 'status', 'failureType', 'eventDate', 'externalId'], {});
  if ('missing' in columns) throw new Error('a column is missing');
  const cells = ['1', '1', '0', '2024/05/02 08:00:00', CONTACT];
  const reading = (row: string[]) => readLogRow(row, columns, utc, NOW);
  expect(reading(cells)).toMatchObject({ kind: 'event' });
  expect(reading([...cells, ''])).toMatchObject({ kind: 'event' });
  for (const row of [cells.slice(0, 4), [...cells, 'x'], []])
    expect(reading(row)).toEqual({ kind: 'fault', code: 'EVENT_UNREADABLE', field: 'row' });
});

test('an event is the same event from either source', () => {
  const happening = fc.record({
    kind: fc.constantFrom('send' as const, 'open' as const, 'click' as const, 'bounce' as const),
    logId: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
    linkId: fc.integer({ min: 1 }),
    ms: fc.integer({ min: Date.UTC(2015, 0, 1), max: NOW }),
    contactId: fc.uuid(),
    label: fc.string({ unit: 'grapheme', maxLength: 20 }).filter((text) => !/\p{Cc}/u.test(text)),
  });
  fc.assert(
    fc.property(happening, ({ kind, logId, linkId, ms, contactId, label }) => {
      const iso = new Date(ms).toISOString();
      const metric = { send: 'sends', open: 'opens', click: 'clicks', bounce: 'nonDeliverables' }[kind];
      const fromJournal = readJournalEvent(
        eventOf({
          metrics: { [metric]: 1 },
          logId: logId < 2n ** 53n ? Number(logId) : String(logId),
          at: iso.replace('Z', '+00:00'),
          link: { 'xdm:id': linkId, 'xdm:url': 'https://shop.example/a', 'xdm:label': 'Shop' },
          more: {
            'https://ns.adobe.com/experience/campaign/externalID': contactId,
            'https://ns.adobe.com/experience/campaign/delivery': {
              'xdm:deliveryName': 'DM190',
              'xdm:deliveryLabel': label,
            },
          },
        }),
        NOW,
      );
      const shared = { deliveryLabel: label, externalId: contactId.toUpperCase() };
      const fromFile =
        kind === 'send' || kind === 'bounce'
          ? delivery({
              ...shared,
              id: String(logId),
              eventDate: iso.replace('T', ' '),
              ...(kind === 'bounce' && { status: '2', failureType: '2', failureReason: '' }),
            })
          : tracking({
              ...shared,
              'broadLog-id': String(logId),
              'url-id': String(linkId),
              logDate: iso.slice(0, 19).replaceAll('-', '/').replace('T', ' '),
              trackingUrlType: kind === 'open' ? '2' : '11',
            });
      expect(fromFile).toEqual(fromJournal);
      expect(fromFile).toMatchObject({ kind: 'event', event: { at: isoSecond(ms), contactId } });
    }),
    { numRuns: 300 },
  );
});
