import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { createOptOutFiles, type OptOutFilesSettings } from '../../src/campaign/opt-out-files.js';
import type { OptOutCursor, OptOutItem, OptOutSource } from '../../src/campaign/opt-out-source.js';
import { optOutFilesDefaults } from '../../src/mapping/opt-out-files-schema.js';
import { errorOf } from './scripted-campaign.js';
import { sftpServer } from './sftp-server.js';

const contact = (n: number): string => `0d9e6c1e-0000-4000-8000-${String(n).padStart(12, '0')}`;
const NOW = Date.UTC(2024, 7, 1);
const EXPORT = 'optOuts_20240731_020000.txt';
const HEADINGS =
  'externalId\tblackListEmail\tblackListEmailLastModified\tblackListPushnotification\tblackListPushnotificationLastModified\n';
const STAMP = '2024-05-02 08:44:49.366Z';
const row = (n: number, email = '1', stamp = STAMP, push = '0', pushStamp = ''): string =>
  `${contact(n)}\t${email}\t${stamp}\t${push}\t${pushStamp}\n`;
const rows = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, index) => row(from + index)).join('');

/** A source on a server of its own, on a clock that the test moves. */
async function source(
  given: Partial<OptOutFilesSettings['form']> & {
    flags?: OptOutFilesSettings['flags'];
    pageRows?: number;
  } = {},
) {
  const server = await sftpServer({ folder: 'd365_loads/exports' });
  const clock = { nowMs: NOW };
  const {
    flags = [{ name: 'blackListEmail' }, { name: 'blackListPushnotification' }],
    pageRows = 2_000,
    ...form
  } = given;
  const open = (over: Partial<OptOutFilesSettings> = {}): OptOutSource =>
    createOptOutFiles({
      host: server.host,
      port: server.port,
      user: server.user,
      privateKey: server.privateKey,
      hostKey: server.hostKeys[0]?.fingerprint ?? '',
      timeLimitMs: 2_000,
      settleMs: 60_000,
      pageRows,
      nowMs: () => clock.nowMs,
      flags,
      ...over,
      form: { ...optOutFilesDefaults, ...form, ...over.form },
    });
  return { server, clock, open, files: open() };
}

const signal = new AbortController().signal;

/** Everything the source has now. */
async function drain(files: OptOutSource, cursor?: OptOutCursor) {
  const items: OptOutItem[] = [];
  let at = cursor;
  let page;
  do {
    page = await files.read(at, signal);
    items.push(...page.items);
    at = page.next;
  } while (page.more);
  return { items, next: page.next, page };
}

/** `1: Email Push` for a contact that is opted out of both. */
const told = (items: OptOutItem[]): string[] =>
  items.map((item) => {
    if (item.kind === 'fault') return `${item.code} ${item.field ?? ''}`.trim();
    const optedOut = Object.entries(item.flags).filter((flag) => flag[1].optedOut);
    return `${Number(item.externalId.slice(-12))}: ${optedOut.map(([name]) => name.slice(9)).join(' ')}`.trim();
  });

test('a row gives every flag that is asked for, with its stamp where there is one', async () => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1) + row(2, '0', '', '1'));
  expect((await drain(files)).items).toMatchObject([
    {
      kind: 'flags',
      externalId: contact(1),
      flags: {
        blackListEmail: { optedOut: true, stamp: '2024-05-02T08:44:49.366Z' },
        blackListPushnotification: { optedOut: false },
      },
    },
    {
      kind: 'flags',
      externalId: contact(2),
      flags: { blackListEmail: { optedOut: false }, blackListPushnotification: { optedOut: true } },
    },
  ]);
});

test('a flag whose column of stamps is missing has none', async () => {
  const { server, files } = await source({ flags: [{ name: 'blackListEmail' }] });
  server.put(EXPORT, `@externalId,blacklistemail\n${contact(1)},1\n`);
  const [item] = (await drain(files)).items;
  expect(item).toMatchObject({ kind: 'flags' });
  expect(item?.kind === 'flags' && item.flags).toEqual({ blackListEmail: { optedOut: true } });
});

