import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { list, text, useSandbox, type Json } from '../core/support.js';
import { addProfiles, eventOf, readAll } from '../journal/support.js';
import { connectFiles } from '../sftp/client.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });

beforeEach(() => addProfiles(sandbox, 20));
afterEach(async () => {
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
});

type Row = Record<string, string>;

const send = async (request: object) => (await sandbox.succeed('POST', 'deliveries', request)).json;
const form = (exports: object) => sandbox.succeed('PUT', 'limits', { campaign: { exports } });

async function contentsOf(report: Json): Promise<Buffer[]> {
  const files = await connectFiles(sandbox.ready);
  const contents: Buffer[] = [];
  for (const path of list(report['files'])) contents.push(await files.read(text(path)));
  await files.end();
  return contents;
}

function rowsIn(content: Buffer | undefined): Row[] {
  const [header = '', ...lines] = (content?.toString('utf8') ?? '').trimEnd().split('\n');
  const names = header.split('\t');
  return lines.map((line) =>
    Object.fromEntries(line.split('\t').map((value, place) => [names[place] ?? '', value])),
  );
}

/** Of a delivery: its sends, then its mutations and its tracking. */
async function exportsOf(report: Json): Promise<[Row[], Row[], Row[]]> {
  const [sends, mutations, tracking] = await contentsOf(report);
  return [rowsIn(sends), rowsIn(mutations), rowsIn(tracking)];
}

describe('the log files of a delivery', () => {
  it('hold its sends first, then what became of them', async () => {
    const report = await send({ profiles: 20, opens: 0.4, clicks: 0.1, bounces: 0.1, softBounces: 0.05 });
    const [sends, mutations, tracking] = await exportsOf(report);
    expect(sends).toHaveLength(20);
    const statuses = (rows: Row[]) => rows.map((row) => `${row['status']}/${row['failureType']}`).toSorted();
    expect(statuses(sends)).toEqual([...Array<string>(19).fill('1/0'), '2/1']);
    const failed = mutations.filter((row) => row['failureType'] === '2');
    expect(failed).toHaveLength(Number(report['bounces']));
    for (const row of failed) {
      const before = sends.find(({ id }) => id === row['id']);
      expect(before?.['status']).toBe('1');
      expect(['1', '4', '20']).toContain(row['failureReason']);
      expect(
        text(row['lastModified'] as unknown as Json) > text(before?.['lastModified'] as unknown as Json),
      ).toBe(true);
    }
    const types = (type: string) => tracking.filter((row) => row['trackingUrlType'] === type);
    expect(types('2')).toHaveLength(Number(report['opens']));
    expect(types('1')).toHaveLength(Number(report['clicks']));
    for (const row of types('1')) expect(row['urlSource']).toMatch(/^https:\/\/shop\.example\//);
  });

  it('tell the same as the journal', async () => {
    const report = await send({ profiles: 20, opens: 0.5, clicks: 0.2, bounces: 0.1 });
    const [sends, mutations, tracking] = await exportsOf(report);
    const events = (await readAll(sandbox)).map(({ event }) => eventOf(event as Json));
    const seconds = (atMs: number) =>
      new Date(atMs).toISOString().slice(0, 19).replaceAll('-', '/').replace('T', ' ');
    const inJournal = (metric: string) =>
      events
        .filter(({ metrics }) => metrics.includes(`xdm:${metric}`))
        .map(({ log, atMs, externalId }) => [String(log), seconds(atMs), text(externalId)].join(' '))
        .toSorted();
    const inFile = (rows: Row[], log: string, at: string) =>
      rows.map((row) => [row[log], row[at], row['externalId']].join(' ')).toSorted();
    const typed = (type: string) => tracking.filter((row) => row['trackingUrlType'] === type);
    expect(inFile(sends, 'id', 'contactDate')).toEqual(inJournal('sends'));
    expect(inFile(typed('2'), 'broadLog-id', 'logDate')).toEqual(inJournal('opens'));
    expect(inFile(typed('1'), 'broadLog-id', 'logDate')).toEqual(inJournal('clicks'));
    const failed = mutations.filter((row) => row['failureType'] === '2');
    expect(inFile(failed, 'id', 'eventDate')).toEqual(inJournal('nonDeliverables'));
  });

  it('are named by their second, each later than the one before, and repeat the rows on its boundary', async () => {
    const first = await send({ profiles: 20, opens: 0.2 });
    const second = await send({ profiles: 20, opens: 0.2 });
    const named = [first, second].flatMap((report) => list(report['files']).map(text));
    const times = named.map((name) => /Logs_(\d{8}_\d{6})\.txt$/.exec(name)?.[1] ?? '');
    expect(times).toEqual(times.toSorted());
    for (const kind of ['deliveryLogs', 'trackingLogs']) {
      const own = named.filter((name) => name.includes(kind));
      expect(new Set(own).size).toBe(own.length);
    }
    const [before, , trackedBefore] = await exportsOf(first);
    const [after, , trackedAfter] = await exportsOf(second);
    const ids = (rows: Row[]) => rows.map(({ id }) => id);
    expect(ids(after).slice(0, 3)).toEqual(ids(before).slice(-3));
    expect(after).toHaveLength(23);
    expect(ids(trackedAfter).slice(0, 3)).toEqual(ids(trackedBefore).slice(-3));
  });

  it('mark proofs and seeds, and leave a missing external id empty', async () => {
    const [sends] = await exportsOf(await send({ profiles: 1, proofs: 1, seeds: 1, withoutExternalId: 1 }));
    expect(sends.map((row) => row['testMember'])).toEqual(['0', '1', '1', '0']);
    expect(sends[3]?.['externalId']).toBe('');
  });
});

describe('their form', () => {
  it('is as the limits say', async () => {
    await form({ separator: 'semicolon', quote: 'double', lineEnd: 'crlf', gzip: true, encoding: 'latin1' });
    const report = await send({ profiles: 1, label: 'Été; "50 %" – 東京' });
    const [path] = list(report['files']).map(text);
    expect(path).toMatch(/\.txt\.gz$/);
    const [content] = await contentsOf(report);
    const [header, row] = gunzipSync(content ?? Buffer.alloc(0))
      .toString('latin1')
      .split('\r\n');
    expect(header?.startsWith('"id";"status";"failureType"')).toBe(true);
    expect(row).toContain('"Été; ""50 %"" ? ??"');
  });

  it('without a header and quotes: a separator inside a value becomes a space', async () => {
    await form({ separator: 'comma', header: false });
    const [content] = await contentsOf(await send({ profiles: 1, label: 'One, two' }));
    const lines = (content?.toString('utf8') ?? '').trimEnd().split('\n');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.split(',')[10]).toBe('One  two');
  });

  it('that does not exist is refused', async () => {
    const answer = await sandbox.control('PUT', 'limits', {
      campaign: { exports: { separator: 'pipe', gzip: 'yes' } },
    });
    expect(answer.status).toBe(400);
    expect(list(answer.json['errors'])).toHaveLength(2);
  });
});
