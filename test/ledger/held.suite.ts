import { expect, test } from 'vitest';
import type { Ledger, RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});
const held = (sourceId: string): RowOutcome => ({ sourceId, outcome: 'held' });

async function withHeld(ledger: Ledger, flow: string) {
  const ids = ['a', 'b', 'c', 'd'];
  const loaded = await ledger.commitPage(await take(ledger, flow), ids.map(created), at('following'));
  return ledger.commitPage(loaded, [held('b'), held('c')], at('following'));
}
const now = async (ledger: Ledger, flow: string) => (await ledger.summary(flow)).now;

onBothBackends('a set of held deletions', (under) => {
  test('has a count, a version that rises with every row that joins, and ids', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    expect(await ledger.heldSet(flow)).toEqual({ version: 0, count: 0, ids: [] });
    const feed = await withHeld(ledger, flow);
    const first = await ledger.heldSet(flow);
    expect(first).toMatchObject({ count: 2, ids: ['b', 'c'] });
    await ledger.commitPage(feed, [held('d')], at('following'));
    const second = await ledger.heldSet(flow);
    expect(second).toMatchObject({ count: 3, ids: ['b', 'c', 'd'] });
    expect(second.version).toBeGreaterThan(first.version);
  });

  test('is approved or discarded only as it was seen', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await withHeld(ledger, flow);
    const { version, count } = await ledger.heldSet(flow);
    for (const other of [
      { version: version + 1, count },
      { version, count: count + 1 },
      { version: 0, count: 0 },
    ]) {
      expect(await ledger.approveHeld(flow, other)).toBe(false);
      expect(await ledger.discardHeld(flow, other)).toBe(false);
    }
    expect(await now(ledger, flow)).toEqual({ managed: 4, parked: 0, held: 2 });
  });

  test('that is approved is due, page by page, and its deletions do not count for the brake', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await withHeld(ledger, flow);
    expect(await ledger.approveHeld(flow, await ledger.heldSet(flow))).toBe(true);
    expect(await now(ledger, flow)).toEqual({ managed: 4, parked: 0, held: 0 });
    expect(await ledger.deletionsDue(flow, { after: '', limit: 1 })).toEqual(['b']);
    expect(await ledger.deletionsDue(flow, { after: 'b', limit: 9 })).toEqual(['c']);
    expect((await ledger.records(flow, ['b'])).get('b')).toMatchObject({ state: 'approved', managed: true });

    const before = await ledger.deletionWindow(flow);
    await ledger.commitPage(
      feed,
      [
        { sourceId: 'b', outcome: 'deleted' },
        { sourceId: 'c', outcome: 'unchanged', accepted: prints('c') },
      ],
      at('following'),
    );
    expect(await ledger.deletionsDue(flow, { after: '', limit: 9 })).toEqual([]);
    expect(await ledger.deletionWindow(flow)).toEqual(before);
    expect(await now(ledger, flow)).toEqual({ managed: 3, parked: 0, held: 0 });
  });

  test('that is discarded is ours no longer', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await withHeld(ledger, flow);
    expect(await ledger.discardHeld(flow, await ledger.heldSet(flow))).toBe(true);
    expect(await now(ledger, flow)).toEqual({ managed: 2, parked: 0, held: 0 });
    const record = (await ledger.records(flow, ['b'])).get('b');
    expect(record).toMatchObject({ state: 'found', managed: false });
    expect(record?.full).not.toBe(prints('b').full);
    expect(await ledger.heldSet(flow)).toMatchObject({ count: 0 });
  });

  test('that is discarded is looked at once more, and stays known as there when its row is gone', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await withHeld(ledger, flow);
    await ledger.discardHeld(flow, await ledger.heldSet(flow));
    const calls = await ledger.called(flow, { after: '', limit: 9 });
    expect(calls.map(({ sourceId }) => sourceId)).toEqual(['b', 'c']);
    const outcomes = [{ sourceId: 'b', outcome: 'unchanged', gone: true }] as const;
    await ledger.commitPage(feed, [...outcomes], at('following'), calls);
    expect(await ledger.called(flow, { after: '', limit: 9 })).toEqual([]);
    const record = (await ledger.records(flow, ['b'])).get('b');
    expect(record).toMatchObject({ state: 'found', managed: false });
    expect(record?.full).toBeDefined();
  });

  test('is decided on once by two people at the same time', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await withHeld(ledger, flow);
    const set = await ledger.heldSet(flow);
    const answers = await Promise.all([
      ledger.approveHeld(flow, set),
      ledger.discardHeld(flow, set),
      ledger.approveHeld(flow, set),
    ]);
    expect(answers.filter(Boolean)).toHaveLength(1);
  });
});

onBothBackends('a parent that lands', (under) => {
  test('tells which other flows have rows that waited for it, and only those', async () => {
    const { ledger, freshFlow } = under();
    const [parent, child] = [freshFlow(), freshFlow()];
    const waiting = (sourceId: string, id: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code: 'PARENT_MISSING', waitsFor: `${parent}:${id}` },
    });
    await ledger.commitPage(
      await take(ledger, child),
      [waiting('x', 'p'), waiting('y', 'q')],
      at('following'),
    );
    const feed = await ledger.commitPage(await take(ledger, parent), [created('other')], at('following'));
    expect(feed.released).toEqual([]);
    const after = await ledger.commitPage(feed, [created('p')], at('following'));
    expect(after.released).toEqual([child]);
    expect(await ledger.dueParked(child, { after: '', limit: 9 })).toEqual(['x']);
  });
});
