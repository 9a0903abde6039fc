import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});
const nothing = {
  read: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  deleted: 0,
  parked: 0,
  held: 0,
};

onBothBackends('runs', (under) => {
  test('add up the pages of all feeds that work on them, also after a pause', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    let feed = await ledger.commitPage(await take(ledger, flow), [created('a'), created('b')], at('full'));
    await ledger.finishRun(flow, 'run', 'waiting');
    await ledger.startRun(flow, 'run');
    await ledger.startRun(flow, 'run');
    feed = await take(ledger, flow);
    expect(feed).toMatchObject({ runId: 'run', counts: { ...nothing, read: 2, created: 2 } });
    feed = await ledger.commitPage(feed, [{ sourceId: 'c', outcome: 'filtered' }], at('full'));
    expect(feed.counts).toEqual({ ...nothing, read: 3, created: 2, filtered: 1 });
  });

  test('are not counted while none is open', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await ledger.commitPage(await take(ledger, flow), [created('a')], at('full'));
    expect(feed.counts).toEqual(nothing);
    expect(feed).not.toHaveProperty('runId');
  });

  test('that counted nothing leave the last one that did in the summary, but say how they ended', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'first');
    let feed = await ledger.commitPage(await take(ledger, flow), [created('a')], at('full'));
    expect(await ledger.summary(flow)).not.toHaveProperty('outcome');
    await ledger.finishRun(flow, 'first', 'in-sync');
    expect(await ledger.summary(flow)).toMatchObject({
      phase: 'full',
      counts: { ...nothing, read: 1, created: 1 },
      outcome: 'in-sync',
    });

    await ledger.startRun(flow, 'idle');
    feed = await ledger.commitPage(feed, [], at('following', 'delta'));
    expect(feed).toMatchObject({ runId: 'idle', counts: nothing });
    expect(await ledger.summary(flow)).toMatchObject({ outcome: 'in-sync' });
    await ledger.finishRun(flow, 'idle', 'failed', 'DYNAMICS_CREDENTIALS');
    const summary = await ledger.summary(flow);
    expect(summary).toMatchObject({
      phase: 'following',
      counts: { ...nothing, read: 1, created: 1 },
      outcome: 'failed',
      errorCode: 'DYNAMICS_CREDENTIALS',
    });
    await ledger.finishRun(flow, 'idle', 'in-sync');
    expect(await ledger.summary(flow)).not.toHaveProperty('errorCode');
  });

  test('are summed up with what there is now, and how fast it went', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    expect(await ledger.summary(flow)).toEqual({
      counts: nothing,
      now: { managed: 0, parked: 0, held: 0 },
      seconds: 0,
      rowsPerSecond: 0,
      errors: {},
    });
    await ledger.startRun(flow, 'run');
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      ['a', 'b', 'c', 'd'].map(created),
      at('full'),
    );
    await sql`update ledger.run set worked_from = worked_until - interval '3 seconds' where flow = ${flow}`.execute(
      database,
    );
    const park = (sourceId: string, code: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code },
    });
    await ledger.commitPage(
      feed,
      [
        { sourceId: 'a', outcome: 'held' },
        park('b', 'TEXT_TOO_LONG'),
        park('x', 'TEXT_TOO_LONG'),
        park('y', 'FIELD_UNKNOWN'),
      ],
      at('full'),
    );
    const summary = await ledger.summary(flow);
    expect(summary).toMatchObject({
      counts: { read: 8, created: 4, held: 1, parked: 3 },
      now: { managed: 4, parked: 3, held: 1 },
      errors: { TEXT_TOO_LONG: 2, FIELD_UNKNOWN: 1 },
    });
    expect(summary.seconds).toBeGreaterThanOrEqual(3);
    expect(summary.rowsPerSecond).toBeCloseTo(8 / summary.seconds);
    expect(Math.abs(Date.parse(summary.lastCommitAt ?? '') - Date.now())).toBeLessThan(10_000);
  });

  test('of long ago are forgotten, but not the last', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    for (const run of ['old', 'last']) {
      await ledger.startRun(flow, run);
      feed = await ledger.commitPage(feed, [created(run)], at('full'));
      await ledger.finishRun(flow, run, 'in-sync');
      const age = sql`interval '100 days'`;
      await sql`update ledger.run set started_at = started_at - ${age}, finished_at = finished_at - ${age} where flow = ${flow}`.execute(
        database,
      );
    }
    await ledger.startRun(flow, 'idle');
    await ledger.finishRun(flow, 'idle', 'in-sync');
    const { rows } = await sql`select run_id from ledger.run where flow = ${flow}`.execute(database);
    expect(rows).toEqual([{ run_id: 'last' }]);
    expect((await ledger.summary(flow)).counts.read).toBe(1);
  });
});