test('columns have the headings that the settings give them', async () => {
  const flags = [{ name: 'blackListEmail', stamp: 'blackListAllLastModified' }, { name: 'blackListFax' }];
  const columns = { blackListFax: { value: 'Désabonné', stamp: 'le' } };
  const { server, files } = await source({ flags, externalId: 'crmId', columns, encoding: 'latin1' });
  server.put(
    EXPORT,
    Buffer.from(
      `crmId;blackListEmail;blackListAllLastModified;Désabonné;le\n${contact(1)};1;2024/05/02 08:00:00;1;2024/05/03 08:00:00\n`,
      'latin1',
    ),
  );
  expect((await drain(files)).items).toMatchObject([
    {
      externalId: contact(1),
      flags: {
        blackListEmail: { stamp: '2024-05-02T08:00:00.000Z' },
        blackListFax: { optedOut: true, stamp: '2024-05-03T08:00:00.000Z' },
      },
    },
  ]);
});

test('a stamp that does not say its zone is of the zone of the settings', async () => {
  const { server, files } = await source({ timeZone: 'Europe/Paris' });
  server.put(EXPORT, HEADINGS + row(1, '1', '2024/07/15 12:00:00'));
  expect((await drain(files)).items).toMatchObject([
    { flags: { blackListEmail: { stamp: '2024-07-15T10:00:00.000Z' } } },
  ]);
});

test.each([
  ['1', true],
  ['true', true],
  ['TRUE', true],
  ['Yes', true],
  [' 1 ', true],
  ['0', false],
  ['False', false],
  ['no', false],
])('%j says opted out: %s', async (value, optedOut) => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1, value));
  expect((await drain(files)).items).toMatchObject([{ flags: { blackListEmail: { optedOut } } }]);
});

test.each([
  ['an empty flag', row(2, ''), 'blackListEmail'],
  ['a flag that says neither', row(2, 'peut-être'), 'blackListEmail'],
  ['a flag with the name of something else', row(2, 'constructor'), 'blackListEmail'],
  ['a stamp that is no time', row(2, '1', 'last spring'), 'blackListEmailLastModified'],
  ['a stamp of a day that never was', row(2, '1', '2024-02-30 08:00:00Z'), 'blackListEmailLastModified'],
  ['a stamp far ahead', row(2, '1', '2024-08-02 00:00:01Z'), 'blackListEmailLastModified'],
  ['a stamp before all time', row(2, '1', '1969-12-31 23:59:59Z'), 'blackListEmailLastModified'],
  ['a bad stamp of another flag', row(2, '1', STAMP, '1', '-'), 'blackListPushnotificationLastModified'],
])('%s is told by its column and contact, and the rows around it go on', async (_name, bad, field) => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1) + bad + row(3));
  const { items } = await drain(files);
  expect(told(items)).toEqual(['1: Email', `OPT_OUT_UNREADABLE ${field}`, '3: Email']);
  expect(items[1]).toMatchObject({ key: contact(2) });
  expect(await files.reread(items[1]?.position ?? '')).toEqual(items[1]);
});

test('a stamp may be a day ahead of our clock', async () => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1, '1', '2024-08-02 00:00:00Z'));
  expect(told((await drain(files)).items)).toEqual(['1: Email']);
});

test('a row of other columns is told, and nothing of it is believed', async () => {
  const { server, files } = await source();
  server.put(EXPORT, `${HEADINGS}${contact(1)}\t1\n${row(2).trimEnd()}\t0\textra\n${row(3)}`);
  const { items } = await drain(files);
  expect(told(items)).toEqual(['OPT_OUT_UNREADABLE row', 'OPT_OUT_UNREADABLE row', '3: Email']);
  expect(JSON.stringify(items.slice(0, 2))).not.toContain('0d9e6c1e');
});

test('profiles without an external id are passed over, and those with another than a contact has are given', async () => {
  const { server, files } = await source();
  const other = (id: string, email = '1'): string => row(1, email).replace(contact(1), id);
  server.put(
    EXPORT,
    HEADINGS + other('') + other('Shop-17') + other(`{${contact(4).toUpperCase()}}`) + other('', '?'),
  );
  const { items } = await drain(files);
  expect(items).toMatchObject([{ externalId: 'shop-17' }, { externalId: contact(4) }]);
});

