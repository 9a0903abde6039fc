import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Feed, RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const park = (sourceId: string, code = 'TEXT_TOO_LONG', waitsFor?: string): RowOutcome => ({
  sourceId,
  outcome: 'parked',
  fault: { code, ...(waitsFor !== undefined && { waitsFor }) },
});
const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});
const MINUTE_MS = 60_000;

onBothBackends('parked rows', (under) => {
  test('keep their first time, count their attempts and come back after growing delays', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    const delays: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt += 1) {
      feed = await ledger.commitPage(
        feed,
        [{ ...park('a'), fault: { code: 'TEXT_TOO_LONG', field: `f${attempt}` } }],
        at('full'),
      );
      const [row] = await ledger.parked({ flow, limit: 1 });
      expect(row).toMatchObject({
        flow,
        sourceId: 'a',
        code: 'TEXT_TOO_LONG',
        field: `f${attempt}`,
        attempts: attempt,
      });
      delays.push((Date.parse(row?.nextAttemptAt ?? '') - Date.parse(row?.lastAt ?? '')) / MINUTE_MS);
    }
    expect(delays).toEqual([1, 5, 30, 120, 720, 1440, 1440]);
    const [row] = await ledger.parked({ flow, limit: 1 });
    expect(Date.parse(row?.firstAt ?? '')).toBeLessThan(Date.parse(row?.lastAt ?? ''));
  });

  test('start anew after any other outcome', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    const others: RowOutcome[] = [
      created('a'),
      { sourceId: 'a', outcome: 'unchanged', accepted: prints('a') },
      { sourceId: 'a', outcome: 'filtered' },
      { sourceId: 'a', outcome: 'held' },
      { sourceId: 'a', outcome: 'deleted' },
    ];
    for (const other of others) {
      feed = await ledger.commitPage(feed, [park('a')], at('full'));
      expect(await ledger.parked({ flow, limit: 9 })).toMatchObject([{ attempts: 1 }]);
      feed = await ledger.commitPage(feed, [other], at('full'));
      expect(await ledger.parked({ flow, limit: 9 })).toEqual([]);
    }
    feed = await ledger.commitPage(feed, [park('a')], at('full'));
    await ledger.commitPage(feed, [{ sourceId: 'a', outcome: 'repeat' }], at('full'));
    expect(await ledger.parked({ flow, limit: 9 })).toMatchObject([{ attempts: 1 }]);
  });

  test('are due when their time has come, in id order', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    const ids = ['c', 'a', 'b', 'later'];
    await ledger.commitPage(
      await take(ledger, flow),
      [...ids.map((id) => park(id)), park('never', 'PARENT_MISSING', 'p:1')],
      at('full'),
    );
    expect(await ledger.dueParked(flow, { after: '', limit: 9 })).toEqual([]);
    const nextMs = await ledger.nextParkedMs(flow);
    expect(nextMs).toBeGreaterThan(MINUTE_MS - 10_000);
    expect(nextMs).toBeLessThanOrEqual(MINUTE_MS);
    await sql`update ledger.parked set next_at = next_at - interval '1 minute' where flow = ${flow} and source_id <> 'later'`.execute(
      database,
    );
    expect(await ledger.dueParked(flow, { after: '', limit: 2 })).toEqual(['a', 'b']);
    expect(await ledger.dueParked(flow, { after: 'b', limit: 2 })).toEqual(['c']);
    expect(await ledger.nextParkedMs(flow)).toBe(0);
  });

  test('that wait for a parent or a duplicate never come back by time', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      feed = await ledger.commitPage(
        feed,
        [park('a', 'PARENT_MISSING', 'p:1'), park('b', 'DUPLICATE_IN_CAMPAIGN')],
        at('full'),
      );
    }
    const rows = await ledger.parked({ flow, limit: 9 });
    expect(rows).toMatchObject([{ attempts: 3, waitsFor: 'p:1' }, { attempts: 3 }]);
    for (const row of rows) expect(row).not.toHaveProperty('nextAttemptAt');
    expect(await ledger.nextParkedMs(flow)).toBeUndefined();
  });

  test('are released when the parent they wait for lands, however it does', async () => {
    const { ledger, freshFlow } = under();
    const parent = freshFlow();
    const child = freshFlow();
    const parents = ['created', 'adopted', 'refused', 'elsewhere'];
    await ledger.commitPage(
      await take(ledger, child),
      parents.map((id) => park(`child of ${id}`, 'PARENT_MISSING', `${parent}:${id}`)),
      at('full'),
    );
    await ledger.commitPage(
      await take(ledger, parent),
      [
        created('created'),
        { sourceId: 'adopted', outcome: 'unchanged', accepted: prints('adopted') },
        park('refused'),
      ],
      at('full'),
    );
    expect(await ledger.dueParked(child, { after: '', limit: 9 })).toEqual([
      'child of adopted',
      'child of created',
    ]);
  });

  test('of one table wait for each other too', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      [park('child', 'PARENT_MISSING', `${flow}:parent`)],
      at('full'),
    );
    await ledger.commitPage(feed, [created('parent')], at('full'));
    expect(await ledger.dueParked(flow, { after: '', limit: 9 })).toEqual(['child']);
  });

  test('whose parent landed in the meantime are due at once, and after a delay when they fail again', async () => {
    const { ledger, freshFlow } = under();
    const parent = freshFlow();
    const child = freshFlow();
    await ledger.commitPage(await take(ledger, parent), [created('1')], at('full'));
    let feed: Feed = await take(ledger, child);
    feed = await ledger.commitPage(feed, [park('a', 'PARENT_MISSING', `${parent}:1`)], at('full'));
    expect(await ledger.dueParked(child, { after: '', limit: 9 })).toEqual(['a']);
    await ledger.commitPage(feed, [park('a', 'PARENT_MISSING', `${parent}:1`)], at('full'));
    expect(await ledger.dueParked(child, { after: '', limit: 9 })).toEqual([]);
    expect(await ledger.nextParkedMs(child)).toBeGreaterThan(4 * MINUTE_MS);
  });

  test('never miss a parent that lands at the same moment', async () => {
    const { ledger, freshFlow } = under();
    const parent = freshFlow();
    const child = freshFlow();
    let parentFeed = await take(ledger, parent);
    let childFeed = await take(ledger, child);
    for (let round = 0; round < 20; round += 1) {
      const ids = Array.from({ length: 20 }, (_, index) => `${round}-${index}`);
      [parentFeed, childFeed] = await Promise.all([
        ledger.commitPage(parentFeed, ids.map(created), at('full')),
        ledger.commitPage(
          childFeed,
          ids.map((id) => park(id, 'PARENT_MISSING', `${parent}:${id}`)),
          at('full'),
        ),
      ]);
    }
    expect(await ledger.dueParked(child, { after: '', limit: 999 })).toHaveLength(400);
  });

  test('are redriven by flow, code and id, whatever they wait for', async () => {
    const { ledger, freshFlow } = under();
    const [one, other] = [freshFlow(), freshFlow()];
    await ledger.commitPage(
      await take(ledger, one),
      [park('a'), park('b', 'PARENT_MISSING', 'p:1')],
      at('full'),
    );
    await ledger.commitPage(await take(ledger, other), [park('a'), park('only here')], at('full'));
    const due = async (flow: string) => (await ledger.dueParked(flow, { after: '', limit: 9 })).join();
    expect(await ledger.redrive({ flow: one, code: 'PARENT_MISSING' })).toBe(1);
    expect([await due(one), await due(other)]).toEqual(['b', '']);
    expect(await ledger.redrive({ flow: other, sourceId: 'a' })).toBe(1);
    expect([await due(one), await due(other)]).toEqual(['b', 'a']);
    expect(await ledger.redrive({ flow: one })).toBe(2);
    expect(await ledger.redrive({ sourceId: 'only here', code: 'TEXT_TOO_LONG' })).toBe(1);
    expect([await due(one), await due(other)]).toEqual(['a,b', 'a,only here']);
    expect(await ledger.redrive({ sourceId: 'nobody' })).toBe(0);
    expect((await ledger.parked({ flow: one, limit: 9 })).map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  test('are listed page by page, none twice and none left out', async () => {
    const { ledger, freshFlow } = under();
    const [one, other] = [freshFlow(), freshFlow()];
    const code = 'CAMPAIGN_REFUSED';
    await ledger.commitPage(
      await take(ledger, one),
      ['a', 'b', 'c'].map((id) => park(id, code)),
      at('full'),
    );
    await ledger.commitPage(
      await take(ledger, other),
      ['b', 'd'].map((id) => park(id, code)),
      at('full'),
    );
    const listed: string[] = [];
    for (let after = ''; ;) {
      const page = await ledger.parked({ code, after, limit: 2 });
      const last = page.at(-1);
      if (!last) break;
      listed.push(...page.map(({ flow, sourceId }) => `${flow === one ? 'one' : 'other'} ${sourceId}`));
      after = last.sourceId;
    }
    expect(listed.sort()).toEqual(['one a', 'one b', 'one c', 'other b', 'other d']);
    expect(await ledger.parked({ flow: other, sourceId: 'b', limit: 9 })).toMatchObject([
      { flow: other, sourceId: 'b', code },
    ]);
  });

  test('are redriven while pages of parents and children commit, without a standstill', async () => {
    const { ledger, freshFlow } = under();
    const parent = freshFlow();
    const child = freshFlow();
    const ids = Array.from({ length: 50 }, (_, index) => `id ${index}`);
    const commits = async (flow: string, rows: (round: number) => RowOutcome[]) => {
      let feed = await take(ledger, flow);
      for (let round = 0; round < 15; round += 1)
        feed = await ledger.commitPage(feed, rows(round), at('full'));
    };
    const redrives = async () => {
      for (let round = 0; round < 15; round += 1) await ledger.redrive({});
    };
    await Promise.all([
      commits(child, (round) =>
        ids
          .toReversed()
          .map((id, index) =>
            (index + round) % 2 ? created(id) : park(id, 'PARENT_MISSING', `${parent}:${id}`),
          ),
      ),
      commits(parent, (round) => ids.map((id, index) => ((index + round) % 3 ? created(id) : park(id)))),
      redrives(),
    ]);
    expect((await ledger.summary(child)).now.parked).toBe(25);
  });
});
