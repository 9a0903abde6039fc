import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { EventItem } from '../../src/campaign/email-event.js';
import type { EventCursor, EventSource } from '../../src/campaign/event-source.js';
import { createLogFiles, type LogFilesSettings } from '../../src/campaign/log-files.js';
import { errorOf } from './scripted-campaign.js';
import { sftpServer, type SftpServer } from './sftp-server.js';

const contact = (n: number): string => `0d9e6c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const HEADINGS = 'id\tstatus\tfailureType\tmessageType\teventDate\tdeliveryName\tdeliveryLabel\texternalId\n';
const sent = (n: number, label = 'Spring'): string =>
  `${n}\t1\t0\t0\t2024-05-02 08:44:49.366Z\tDM190\t${label}\t${contact(n)}\n`;
const sentRows = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => sent(from + index)).join('');

/** A source on a server of its own, on a clock that the test moves. */
async function source(given: { form?: Partial<LogFilesSettings['form']>; pageRows?: number } = {}) {
  const server = await sftpServer();
  const clock = { nowMs: Date.UTC(2024, 7, 1) };
  const open = (over: Partial<LogFilesSettings> = {}): EventSource =>
    logFilesOf(server, {
      nowMs: () => clock.nowMs,
      ...given,
      ...over,
      form: { ...form, ...given.form, ...over.form },
    });
  return { server, clock, open, files: open() };
}

const form: LogFilesSettings['form'] = {
  directory: 'd365_loads/logs',
  deliveryLogs: 'deliveryLogs_*',
  trackingLogs: 'trackingLogs_*',
  separator: 'auto',
  encoding: 'utf-8',
  timeZone: 'UTC',
  deliveryColumns: {},
  trackingColumns: {},
};

function logFilesOf(server: SftpServer, over: Partial<LogFilesSettings> = {}): EventSource {
  return createLogFiles({
    host: server.host,
    port: server.port,
    user: server.user,
    privateKey: server.privateKey,
    hostKey: server.hostKeys[0]?.fingerprint ?? '',
    timeLimitMs: 2_000,
    settleMs: 60_000,
    form,
    ...over,
  });
}

const signal = new AbortController().signal;

/** Everything the source has now, with the pages' sizes. */
async function drain(files: EventSource, cursor?: EventCursor) {
  const items: EventItem[] = [];
  const sizes: number[] = [];
  let at = cursor;
  let page;
  do {
    page = await files.read(at, signal);
    items.push(...page.items);
    sizes.push(page.items.length);
    at = page.next;
  } while (page.more);
  return { items, sizes, next: page.next, page };
}

const told = (items: EventItem[]): string[] =>
  items.map((item) =>
    item.kind === 'event'
      ? item.event.identity
      : item.kind === 'filtered'
        ? item.reason
        : `${item.code} ${item.field ?? ''}`.trim(),
  );

test('files are read in the order of their times, each with its own columns', async () => {
  const { server, files } = await source();
  server.put(
    'trackingLogs_2.txt',
    `trackingUrlType;logDate;url-id;urlSource;urlLabel;broadLog-id;externalId\n1;2024/05/02 09:00:00;9;https://shop.example/a;Shop;8003;${contact(1)}\n`,
    200,
  );
  server.put('deliveryLogs_1.txt', HEADINGS + sent(8003), 100);
  server.put('other.txt', HEADINGS + sent(1), 50);
  const { items } = await drain(files);
  expect(items).toMatchObject([
    {
      kind: 'event',
      event: {
        kind: 'send',
        identity: 'send:8003',
        contactId: contact(8003),
        at: '2024-05-02T08:44:49Z',
        deliveryName: 'DM190',
        deliveryLabel: 'Spring',
      },
    },
    {
      kind: 'event',
      event: {
        kind: 'click',
        identity: 'click:8003:9:2024-05-02T09:00:00Z',
        url: 'https://shop.example/a',
        urlLabel: 'Shop',
      },
    },
  ]);
});

test('a file that is read is not opened again, and a new one is', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1));
  const first = await drain(files);
  server.put('deliveryLogs_2.txt', HEADINGS + sent(2));
  const second = await drain(files, first.next);
  expect(told(second.items)).toEqual(['send:2']);
  expect(server.asked.filter((what) => what.startsWith('open'))).toEqual([
    'open deliveryLogs_1.txt',
    'open deliveryLogs_2.txt',
  ]);
});