onBothBackends('flows at a glance', (under) => {
  test('tell totals, what is set aside by code, and how and when each flow ended', async () => {
    const { ledger, freshFlow } = under();
    const [flow, other, unknown] = [freshFlow(), freshFlow(), freshFlow()];
    const of = async (name: string) => (await ledger.flowStates()).find((each) => each.flow === name);
    await ledger.startRun(flow, 'first');
    const parked = (sourceId: string, code: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code },
    });
    const rows = [created('a'), created('b'), parked('c', 'TEXT_TOO_LONG'), parked('d', 'PARENT_MISSING')];
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      [...rows, parked('e', 'PARENT_MISSING')],
      at('full'),
    );
    await ledger.commitPage(feed, [{ sourceId: 'a', outcome: 'held' }], at('full'));
    expect(await of(flow)).toEqual({
      flow,
      phase: 'full',
      managed: 2,
      held: 1,
      parked: { TEXT_TOO_LONG: 1, PARENT_MISSING: 2 },
      gaps: 0,
      lastCommitAt: (await ledger.summary(flow)).lastCommitAt,
    });

    await ledger.finishRun(flow, 'first', 'waiting');
    const { lastSuccessAt } = (await of(flow)) ?? {};
    expect(Date.parse(lastSuccessAt ?? '')).not.toBeNaN();
    await ledger.finishRun(flow, 'second', 'failed', 'CAMPAIGN_CREDENTIALS');
    await ledger.finishRun(other, 'first', 'failed', 'DYNAMICS_CREDENTIALS');
    await ledger.startRun(flow, 'third');
    expect(await of(flow)).toMatchObject({ failedWith: 'CAMPAIGN_CREDENTIALS', lastSuccessAt });
    expect(await of(other)).toEqual({
      flow: other,
      managed: 0,
      held: 0,
      parked: {},
      gaps: 0,
      failedWith: 'DYNAMICS_CREDENTIALS',
    });
    expect(await of(unknown)).toBeUndefined();

    await ledger.finishRun(flow, 'third', 'in-sync');
    const ended = await of(flow);
    expect(ended).not.toHaveProperty('failedWith');
    expect(Date.parse(ended?.lastSuccessAt ?? '')).toBeGreaterThan(Date.parse(lastSuccessAt ?? ''));
  });
});

onBothBackends('the deletion window', (under) => {
  test('counts the deletions of 24 hours against what was managed when they began', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    const ids = Array.from({ length: 10 }, (_, index) => `id ${index}`);
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 0, managedAtStart: 0 });
    const remove = (sourceId: string): RowOutcome => ({ sourceId, outcome: 'deleted' });
    const passHours = (hours: number) =>
      sql`update ledger.tally set at = at - ${hours}::integer * interval '1 hour' where flow = ${flow}`.execute(
        database,
      );

    let feed = await ledger.commitPage(await take(ledger, flow), ids.map(created), at('full'));
    await passHours(25);
    feed = await ledger.commitPage(feed, [remove('id 0'), remove('id 1'), remove('unknown')], at('full'));
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 2, managedAtStart: 10 });

    // A record that comes back does not undo its deletion.
    await passHours(10);
    feed = await ledger.commitPage(feed, [created('id 0'), created('new')], at('full'));
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 2, managedAtStart: 10 });
    feed = await ledger.commitPage(feed, [remove('id 0')], at('full'));
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 3, managedAtStart: 10 });

    await passHours(15);
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 1, managedAtStart: 8 });
    await passHours(24);
    await ledger.commitPage(feed, [remove('new')], at('full'));
    expect(await ledger.deletionWindow(flow)).toEqual({ deleted: 1, managedAtStart: 9 });
    const { rows } = await sql`select count(*) as kept from ledger.tally where flow = ${flow}`.execute(
      database,
    );
    expect(rows).toEqual([{ kept: 3 }]);
  });

  test('counts a deletion once that an interrupted page recorded', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(await take(ledger, flow), [created('a'), created('b')], at('full'));
    const deleted: RowOutcome = { sourceId: 'a', outcome: 'deleted' };
    feed = await ledger.commitPage(feed, [deleted]);
    await ledger.commitPage(feed, [deleted], at('full'));
    expect((await ledger.deletionWindow(flow)).deleted).toBe(1);
  });
});
