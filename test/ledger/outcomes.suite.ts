import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const created = (sourceId: string, content = 'v1'): RowOutcome => ({
  sourceId,
  outcome: 'created',
  sourceVersion: '1',
  accepted: prints(content),
});
const parked = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'parked',
  sourceVersion: '2',
  fault: { code: 'TEXT_TOO_LONG', field: 'lastName' },
});

onBothBackends('outcomes', (under) => {
  test('are kept with the cursor and counted, repeats are not', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      [
        created('a'),
        { sourceId: 'b', outcome: 'filtered', sourceVersion: '7' },
        parked('c'),
        { sourceId: 'd', outcome: 'unchanged', accepted: prints('d') },
        { sourceId: 'e', outcome: 'repeat' },
      ],
      at('full', 'next'),
    );
    expect(feed).toMatchObject({ version: 1, position: at('full', 'next'), runId: 'run' });
    expect(feed.counts).toEqual({
      read: 4,
      created: 1,
      updated: 0,
      unchanged: 1,
      filtered: 1,
      deleted: 0,
      parked: 1,
      held: 0,
    });
    const records = await ledger.records(flow, ['a', 'b', 'c', 'd', 'e', 'unknown']);
    expect([...records.keys()].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(records.get('a')).toMatchObject({
      state: 'managed',
      managed: true,
      ...prints('v1'),
      sourceVersion: '1',
    });
    expect(records.get('b')).toMatchObject({ state: 'filtered', managed: false, sourceVersion: '7' });
    expect(records.get('c')).toMatchObject({ state: 'parked', managed: false, sourceVersion: '2' });
    expect(records.get('d')).toMatchObject({ state: 'managed', managed: true, ...prints('d') });
  });

  test('of an interrupted page leave the cursor, are found by the retry and are counted once', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    const feed = await take(ledger, flow);
    const interrupted = await ledger.commitPage(feed, [created('a'), parked('b')]);
    expect(interrupted).toMatchObject({ version: 0, position: undefined, counts: { read: 0 } });
    const known = await ledger.records(flow, ['a', 'b']);
    expect(known.get('a')).toMatchObject({ outcomeVersion: 0, outcome: 'created' });
    expect(known.get('b')).toMatchObject({ outcomeVersion: 0, outcome: 'parked' });

    const told: RowOutcome[] = [
      { sourceId: 'a', outcome: 'created', sourceVersion: '1' },
      { sourceId: 'b', outcome: 'parked', sourceVersion: '2' },
    ];
    const committed = await ledger.commitPage(interrupted, [...told, created('c')], at('full'));
    expect(committed.counts).toMatchObject({ read: 3, created: 2, parked: 1 });
    expect((await ledger.records(flow, ['a'])).get('a')).toMatchObject(prints('v1'));
    expect(await ledger.parked({ flow, limit: 9 })).toMatchObject([
      { sourceId: 'b', attempts: 1, code: 'TEXT_TOO_LONG' },
    ]);
  });

  test('never advance a fingerprint without acceptance', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(
      await take(ledger, flow),
      ['a', 'b', 'c', 'd'].map((id) => created(id)),
      at('full'),
    );
    feed = await ledger.commitPage(
      feed,
      [
        { ...parked('a'), accepted: prints('v2') },
        { sourceId: 'b', outcome: 'held', accepted: prints('v2') },
        { sourceId: 'c', outcome: 'updated' },
        { sourceId: 'd', outcome: 'updated', accepted: { full: '', following: 'following v2' } },
      ],
      at('full'),
    );
    const records = await ledger.records(flow, ['a', 'b', 'c', 'd']);
    expect(records.get('a')).toMatchObject({ state: 'parked', managed: true, ...prints('v1') });
    expect(records.get('b')).toMatchObject({ state: 'held', managed: true, ...prints('v1') });
    expect(records.get('c')).toMatchObject({ state: 'managed', managed: true });
    expect(records.get('c')).not.toHaveProperty('full');
    expect(records.get('d')).not.toHaveProperty('full');
    expect(records.get('d')).toMatchObject({ following: 'following v2' });
  });

  test('of a deletion leave a gone record, and no row of an id that was never known', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(await take(ledger, flow), [created('a'), parked('b')], at('full'));
    feed = await ledger.commitPage(
      feed,
      [
        { sourceId: 'a', outcome: 'deleted' },
        { sourceId: 'b', outcome: 'unchanged', gone: true },
        { sourceId: 'never', outcome: 'unchanged', gone: true },
        { sourceId: 'neither', outcome: 'deleted' },
      ],
      at('full'),
    );
    const records = await ledger.records(flow, ['a', 'b', 'never', 'neither']);
    expect([...records.keys()].sort()).toEqual(['a', 'b']);
    expect(records.get('a')).toMatchObject({ state: 'gone', managed: false, sourceVersion: '1' });
    expect(records.get('a')).not.toHaveProperty('full');
    expect(records.get('b')).toMatchObject({ state: 'gone', managed: false });
    expect(await ledger.parked({ flow, limit: 9 })).toEqual([]);
    expect((await ledger.summary(flow)).now).toEqual({ managed: 0, parked: 0, held: 0 });
  });

  test('of a managed record that Campaign is to keep leave it managed', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await ledger.commitPage(await take(ledger, flow), [created('a')], at('full'));
    await ledger.commitPage(feed, [{ sourceId: 'a', outcome: 'unchanged' }], at('full'));
    expect((await ledger.records(flow, ['a'])).get('a')).toMatchObject({
      state: 'managed',
      managed: true,
      ...prints('v1'),
    });
  });

  test('count an id twice that a page holds twice, and keep the later outcome', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      [created('a'), { sourceId: 'a', outcome: 'updated', accepted: prints('v2') }],
      at('full'),
    );
    expect(feed.counts).toMatchObject({ read: 2, created: 1, updated: 1 });
    expect((await ledger.records(flow, ['a'])).get('a')).toMatchObject(prints('v2'));
  });

  test('take the intent mark off once they settle the create, and only then', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await take(ledger, flow);
    const ids = ['accepted', 'parked', 'refused', 'filtered', 'deleted'];
    await ledger.markIntents(feed, ids);
    const marked = await ledger.records(flow, ids);
    expect([...marked.values()].map(({ state, managed }) => ({ state, managed }))).toEqual(
      ids.map(() => ({ state: 'missing', managed: false })),
    );
    expect(marked.get('accepted')?.intentAgeMs).toBeLessThan(10_000);
    await ledger.commitPage(
      feed,
      [
        created('accepted'),
        parked('parked'),
        { ...parked('refused'), createRefused: true },
        { sourceId: 'filtered', outcome: 'filtered' },
        { sourceId: 'deleted', outcome: 'deleted' },
      ],
      at('full'),
    );
    const records = await ledger.records(flow, ids);
    const stillMarked = ids.filter((id) => records.get(id)?.intentAgeMs !== undefined);
    expect(stillMarked).toEqual(['parked', 'filtered']);
  });

  test('an intent mark is no older than the opening that found it: until then its call may have been sent', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    const feed = await take(ledger, flow);
    await ledger.markIntents(feed, ['a']);
    await sql`update ledger.record set intent_at = now() - interval '1 hour' where flow = ${flow}`.execute(
      database,
    );
    await ledger.closeFeed(feed);
    await take(ledger, flow, 'successor');
    expect((await ledger.records(flow, ['a'])).get('a')?.intentAgeMs).toBeLessThan(10_000);
  });

  test('an intent mark that is renewed is young again and keeps its page', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    await ledger.markIntents(feed, ['a', 'a']);
    await sql`update ledger.record set intent_at = now() - interval '1 hour' where flow = ${flow}`.execute(
      database,
    );
    await sql`update ledger.feed set opened_at = now() - interval '2 hours' where flow = ${flow}`.execute(
      database,
    );
    expect((await ledger.records(flow, ['a'])).get('a')?.intentAgeMs).toBeGreaterThan(3_599_000);
    feed = await ledger.commitPage(feed, [], at('full'));
    await ledger.markIntents(feed, ['a']);
    expect((await ledger.records(flow, ['a'])).get('a')?.intentAgeMs).toBeLessThan(10_000);
    const { rows } = await sql`select intent_version from ledger.record where flow = ${flow}`.execute(
      database,
    );
    expect(rows).toEqual([{ intent_version: 0 }]);
  });

  test('of a page larger than one statement are all kept', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const ids = Array.from({ length: 4_500 }, (_, index) => `id ${index}`);
    const feed = await take(ledger, flow);
    await ledger.markIntents(feed, ids);
    await ledger.commitPage(
      feed,
      ids.map((id) => created(id)),
      at('full'),
    );
    expect((await ledger.records(flow, ids)).size).toBe(4_500);
    expect((await ledger.summary(flow)).now.managed).toBe(4_500);
  });

  test('take ids and versions as they are, whatever they contain', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const ids = ['{a,"b"}', `it's\\`, 'NULL', 'ключ 鍵 🔑', ' ', 'a:b'];
    const feed = await take(ledger, flow);
    await ledger.commitPage(
      feed,
      ids.map((id) => ({ ...created(id), sourceVersion: '18446744073709551615' })),
      at('full'),
    );
    const records = await ledger.records(flow, ids);
    expect([...records.keys()].sort()).toEqual([...ids].sort());
    expect(records.get('NULL')?.sourceVersion).toBe('18446744073709551615');
  });
});