test('a file of many rows comes in pages, over one opening', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 4_500));
  const { items, sizes } = await drain(files);
  expect(sizes).toEqual([2_000, 2_000, 500]);
  expect(told(items)).toEqual(Array.from({ length: 4_500 }, (_, index) => `send:${index + 1}`));
  expect(server.asked).toEqual(['readdir', 'open deliveryLogs_1.txt']);
});

test('another process goes on at the row of the cursor', async () => {
  const { server, open } = await source({ pageRows: 10 });
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 25));
  const first = await open().read(undefined, signal);
  const rest = await drain(open(), JSON.parse(JSON.stringify(first.next)) as EventCursor);
  expect(told(rest.items)).toEqual(Array.from({ length: 15 }, (_, index) => `send:${index + 11}`));
});

test.each([
  ['plain', (text: string) => Buffer.from(text)],
  ['compressed', (text: string) => gzipSync(text)],
])('a %s file that grows is read on from its row', async (_name, pack) => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', pack(HEADINGS + sentRows(1, 3)), 100);
  const first = await drain(files);
  server.put(
    'deliveryLogs_1.txt',
    Buffer.concat([pack(HEADINGS + sentRows(1, 3)), pack(sentRows(4, 5))]),
    101,
  );
  const second = await drain(files, first.next);
  expect(told(first.items)).toEqual(['send:1', 'send:2', 'send:3']);
  expect(told(second.items)).toEqual(['send:4', 'send:5']);
});

test('a file replaced by another one is read from its first row', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_daily.txt', HEADINGS + sentRows(1, 3), 100);
  const first = await drain(files);
  server.put('deliveryLogs_daily.txt', HEADINGS + sentRows(11, 15), 200);
  const second = await drain(files, first.next);
  server.put('deliveryLogs_daily.txt', HEADINGS + sentRows(21, 21), 300);
  const third = await drain(files, second.next);
  expect(told(second.items)).toEqual(['send:11', 'send:12', 'send:13', 'send:14', 'send:15']);
  expect(told(third.items)).toEqual(['send:21']);
});

test('a file that replaces one whose end was unfinished is read from its first row, unfinished or not', async () => {
  const { server, clock, files } = await source();
  server.put('deliveryLogs_daily.txt', HEADINGS + sentRows(1, 2).slice(0, -9), 100);
  const first = await drain(files);
  server.put('deliveryLogs_daily.txt', HEADINGS + sent(11, 'Autumn'.repeat(40)).slice(0, -1), 200);
  const second = await drain(files, first.next);
  clock.nowMs += 60_000;
  const third = await drain(files, second.next);
  expect([first, second, third].map(({ items }) => told(items))).toEqual([['send:1'], [], ['send:11']]);
});

test('a row whose end is not there yet waits until the file has been still for the settle time', async () => {
  const { server, clock, files } = await source();
  const whole = HEADINGS + sentRows(1, 2);
  server.put('deliveryLogs_1.txt', whole.slice(0, -1));
  const first = await drain(files);
  expect(told(first.items)).toEqual(['send:1']);
  expect(first.page.waitMs).toBe(60_000);
  clock.nowMs += 59_999;
  const early = await drain(files, first.next);
  expect(early).toMatchObject({ items: [], next: first.next, page: { waitMs: 1 } });
  clock.nowMs += 1;
  const settled = await drain(files, early.next);
  expect(told(settled.items)).toEqual(['send:2']);
  expect(settled.page.waitMs).toBeUndefined();
  expect((await drain(files, settled.next)).items).toEqual([]);
  expect(server.asked.filter((what) => what.startsWith('open'))).toHaveLength(2);
});

test('a file that was cut anywhere, taken as it was and completed later gives every row', async () => {
  const opened = (n: number): string => `2\t2024/05/02 09:00:00\t1\t${n}\t${contact(n)}\n`;
  const headings = 'trackingUrlType\tlogDate\turl-id\tbroadLog-id\texternalId\n';
  const whole = headings + opened(1) + opened(2);
  const { server, clock, files } = await source();
  for (let cut = headings.length + opened(1).length; cut < whole.length; cut += 4) {
    server.put('trackingLogs_1.txt', whole.slice(0, cut), 100);
    const cutShort = await drain(files);
    clock.nowMs += 60_000;
    const taken = await drain(files, cutShort.next);
    server.put('trackingLogs_1.txt', whole, 200);
    const completed = await drain(files, taken.next);
    const items = told([...cutShort.items, ...taken.items, ...completed.items]);
    expect(items, `cut at ${cut}`).toContain('open:1:2024-05-02T09:00:00Z');
    expect(items, `cut at ${cut}`).toContain('open:2:2024-05-02T09:00:00Z');
  }
});

