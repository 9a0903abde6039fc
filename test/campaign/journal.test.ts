import { expect, test } from 'vitest';
import type { EventItem } from '../../src/campaign/email-event.js';
import { eventOf } from './journal-entries.js';
import { errorOf } from './scripted-campaign.js';
import { drain, keeping, PATH, scriptedJournal, signal, type Kept } from './scripted-journal.js';

const entry = (n: number, at = `2024-05-02T08:45:${String(n).padStart(2, '0')}+00:00`): Kept => ({
  position: `lynx:${n}`,
  event: eventOf({ logId: n, eventId: `event-${n}`, at }),
});
const identities = (items: EventItem[]): string[] =>
  items.map((item) =>
    item.kind === 'event' ? item.event.identity : item.kind === 'fault' ? item.key : item.reason,
  );

/** Something that is waited for until it has happened. */
function once() {
  let arrived: () => void = () => undefined;
  const isThere = new Promise<void>((resolve) => (arrived = resolve));
  return { arrived: () => arrived(), isThere };
}

test('the oldest comes first, with the headers that the API asks for', async () => {
  const { journal, server } = await scriptedJournal(keeping([entry(1)]));
  const page = await journal.read(undefined, signal);
  expect(identities(page.items)).toEqual(['send:1']);
  expect(server.arrived[0]).toMatchObject({
    method: 'GET',
    url: `${PATH}?limit=1000`,
    headers: { authorization: 'Bearer token-1', 'x-api-key': 'client', 'x-ims-org-id': 'ACME@AdobeOrg' },
  });
});

test('the next link is followed as it was sent', async () => {
  const next = `${PATH}?since=lynx%3aAa%2Bb&limit=3&x=%20`;
  const { journal, server } = await scriptedJournal((_request, count) =>
    count === 1
      ? {
          headers: {
            Link: `<${PATH}/validate?since=a>; rel="validate", <${next}>; title="a, b"; rel="prev next"`,
          },
          body: { events: [entry(1)] },
        }
      : { status: 204, headers: { 'Retry-After': '3' } },
  );
  const { page } = await drain(journal);
  expect(server.arrived[1]?.url).toBe(next);
  expect(page).toMatchObject({ more: false, waitMs: 3_000 });
});

test('only 204 is the end, not a short page', async () => {
  const kept = [1, 2, 3, 4, 5].map((n) => entry(n));
  const { journal, server } = await scriptedJournal(keeping(kept));
  const first = await drain(journal);
  expect(identities(first.items)).toEqual(['send:1', 'send:2', 'send:3', 'send:4', 'send:5']);
  expect(first.page).toMatchObject({ more: false, waitMs: 7_000 });
  expect(server.arrived).toHaveLength(4);
  kept.push(entry(6));
  const second = await drain(journal, first.next);
  expect(identities(second.items)).toEqual(['send:6']);
});

test('an empty journal is waited for as long as it says, or ten seconds', async () => {
  const kept: Kept[] = [];
  const { journal, server } = await scriptedJournal((request, count) =>
    count === 1 ? { status: 204 } : keeping(kept)(request),
  );
  const empty = await journal.read(undefined, signal);
  expect(empty).toMatchObject({ items: [], more: false, waitMs: 10_000 });
  kept.push(entry(1));
  expect(identities((await drain(journal, empty.next)).items)).toEqual(['send:1']);
  expect(server.arrived[1]?.url).toBe(`${PATH}?limit=1000`);
});

test('a poll that finds nothing leaves the cursor as it is', async () => {
  const { journal } = await scriptedJournal(keeping([entry(1)]));
  const { next } = await drain(journal);
  expect((await journal.read(next, signal)).next).toEqual(next);
});

test('a place that has left the journal is a gap, and the oldest that is there comes next', async () => {
  const kept = [entry(1), entry(2)];
  const { journal, open } = await scriptedJournal(keeping(kept));
  const { next } = await drain(journal);
  kept.splice(0, 2, entry(8), entry(7));
  const { items, gaps, next: after } = await drain(open(), next);
  expect(gaps).toEqual([{ from: '2024-05-02T08:45:02Z', to: '2024-05-02T08:45:07Z' }]);
  expect(identities(items)).toEqual(['send:8', 'send:7']);
  expect((await drain(journal, after)).gaps).toEqual([]);
});

test('a gap before an empty journal lasts until now', async () => {
  const kept = [entry(1)];
  const { journal } = await scriptedJournal(keeping(kept));
  const { next } = await drain(journal);
  kept.splice(0);
  const page = await journal.read(next, signal);
  expect(page).toMatchObject({
    items: [],
    more: false,
    gap: { from: '2024-05-02T08:45:01Z', to: '2026-11-24T00:00:00Z' },
  });
});

