import { expect, test } from 'vitest';
import type { RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});

onBothBackends('a sweep', (under) => {
  test('leaves those managed, parked, held and filtered ids that Dynamics no longer has', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(
      await take(ledger, flow),
      ['a', 'b', 'c', 'd', 'gone'].map(created),
      at('full'),
    );
    feed = await ledger.commitPage(
      feed,
      [
        { sourceId: 'b', outcome: 'held' },
        { sourceId: 'c', outcome: 'filtered' },
        { sourceId: 'd', outcome: 'parked', fault: { code: 'CHOICE_UNKNOWN' } },
        { sourceId: 'e', outcome: 'filtered' },
        { sourceId: 'gone', outcome: 'deleted' },
      ],
      at('sweep'),
    );
    await ledger.markIntents(feed, ['under way']);
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual(['a', 'b', 'c', 'd', 'e', 'under way']);
    feed = await ledger.commitSweepPage(feed, ['a', 'unknown'], at('sweep', 'page 1'));
    feed = await ledger.commitSweepPage(feed, ['e', 'a'], { ...at('sweep'), swept: true });
    expect(await ledger.unsweptIds(flow, '', 2)).toEqual(['b', 'c']);
    expect(await ledger.unsweptIds(flow, 'c', 2)).toEqual(['d', 'under way']);
    await ledger.clearSweep(flow);
    expect(await ledger.unsweptIds(flow, '', 9)).toHaveLength(6);
  });

  test('keeps its notes while what it did not see is dealt with', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(await take(ledger, flow), ['a', 'b'].map(created), at('sweep'));
    const swept = { ...at('sweep'), swept: true };
    feed = await ledger.commitSweepPage(feed, ['a'], swept);
    feed = await ledger.commitPage(feed, [{ sourceId: 'b', outcome: 'held' }], swept);
    feed = await ledger.commitSweepPage(feed, ['b'], swept);
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual([]);
  });

  test('that was given up leaves no notes to the next one, which would hide what was deleted since', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed = await ledger.commitPage(await take(ledger, flow), ['a', 'b'].map(created), at('sweep'));
    feed = await ledger.commitSweepPage(feed, ['a'], at('sweep', 'page 1'));
    feed = await ledger.moveFeed(feed, at('full'));
    feed = await ledger.commitPage(feed, [], at('sweep'));
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual(['a', 'b']);
    feed = await ledger.commitSweepPage(feed, ['a'], at('sweep', 'page 1'));
    feed = await ledger.moveFeed(feed, at('sweep'));
    await ledger.commitSweepPage(feed, ['b'], at('sweep', 'page 1'));
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual(['a']);
  });

  test('of many keys is noted and forgotten whole', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const ids = Array.from({ length: 12_000 }, (_, index) => `id ${index}`);
    const feed = await ledger.commitPage(
      await take(ledger, flow),
      ids.slice(0, 2_100).map(created),
      at('sweep'),
    );
    await ledger.commitSweepPage(feed, ids, { ...at('sweep'), swept: true });
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual([]);
    await ledger.clearSweep(flow);
    expect(await ledger.unsweptIds(flow, '', 9_999)).toHaveLength(2_100);
  });
});