test('a file that goes on growing is not taken for finished', async () => {
  const { server, clock, files } = await source();
  const whole = HEADINGS + sentRows(1, 3);
  server.put('deliveryLogs_1.txt', whole.slice(0, whole.length - sent(3).length - 5), 100);
  const first = await drain(files);
  clock.nowMs += 60_000;
  server.put('deliveryLogs_1.txt', whole.slice(0, -3), 100);
  const second = await drain(files, first.next);
  clock.nowMs += 30_000;
  server.put('deliveryLogs_1.txt', whole, 101);
  const third = await drain(files, second.next);
  expect([first, second, third].map(({ items }) => told(items))).toEqual([
    ['send:1'],
    ['send:2'],
    ['send:3'],
  ]);
});

test('a compressed file that ends early gives its whole rows, and the rest once it is there', async () => {
  const { server, clock, files } = await source();
  const packed = gzipSync(HEADINGS + sentRows(1, 400));
  server.put('deliveryLogs_1.txt.gz', packed.subarray(0, packed.length - 300), 100);
  const first = await drain(files);
  expect(first.items.length).toBeGreaterThan(100);
  expect(first.items.length).toBeLessThan(400);
  server.put('deliveryLogs_1.txt.gz', packed, 101);
  const second = await drain(files, first.next);
  expect(told([...first.items, ...second.items])).toEqual(
    Array.from({ length: 400 }, (_, index) => `send:${index + 1}`),
  );
  server.put('deliveryLogs_2.txt.gz', packed.subarray(0, packed.length - 300), 200);
  const third = await drain(files, second.next);
  clock.nowMs += 60_000;
  const fourth = await drain(files, third.next);
  // What its last, broken row says cannot be trusted, and is told.
  expect(fourth.items.map(({ kind }) => kind)).toEqual(['fault']);
  expect((await drain(files, fourth.next)).items).toEqual([]);
});

test('a compressed file that holds nonsense is told once it is still, and again when it changes', async () => {
  const { server, clock, files } = await source();
  const packed = gzipSync(HEADINGS + sentRows(1, 5));
  packed.fill(0x55, 12);
  server.put('deliveryLogs_1.txt.gz', packed, 100);
  server.put('deliveryLogs_2.txt', HEADINGS + sent(2), 200);
  const first = await drain(files);
  expect(told(first.items)).toEqual(['send:2']);
  clock.nowMs += 60_000;
  const second = await drain(files, first.next);
  expect(told(second.items)).toEqual(['LOG_FILE_UNREADABLE']);
  expect((await drain(files, second.next)).items).toEqual([]);
  server.put('deliveryLogs_1.txt.gz', gzipSync(HEADINGS + sent(1)), 300);
  expect(told((await drain(files, second.next)).items)).toEqual(['send:1']);
});

test('a file without a column that is needed is refused by its name, and the others go on', async () => {
  const { server, files } = await source();
  server.put(
    'deliveryLogs_1.txt',
    `id\tstatus\tfailureType\teventDate\n1\t1\t0\t2024-05-02 08:44:49.000Z\n`,
    100,
  );
  server.put('deliveryLogs_2.txt', HEADINGS + sent(2), 200);
  const first = await drain(files);
  expect(told(first.items)).toEqual(['LOG_FILE_COLUMN_MISSING externalId', 'send:2']);
  const second = await drain(files, first.next);
  expect(second.items).toEqual([]);
  server.put(
    'deliveryLogs_1.txt',
    `id\tstatus\tfailureType\teventDate\n1\t1\t0\t2024-05-02 08:44:49.000Z\n`,
    101,
  );
  const third = await drain(files, second.next);
  expect(told(third.items)).toEqual(['LOG_FILE_COLUMN_MISSING externalId']);
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1), 102);
  expect(told((await drain(files, third.next)).items)).toEqual(['send:1']);
});