test('entries that cannot be read are items of their own, and the rest goes on', async () => {
  const broken = [
    { position: 'lynx:2', event: 'text' },
    { position: 'lynx:3' },
    null,
    7,
    { event: eventOf({ logId: { a: 1 } }) },
    { position: 'lynx:7', event: eventOf({ logId: 7, at: 'yesterday' }) },
  ];
  const { journal } = await scriptedJournal((_request, count) =>
    count === 1
      ? {
          headers: { Link: `<${PATH}?since=lynx:8>; rel=next` },
          body: { events: [entry(1), ...broken, entry(8)] },
        }
      : { status: 204 },
  );
  const { items } = await drain(journal);
  expect(items.map((item) => (item.kind === 'fault' ? [item.code, item.field] : item.kind))).toEqual([
    'event',
    ['EVENT_UNREADABLE', 'event'],
    ['EVENT_UNREADABLE', 'event'],
    ['EVENT_UNREADABLE', 'event'],
    ['EVENT_UNREADABLE', 'event'],
    ['EVENT_UNREADABLE', 'message.id'],
    ['EVENT_UNREADABLE', 'timestamp'],
    'event',
  ]);
  expect(identities(items)[6]).toBe('send:7');
  expect(new Set(identities(items)).size).toBe(items.length);
});

test('every item is read again from its position, by another process too', async () => {
  const kept: Kept[] = [1, 2, 3, 4, 5].map((n) => entry(n));
  kept.splice(2, 0, { event: 'no position' } as unknown as Kept, { position: 'lynx:x', event: 'broken' });
  const withoutPositions = ({ url }: { url: string }) => {
    const since = new URL(url, 'http://journal').searchParams.get('since');
    const limit = Number(new URL(url, 'http://journal').searchParams.get('limit'));
    const events = kept
      .slice(kept.findIndex(({ position }) => position === since && since !== null) + 1)
      .slice(0, limit);
    return events.length === 0
      ? { status: 204 }
      : {
          headers: { Link: `<${PATH}?since=${events.at(-1)?.position}&limit=1000>; rel="next"` },
          body: { events },
        };
  };
  const { journal, open } = await scriptedJournal(withoutPositions);
  const { items } = await drain(journal);
  expect(items).toHaveLength(7);
  for (const item of items) expect(await open().reread(item.position)).toEqual(item);
});

test('an item that has left the journal is not there any more', async () => {
  const kept = [1, 2, 3].map((n) => entry(n));
  const { journal } = await scriptedJournal(keeping(kept));
  const { items } = await drain(journal);
  kept.splice(0, 2);
  const found = await Promise.all(items.map(({ position }) => journal.reread(position)));
  expect(found).toEqual([undefined, undefined, items[2]]);
  expect(await journal.reread('not a position')).toBeUndefined();
});

test('everything since a time is sought from some minutes before it', async () => {
  const { journal, server } = await scriptedJournal(keeping([entry(1)]));
  const cursor = await journal.since('2026-11-23T22:00:00.000Z');
  expect(identities((await journal.read(cursor, signal)).items)).toEqual(['send:1']);
  expect(server.arrived[0]?.url).toBe(`${PATH}?limit=1000&seek=-PT7800S`);
  await journal.read(await journal.since('2026-11-01T00:00:00Z'), signal);
  expect(server.arrived[1]?.url).toBe(`${PATH}?limit=1000`);
});

test('what is recent is told by the clock of the journal where it is ahead of ours', async () => {
  const ahead = { Date: 'Wed, 02 Dec 2026 00:00:00 GMT' };
  const good = keeping([entry(1, '2026-12-01T23:00:00+00:00')]);
  const { journal, server } = await scriptedJournal((request) => {
    const answer = good(request);
    return { ...answer, headers: { ...answer.headers, ...ahead } };
  });
  const page = await journal.read(await journal.since('2026-12-01T22:00:00Z'), signal);
  expect(identities(page.items)).toEqual(['send:1']);
  expect(server.arrived.at(-1)?.url).toBe(`${PATH}?limit=1000&seek=-PT7800S`);
});

test('the cursor of another registration is left for the oldest of this one', async () => {
  const { journal, server } = await scriptedJournal(keeping([entry(1)]));
  await journal.read({ source: 'journal', journal: '/events/other', link: '/events/other?since=x' }, signal);
  expect(server.arrived[0]?.url).toBe(`${PATH}?limit=1000`);
});

test('a link to another place is not followed, and no token goes there', async () => {
  const { server: elsewhere } = await scriptedJournal(() => ({ status: 204 }));
  const { journal } = await scriptedJournal(() => ({
    headers: { Link: `<${elsewhere.url}${PATH}?since=a>; rel="next"` },
    body: { events: [entry(1)] },
  }));
  const { next } = await journal.read(undefined, signal);
  expect(await errorOf(journal.read(next, signal))).toMatchObject({
    code: 'EVENT_JOURNAL_REFUSED',
    class: 'stop',
  });
  expect(elsewhere.arrived).toEqual([]);
});

