import { expect, test } from 'vitest';
import type { RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const outcome = (sourceId: string, kind: RowOutcome['outcome']): RowOutcome => ({
  sourceId,
  outcome: kind,
  mappingVersion: 7,
  ...(kind === 'created' && { accepted: prints(sourceId) }),
  ...(kind === 'parked' && { fault: { code: 'TEXT_TOO_LONG' } }),
});

onBothBackends('looking at records', (under) => {
  test('tells what a sweep could find gone, page by page, whatever an earlier sweep saw', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await take(ledger, flow);
    await ledger.markIntents(feed, ['unanswered']);
    feed = await ledger.commitPage(
      feed,
      [
        outcome('created', 'created'),
        outcome('deleted', 'created'),
        outcome('filtered', 'filtered'),
        outcome('held', 'held'),
        outcome('parked', 'parked'),
      ],
      at('full'),
    );
    feed = await ledger.commitPage(feed, [outcome('deleted', 'deleted')], at('sweep'));
    await ledger.commitSweepPage(feed, ['created', 'held'], at('sweep'));

    const all = ['created', 'filtered', 'held', 'parked', 'unanswered'];
    expect(await ledger.sweepableIds(flow, '', 9)).toEqual(all);
    expect(await ledger.sweepableIds(flow, '', 2)).toEqual(all.slice(0, 2));
    expect(await ledger.sweepableIds(flow, 'filtered', 9)).toEqual(all.slice(2));
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual(['filtered', 'parked', 'unanswered']);
  });

  test('tells the mapping version that a row was last decided by', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await ledger.commitPage(await take(ledger, flow), [outcome('a', 'created')], at('full'));
    expect(await ledger.mappingVersionOf(flow, 'a')).toBe(7);
    await ledger.commitPage(feed, [{ ...outcome('a', 'parked'), mappingVersion: 8 }], at('full'));
    expect(await ledger.mappingVersionOf(flow, 'a')).toBe(8);
    expect(await ledger.mappingVersionOf(flow, 'b')).toBeUndefined();
    expect(await ledger.mappingVersionOf(freshFlow(), 'a')).toBeUndefined();
  });
});