test('a refused file is looked at again when the settings change', async () => {
  const { server, files, open } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS.replace('externalId', 'crm') + sent(1));
  const refused = await drain(files);
  expect(told(refused.items)).toEqual(['LOG_FILE_COLUMN_MISSING externalId']);
  const mended = open({ form: { ...form, deliveryColumns: { externalId: 'crm' } } });
  const { items } = await drain(mended, refused.next);
  expect(told(items)).toEqual(['send:1']);
});

test('a file that cannot be opened is told once, tried again, and holds up nothing', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1), 100);
  server.put('deliveryLogs_2.txt', HEADINGS + sent(2), 200);
  server.refuseOpen = (name) => name === 'deliveryLogs_1.txt';
  const first = await drain(files);
  expect(told(first.items)).toEqual(['LOG_FILE_UNREADABLE', 'send:2']);
  const second = await drain(files, first.next);
  expect(second).toMatchObject({ items: [], next: first.next });
  server.refuseOpen = () => false;
  expect(told((await drain(files, second.next)).items)).toEqual(['send:1']);
});

test('a file that the server cannot read on is told with the rows before, and read on later', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 3_000), 100);
  server.put('deliveryLogs_2.txt', HEADINGS + sent(9_999), 200);
  server.onRead = (name, offset) => (name === 'deliveryLogs_1.txt' && offset >= 131_072 ? 'fail' : 'answer');
  const first = await drain(files);
  expect(told(first.items).slice(-2)).toEqual(['LOG_FILE_UNREADABLE', 'send:9999']);
  expect((await drain(files, first.next)).items).toEqual([]);
  server.onRead = () => 'answer';
  const second = await drain(files, first.next);
  const sends = told([...first.items, ...second.items]).filter((what) => what.startsWith('send:'));
  expect(new Set(sends).size).toBe(3_001);
  expect(sends).toHaveLength(3_001);
});

test('a file that vanishes or shrinks before it was read to its end is told, and its progress kept sane', async () => {
  const { server, files } = await source({ pageRows: 10 });
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 3_000), 100);
  server.put('deliveryLogs_2.txt', HEADINGS + sentRows(4_001, 4_002).slice(0, -1), 200);
  const { next } = await files.read(undefined, signal);
  await files.close();
  server.files.delete('deliveryLogs_1.txt');
  const second = await drain(files, next);
  expect(told(second.items)).toEqual(['LOG_FILE_CUT_SHORT', 'send:4001']);
  server.put('deliveryLogs_2.txt', HEADINGS + sent(5_001), 300);
  const third = await drain(files, second.next);
  expect(told(third.items)).toEqual(['LOG_FILE_CUT_SHORT', 'send:5001']);
  expect(Object.keys(third.next.source === 'files' ? third.next.files : {})).toEqual(['deliveryLogs_2.txt']);
  server.files.clear();
  const last = await drain(files, third.next);
  expect(last).toMatchObject({ items: [], next: { files: {} } });
});

test('a file that the server loses while it reads it is told as one that vanished', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 2), 100);
  server.put('deliveryLogs_2.txt', HEADINGS + sentRows(3, 2_000), 200);
  server.onRead = (name, offset) => {
    if (name.endsWith('_2.txt') && offset < 65_536) return 'answer';
    server.files.delete(name);
    return 'lose';
  };
  const first = await drain(files);
  const second = await drain(files, first.next);
  expect(told([...first.items, ...second.items]).filter((what) => !what.startsWith('send:'))).toEqual([
    'LOG_FILE_CUT_SHORT',
    'LOG_FILE_CUT_SHORT',
  ]);
});

test('a file that vanished stays told until it is there again, or would have been cleared away by now', async () => {
  const { server, clock, files } = await source();
  clock.nowMs = 200_000;
  server.put('deliveryLogs_1.txt', `${HEADINGS}${sent(1)}half a row`, 100);
  const first = await drain(files);
  server.files.clear();
  const [fault] = (await drain(files, first.next)).items;
  const again = (): Promise<EventItem | undefined> => files.reread(fault?.position ?? '');
  expect(await again()).toEqual(fault);
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 2), 300);
  expect(await again()).toBeUndefined();
  server.files.clear();
  clock.nowMs += 16 * 86_400_000;
  expect(await again()).toBeUndefined();
});

