import { afterEach, describe, expect, it } from 'vitest';
import { text, useSandbox } from '../core/support.js';
import { entriesOf, eventsOf, linkOf, readAll, readJournal } from './support.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });

afterEach(async () => {
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
});

const put = (...events: unknown[]) => sandbox.succeed('POST', 'journal', { events });
const numbered = (amount: number) => Array.from({ length: amount }, (_, n) => ({ n }));
const read = (address?: string, headers?: Record<string, string>) => readJournal(sandbox, address, headers);
const numbersOf = async (address?: string) =>
  (await readAll(sandbox, address)).map(({ event }) => event?.['n']);
const limit = (journal: object) => sandbox.succeed('PUT', 'limits', { campaign: { journal } });
const advance = async (duration: string) => {
  await sandbox.succeed('POST', 'clock', { advance: duration });
  sandbox.forgetTokens();
};

describe('reading on', () => {
  it('starts with the oldest entry, and follows the next links to the end', async () => {
    await put(...numbered(5));
    const first = await read('?limit=2');
    expect(first.status).toBe(200);
    expect(eventsOf(first)).toEqual([{ n: 0 }, { n: 1 }]);
    expect(first.json['_page']).toEqual({ last: entriesOf(first)[1]?.['position'], count: 2 });
    expect(linkOf(first, 'next')).toMatch(
      /^\/events\/organizations\/\d+\/integrations\/\d+\/[0-9a-f-]+\?since=.+&limit=2$/,
    );
    expect(await numbersOf(linkOf(first, 'next'))).toEqual([2, 3, 4]);
  });

  it('without a limit gives what there is', async () => {
    await put(...numbered(5));
    expect(eventsOf(await read())).toHaveLength(5);
  });

  it('behind a position leaves that entry out', async () => {
    await put(...numbered(3));
    const position = encodeURIComponent(text(entriesOf(await read())[0]?.['position']));
    expect(eventsOf(await read(`?since=${position}`))).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('ends a page where its body would be too large, with one event at least', async () => {
    await limit({ pageBytes: 3000 });
    const wide = { wide: 'x'.repeat(1300) };
    await put(wide, wide, { wide: 'x'.repeat(5000) }, wide);
    const sizes: number[] = [];
    for (let next = '?limit=100'; ;) {
      const page = await read(next);
      if (page.status === 204) break;
      sizes.push(eventsOf(page).length);
      next = linkOf(page, 'next');
    }
    expect(sizes).toEqual([2, 1, 1]);
  });

  it('jumps to the end with latest, and back in time with seek', async () => {
    await put({ n: 'old' });
    await advance('PT3H');
    await put({ n: 'recent' });
    const latest = await read('?latest=true');
    expect(latest.status).toBe(204);
    expect(await numbersOf('?seek=-PT2H')).toEqual(['recent']);
    expect(await numbersOf('?seek=-P1D')).toEqual(['old', 'recent']);
    await put({ n: 'new' });
    expect(await numbersOf(linkOf(latest, 'next'))).toEqual(['new']);
  });
});

describe('the end of the journal', () => {
  it('is 204 with the time to wait, the same position again, and an address that validates it', async () => {
    await limit({ retryAfterSeconds: 7 });
    await put({ n: 1 });
    const next = linkOf(await read('?limit=10'), 'next');
    const end = await read(next);
    expect([end.status, end.headers.get('retry-after'), end.text]).toEqual([204, '7', '']);
    expect(linkOf(end, 'next')).toBe(next);
    const validate = linkOf(end, 'validate');
    expect(validate).toContain('/validate?since=');
    expect((await read(validate)).status).toBe(204);
    await put({ n: 2 });
    expect(eventsOf(await read(validate))).toEqual([{ n: 2 }]);
  });

  it('of an empty journal has a position to go on from', async () => {
    const empty = await read();
    expect(empty.status).toBe(204);
    await put({ n: 1 });
    expect(await numbersOf(linkOf(empty, 'next'))).toEqual([1]);
  });
});

describe('after seven days', () => {
  it('entries are gone, and their positions with them', async () => {
    await put({ n: 'old' }, { n: 'older' });
    const position = linkOf(await read('?limit=1'), 'next');
    await advance('P5D');
    await put({ n: 'young' });
    await advance('P3D');
    const gone = await read(position);
    expect([gone.status, gone.headers.get('content-type')]).toEqual([410, 'text/plain; charset=utf-8']);
    expect(gone.text).toMatch(/^Events at position lynx:.* have expired\.$/);
    expect(await numbersOf()).toEqual(['young']);
    expect(await numbersOf('?seek=-P30D')).toEqual(['young']);
  });

  it('a journal of which all is gone is empty, and can be read on', async () => {
    await put({ n: 'old' });
    await advance('P8D');
    const empty = await read();
    expect(empty.status).toBe(204);
    await put({ n: 'new' });
    expect(await numbersOf(linkOf(empty, 'next'))).toEqual(['new']);
  });

  it('and after a reset, positions of the journal before are as good as expired', async () => {
    await put({ n: 1 });
    const next = linkOf(await read(), 'next');
    await sandbox.succeed('POST', 'reset', {});
    sandbox.forgetTokens();
    expect((await read(next)).status).toBe(410);
  });
});

describe('at least once, in no order', () => {
  it('repeats the share of entries that was asked for, as entries of their own', async () => {
    await limit({ duplicateShare: 0.2 });
    const { json } = await put(...numbered(200));
    const duplicates = Number(json['duplicates']);
    expect(duplicates).toBeGreaterThan(20);
    expect(duplicates).toBeLessThan(60);
    const entries = await readAll(sandbox);
    expect(entries).toHaveLength(200 + duplicates);
    expect(new Set(entries.map(({ position }) => text(position))).size).toBe(200 + duplicates);
    expect(new Set(entries.map(({ event }) => event?.['n'])).size).toBe(200);
  });

  it('mixes entries within windows, and loses none', async () => {
    await limit({ shuffleWithin: 10 });
    await put(...numbered(40));
    const order = (await numbersOf()).map(Number);
    expect(order).not.toEqual(order.toSorted((left, right) => left - right));
    for (const [place, n] of order.entries()) expect(Math.floor(n / 10)).toBe(Math.floor(place / 10));
    expect(new Set(order).size).toBe(40);
  });
});

describe('what it refuses', () => {
  it.each([
    ['?since=nonsense', 400],
    ['?since=lynx:0123456789abcdef:1-kf12oi4g', 410],
    ['?since=lynx:0123456789abcdef:1-kf12oi4g&seek=-PT2H', 400],
    ['?seek=PT2H', 400],
    ['?seek=-yesterday', 400],
    ['?limit=0', 400],
    ['?limit=many', 400],
  ])('%s', async (query, status) => {
    expect((await read(query)).status).toBe(status);
  });

  it('a caller without a good token, with another key or of another organisation', async () => {
    const refusals = [
      { authorization: 'Bearer nonsense' },
      { 'x-api-key': 'another' },
      { 'x-ims-org-id': 'ABC@AdobeOrg' },
    ].map(async (headers) => {
      const { status, json } = await read('', headers);
      return [status, text(json['error_code'])];
    });
    expect(await Promise.all(refusals)).toEqual([
      [401, '401013'],
      [403, '403003'],
      [403, '403023'],
    ]);
  });

  it('a registration that is not there', async () => {
    expect((await read('/events/organizations/11/integrations/22/3f0c')).status).toBe(404);
  });
});

it('passes anything on that was put in, and spoils a page as told', async () => {
  const odd = [null, 'text', { 'xdm:directMarketing': { 'xdm:unheardOf': {} } }, { label: 'ß'.repeat(4000) }];
  await put(...odd);
  const page = await read();
  expect(eventsOf(page)).toEqual(odd);
  await sandbox.succeed('POST', 'journal', { raw: '{"events":[{"position":' });
  const spoilt = await read();
  expect([spoilt.status, spoilt.text]).toEqual([200, '{"events":[{"position":']);
  expect(eventsOf(await read())).toEqual(odd);
});

it('is counted apart from Campaign’s own calls', async () => {
  await sandbox.succeed('POST', 'stats/reset');
  await put({ n: 1 });
  await readAll(sandbox);
  const { json } = await sandbox.control('GET', 'stats');
  expect(json['journal']).toEqual({ total: 2, byRoute: { 'GET journal': { 200: 1, 204: 1 } }, events: 1 });
  expect(json['campaign']?.['total']).toBe(0);
});

it('meets the faults of its path', async () => {
  const path = new URL(sandbox.ready.journal).pathname;
  await sandbox.succeed('PUT', 'faults', [{ system: 'campaign', kind: 'status', status: 503, path }]);
  expect([(await read()).status, (await read()).status]).toEqual([503, 204]);
});