test('a faulty row of an external id that is no contact’s does not tell it', async () => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1, '?').replace(contact(1), 'ada@example.org'));
  const { items, next } = await drain(files);
  expect(items).toMatchObject([{ kind: 'fault', key: `row:${EXPORT}:1`, field: 'blackListEmail' }]);
  expect(JSON.stringify([items, next])).not.toContain('ada');
});

test('rows of one profile are all given, in the order of the files', async () => {
  const { server, files } = await source();
  server.put('optOuts_20240731_020000.txt', HEADINGS + row(1) + row(1, '0') + row(1), 200);
  server.put('optOuts_20240730_020000.txt.gz', gzipSync(HEADINGS + row(1, '0', STAMP, '1')), 100);
  expect(told((await drain(files)).items)).toEqual(['1: Pushnotification', '1: Email', '1:', '1: Email']);
});

test.each([
  ['externalId', 'blackListEmail\n1\n', 'externalId'],
  ['a flag', `externalId\tblackListEmail\n${contact(1)}\t1\n`, 'blackListPushnotification'],
])(
  'a file without the column of %s is told by its heading, and the others go on',
  async (_name, text, heading) => {
    const { server, files, open } = await source();
    server.put('optOuts_20240730_020000.txt', text, 100);
    server.put(EXPORT, HEADINGS + row(2), 200);
    const first = await drain(files);
    expect(told(first.items)).toEqual([`EXPORT_FILE_COLUMN_MISSING ${heading}`, '2: Email']);
    const [fault] = first.items;
    expect(await files.reread(fault?.position ?? '')).toEqual(fault);
    expect((await drain(open(), first.next)).items).toEqual([]);
  },
);

test('a file that lacked a flag is read when the flag is not asked for any more', async () => {
  const { server, files, open } = await source();
  server.put(EXPORT, `externalId\tblackListEmail\n${contact(1)}\t1\n`);
  const refused = await drain(files);
  const fewer = open({ flags: [{ name: 'blackListEmail' }] });
  expect(told((await drain(fewer, refused.next)).items)).toEqual(['1: Email']);
});

test('the time of the newest file is told with every page, read already or not', async () => {
  const { server, files } = await source({ pageRows: 10 });
  expect((await drain(files)).page.newestAt).toBeUndefined();
  server.put('optOuts_20240730_020000.txt', HEADINGS + rows(1, 15), 1_722_304_800);
  server.put(EXPORT, HEADINGS + rows(1, 15), 1_722_391_200);
  server.put('notes.md', 'none of ours', 1_722_400_000);
  const first = await files.read(undefined, signal);
  expect(first).toMatchObject({ more: true, newestAt: '2024-07-31T02:00:00.000Z' });
  const rest = await drain(files, first.next);
  expect(rest.page.newestAt).toBe('2024-07-31T02:00:00.000Z');
  const later = await drain(files, rest.next);
  expect(later).toMatchObject({ items: [], page: { newestAt: '2024-07-31T02:00:00.000Z' } });
});

test('a read file is left alone, and another process goes on at the row of the cursor', async () => {
  const { server, open } = await source({ pageRows: 10 });
  server.put(EXPORT, HEADINGS + rows(1, 25));
  const first = await open().read(undefined, signal);
  const next = JSON.parse(JSON.stringify(first.next)) as OptOutCursor;
  const rest = await drain(open(), next);
  expect(told(rest.items)).toEqual(Array.from({ length: 15 }, (_, index) => `${index + 11}: Email`));
  const opened = server.asked.length;
  expect((await drain(open(), rest.next)).items).toEqual([]);
  expect(server.asked.slice(opened)).toEqual(['readdir']);
});

test('a half-uploaded file gives its whole rows, and the rest once it is there or still', async () => {
  const { server, clock, files } = await source();
  const whole = HEADINGS + rows(1, 3);
  server.put(EXPORT, whole.slice(0, whole.length - row(3).length - 20), 100);
  const first = await drain(files);
  expect(first.page.waitMs).toBe(60_000);
  server.put(EXPORT, whole.slice(0, -1), 101);
  const second = await drain(files, first.next);
  clock.nowMs += 60_000;
  const third = await drain(files, second.next);
  expect([first, second, third].map(({ items }) => told(items))).toEqual([
    ['1: Email'],
    ['2: Email'],
    ['3: Email'],
  ]);
});