test('a file that shrinks while it is read is told by the next look at the folder', async () => {
  const { server, files } = await source({ pageRows: 10 });
  const [long, short] = [HEADINGS + sentRows(1, 20_000), HEADINGS + sentRows(1, 20)];
  server.put('deliveryLogs_1.txt', long, 100);
  server.onRead = (_name, offset) => {
    if (offset > 65_536) server.put('deliveryLogs_1.txt', short, 101);
    return 'answer';
  };
  const first = await drain(files);
  expect(first.items.every(({ kind }) => kind === 'event')).toBe(true);
  const second = await drain(files, first.next);
  expect(told(second.items).slice(0, 2)).toEqual(['LOG_FILE_CUT_SHORT', 'send:1']);
  expect(second.items).toHaveLength(21);
});

test('every row is read again from its position, compressed or not, by another process too', async () => {
  const { server, files, open } = await source();
  const text = `${HEADINGS}${sentRows(1, 3)}broken\n\n${sent(5, '"two\nlines"')}${sent(6)}`;
  server.put('deliveryLogs_1.txt', text, 100);
  server.put('deliveryLogs_2.gz', gzipSync(text), 200);
  const { items } = await drain(files);
  expect(told(items)).toEqual(
    [...Array(2)].flatMap(() => ['send:1', 'send:2', 'send:3', 'EVENT_UNREADABLE row', 'send:5', 'send:6']),
  );
  const again = open();
  for (const item of items) expect(await again.reread(item.position)).toEqual(item);
  server.put('deliveryLogs_1.txt', text + sent(7), 300);
  for (const item of items.slice(0, 6))
    expect(told([(await again.reread(item.position)) ?? item])).toEqual(told([item]));
});

test('a row is gone with its file, or when another file has taken its place', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 2));
  server.put('deliveryLogs_2.txt', HEADINGS + sentRows(3, 4));
  const { items } = await drain(files);
  server.files.delete('deliveryLogs_1.txt');
  server.put('deliveryLogs_2.txt', HEADINGS + sentRows(8, 9), 900);
  expect(await Promise.all(items.map(({ position }) => files.reread(position)))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(await files.reread('not a position')).toBeUndefined();
});

test('a refused file stays told for as long as it is refused', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', 'id\n1\n', 100);
  const { items } = await drain(files);
  const [item] = items;
  expect(await files.reread(item?.position ?? '')).toEqual(item);
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1), 101);
  expect(await files.reread(item?.position ?? '')).toBeUndefined();
  server.files.clear();
  expect(await files.reread(item?.position ?? '')).toBeUndefined();
});

test('everything since a time is what stands in the files of that time and later', async () => {
  const { server, files } = await source();
  const at = (time: string): number => Date.parse(time) / 1000;
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1), at('2024-05-01T00:00:00Z'));
  server.put('deliveryLogs_2.txt', HEADINGS + sent(2), at('2024-05-02T00:00:00Z'));
  server.put('deliveryLogs_3.txt', HEADINGS + sent(3), at('2024-05-03T00:00:00Z'));
  await drain(files);
  const { items } = await drain(files, await files.since('2024-05-02T00:30:00Z'));
  expect(told(items)).toEqual(['send:2', 'send:3']);
});

test('names are not trusted: what leads elsewhere, is a folder or is still being uploaded is left alone', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_/../../secret.txt', HEADINGS + sent(1));
  server.put('deliveryLogs_\u0007', HEADINGS + sent(2));
  server.put('deliveryLogs_3.txt.filepart', HEADINGS + sent(3));
  server.files.set('deliveryLogs_folder', { content: Buffer.alloc(9), mtime: 1, isFolder: true });
  server.put('deliveryLogs_Ada Byron.txt', HEADINGS + sent(4));
  const { items, next } = await drain(files);
  expect(told(items)).toEqual(['send:4']);
  expect(JSON.stringify([items.map(({ position }) => position), next])).not.toMatch(/Ada|Byron/);
  expect(await files.reread(items[0]?.position ?? '')).toEqual(items[0]);
});