test.each([
  ['a throttle', { status: 429, headers: { 'Retry-After': '4' } }, [4_000]],
  ['an outage', { status: 503 }, [375]],
  ['an answer broken off', { break: 'truncate' as const, body: 'x'.repeat(100) }, [375]],
  [
    'an answer that is no JSON',
    { headers: { Link: `<${PATH}?since=a>; rel="next"` }, body: '<html>' },
    [375],
  ],
  [
    'an answer without events',
    { headers: { Link: `<${PATH}?since=a>; rel="next"` }, body: { error: 'x' } },
    [375],
  ],
  ['an answer without a next link', { body: { events: [entry(1)] } }, [375]],
])('%s is asked again', async (_name, fault, waits) => {
  const good = keeping([entry(1)]);
  const { journal, clock } = await scriptedJournal((request, count) => (count === 1 ? fault : good(request)));
  expect(identities((await journal.read(undefined, signal)).items)).toEqual(['send:1']);
  expect(clock.waits).toEqual(waits);
});

test.each([
  ['answers that are no JSON', { body: '{"events":[' }, 'EVENT_JOURNAL_UNREADABLE', 'retry', 5],
  ['an outage', { status: 500, body: 'x' }, 'CAMPAIGN_UNREACHABLE', 'retry', 5],
  ['a throttle', { status: 429, headers: { 'Retry-After': '120' } }, 'CAMPAIGN_THROTTLED', 'retry', 1],
  ['a token refused', { status: 401 }, 'CAMPAIGN_CREDENTIALS', 'stop', 2],
  ['missing rights', { status: 403 }, 'EVENT_JOURNAL_REFUSED', 'stop', 1],
  ['a registration that is gone', { status: 404 }, 'EVENT_JOURNAL_REFUSED', 'stop', 1],
  ['an oldest place that is gone', { status: 410 }, 'EVENT_JOURNAL_REFUSED', 'stop', 2],
])('%s that stays is told with its code', async (_name, answer, code, kind, calls) => {
  const { journal, server } = await scriptedJournal(() => answer);
  expect(await errorOf(journal.read(undefined, signal))).toMatchObject({ code, class: kind });
  expect(server.arrived).toHaveLength(calls);
});

test('a page of the largest size is read, and one far beyond is not', async () => {
  const page = (count: number) => ({
    headers: { Link: `<${PATH}?since=b>; rel="next"` },
    body: {
      events: Array.from({ length: count }, (_, n) => ({ ...entry(n + 1), padding: 'x'.repeat(1_000_000) })),
    },
  });
  const { journal } = await scriptedJournal((_request, count) => page(count === 1 ? 2 : 20));
  const first = await journal.read(undefined, signal);
  expect(first.items).toHaveLength(2);
  expect(await errorOf(journal.read(first.next, signal))).toMatchObject({ code: 'EVENT_JOURNAL_UNREADABLE' });
});

test('ids that no number of JavaScript holds are kept digit by digit', async () => {
  const body = JSON.stringify({ events: [entry(8003)] }).replaceAll('8003', '9007199254740993');
  const { journal } = await scriptedJournal(() => ({
    headers: { Link: `<${PATH}?since=b>; rel="next"` },
    body,
  }));
  expect(identities((await journal.read(undefined, signal)).items)).toEqual(['send:9007199254740993']);
});

test('an empty page that leads to itself is not followed without pause', async () => {
  const { journal } = await scriptedJournal(() => ({
    headers: { Link: `<${PATH}?since=a>; rel="next"` },
    body: { events: [] },
  }));
  const first = await journal.read(undefined, signal);
  expect(first.more).toBe(true);
  expect(await journal.read(first.next, signal)).toMatchObject({
    more: false,
    waitMs: 10_000,
    next: first.next,
  });
});

test('a closed source ends its calls, and can be read again', async () => {
  let silent = true;
  const good = keeping([entry(1)]);
  const call = once();
  const { journal } = await scriptedJournal((request) => {
    call.arrived();
    return silent ? { break: 'silence' } : good(request);
  });
  const reading = errorOf(journal.read(undefined, signal));
  await call.isThere;
  await journal.close();
  expect(await reading).toMatchObject({ code: 'CAMPAIGN_UNREACHABLE' });
  silent = false;
  expect(identities((await journal.read(undefined, signal)).items)).toEqual(['send:1']);
});

test('a caller that gives up is answered at once', async () => {
  const call = once();
  const { journal } = await scriptedJournal(() => {
    call.arrived();
    return { break: 'silence' };
  });
  const control = new AbortController();
  const reading = journal.read(undefined, control.signal);
  await call.isThere;
  control.abort(new Error('given up'));
  await expect(reading).rejects.toThrow('given up');
});