test('a file that vanishes or becomes shorter before it was read to its end is told', async () => {
  const { server, files } = await source({ pageRows: 10 });
  server.put('optOuts_20240730_020000.txt', HEADINGS + rows(1, 3_000), 100);
  server.put(EXPORT, (HEADINGS + rows(4_001, 4_002)).slice(0, -1), 200);
  const { next } = await files.read(undefined, signal);
  await files.close();
  server.files.delete('optOuts_20240730_020000.txt');
  const second = await drain(files, next);
  expect(told(second.items)).toEqual(['EXPORT_FILE_CUT_SHORT', '4001: Email']);
  server.put(EXPORT, HEADINGS + row(5_001), 300);
  const third = await drain(files, second.next);
  expect(told(third.items)).toEqual(['EXPORT_FILE_CUT_SHORT', '5001: Email']);
});

test('a file that is written over is read from its first row, however alike it looks', async () => {
  const { server, files } = await source({ exports: 'daily.csv', pageRows: 50 });
  server.put('daily.csv', HEADINGS + rows(1, 99) + row(100, '0'), 100);
  const first = await drain(files);
  server.put('daily.csv', HEADINGS + rows(1, 100), 200);
  const part = await files.read(first.next, signal);
  expect(told(part.items)).toEqual(told(first.items).slice(0, 50));
  server.put('daily.csv', HEADINGS + row(1, '0') + rows(2, 100), 300);
  await files.close();
  const second = await drain(files, part.next);
  expect(told(second.items)).toEqual(['1:', ...told(first.items).slice(1, 99), '100: Email']);
});

test('a file that cannot be opened is told once, tried again, and holds up nothing', async () => {
  const { server, files } = await source();
  server.put('optOuts_20240730_020000.txt', HEADINGS + row(1), 100);
  server.put(EXPORT, HEADINGS + row(2), 200);
  server.refuseOpen = (name) => name !== EXPORT;
  const first = await drain(files);
  expect(told(first.items)).toEqual(['EXPORT_FILE_UNREADABLE', '2: Email']);
  expect((await drain(files, first.next)).items).toEqual([]);
  server.refuseOpen = () => false;
  expect(told((await drain(files, first.next)).items)).toEqual(['1: Email']);
});

test('every row is read again from its position, packed or not, by another process too', async () => {
  const { server, files, open } = await source();
  const text = HEADINGS + row(1) + row(2, '?') + row(3, '"yes"');
  server.put('optOuts_20240730_020000.txt', text, 100);
  server.put(`${EXPORT}.gz`, gzipSync(text), 200);
  const { items } = await drain(files);
  const once = ['1: Email', 'OPT_OUT_UNREADABLE blackListEmail', '3: Email'];
  expect(told(items)).toEqual([...once, ...once]);
  const again = open();
  for (const item of items) expect(await again.reread(item.position)).toEqual(item);
  server.files.clear();
  for (const item of items) expect(await again.reread(item.position)).toBeUndefined();
});

test('a cursor and positions hold nothing of a row', async () => {
  const { server, files } = await source({ pageRows: 1 });
  server.put(EXPORT, HEADINGS + rows(1, 2).slice(0, -1));
  const page = await files.read(undefined, signal);
  expect(page.items).toHaveLength(1);
  expect(JSON.stringify([page.next, page.items.map(({ position }) => position)])).not.toContain('0d9e6c1e');
});

test('a cursor of another source begins at the first file', async () => {
  const { server, files } = await source();
  server.put(EXPORT, HEADINGS + row(1));
  expect(told((await drain(files, { source: 'changes' })).items)).toEqual(['1: Email']);
});

test('a folder that is not there is told with its name', async () => {
  const { files } = await source({ directory: 'd365_loads/none' });
  expect(await errorOf(files.read(undefined, signal))).toMatchObject({
    code: 'SFTP_REFUSED',
    class: 'stop',
    evidence: { subject: 'd365_loads/none' },
  });
});