test('a cursor and positions hold nothing of a row', async () => {
  const { server, files } = await source({ pageRows: 1 });
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1, 'Ada') + sent(2, 'Ada').slice(0, -1));
  const page = await files.read(undefined, signal);
  expect(JSON.stringify([page.next, page.items.map(({ position }) => position)])).not.toMatch(/Ada|0d9e6c1e/);
});

test('Latin-1, a byte order mark, line ends of Windows and other separators are read as the settings say', async () => {
  const { server, open } = await source();
  const headings = 'id,status,failureType,eventDate,deliveryLabel,externalId\r\n';
  server.put(
    'deliveryLogs_1.csv',
    Buffer.from(`${headings}1,1,0,2024/07/15 12:00:00,"Caf\u00e9, \u0080",${contact(1)}\r\n`, 'latin1'),
  );
  const latin = open({ form: { ...form, encoding: 'latin1', timeZone: 'Europe/Paris' } });
  expect((await drain(latin)).items).toMatchObject([
    { event: { deliveryLabel: 'Café, €', at: '2024-07-15T10:00:00Z' } },
  ]);
  server.put(
    'deliveryLogs_1.csv',
    `\u{feff}${headings}1,1,0,2024/07/15 12:00:00,Café,${contact(1)}\r\n`,
    200,
  );
  const utf8 = open({ form: { ...form, separator: 'comma' } });
  expect((await drain(utf8)).items).toMatchObject([
    { event: { deliveryLabel: 'Café', at: '2024-07-15T12:00:00Z' } },
  ]);
});

test('a connection that is lost is made anew, and nothing is read twice or left out', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 10_000));
  const first = await files.read(undefined, signal);
  server.drop();
  let drops = 1;
  server.onRead = (_name, offset) => (offset > 400_000 && drops-- > 0 ? 'drop' : 'answer');
  const rest = await drain(files, first.next);
  expect(told([...first.items, ...rest.items])).toEqual(
    Array.from({ length: 10_000 }, (_, index) => `send:${index + 1}`),
  );
  expect(server.connections).toBeGreaterThan(1);
});

test('a server that goes silent is told after the time limit', async () => {
  const { server, open } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1));
  server.onRead = () => 'silence';
  expect(await errorOf(open({ timeLimitMs: 100 }).read(undefined, signal))).toMatchObject({
    code: 'SFTP_UNREACHABLE',
    class: 'retry',
  });
});

test('a caller that gives up is answered at once, and a closed source can be read again', async () => {
  const { server, open } = await source();
  const files = open({ timeLimitMs: 60_000 });
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1));
  let asked: () => void = () => undefined;
  let isAsked = new Promise<void>((resolve) => (asked = resolve));
  server.onRead = () => {
    asked();
    return 'silence';
  };
  const control = new AbortController();
  const givenUp = files.read(undefined, control.signal);
  await isAsked;
  control.abort(new Error('given up'));
  await expect(givenUp).rejects.toThrow('given up');
  isAsked = new Promise<void>((resolve) => (asked = resolve));
  const closed = errorOf(files.read(undefined, signal));
  await isAsked;
  await files.close();
  expect(await closed).toMatchObject({ code: 'SFTP_UNREACHABLE' });
  server.onRead = () => 'answer';
  expect(told((await drain(files)).items)).toEqual(['send:1']);
});

test('a folder that is not there is told with its name', async () => {
  const { open } = await source();
  expect(
    await errorOf(open({ form: { ...form, directory: 'd365_loads/none' } }).read(undefined, signal)),
  ).toMatchObject({
    code: 'SFTP_REFUSED',
    class: 'stop',
    evidence: { subject: 'd365_loads/none' },
  });
});

test('an empty file is nothing, until it is filled', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', '', 100);
  server.put('deliveryLogs_2.txt', HEADINGS, 100);
  const first = await drain(files);
  expect(first.items).toEqual([]);
  server.put('deliveryLogs_1.txt', HEADINGS + sent(1), 200);
  expect(told((await drain(files, first.next)).items)).toEqual(['send:1']);
});

test('a server that answers with less than it was asked for loses nothing', async () => {
  const { server, files } = await source();
  server.put('deliveryLogs_1.txt', HEADINGS + sentRows(1, 1_000));
  server.mostBytes = 10_000;
  const { items } = await drain(files);
  expect(told(items)).toEqual(Array.from({ length: 1_000 }, (_, index) => `send:${index + 1}`));
});
