import { expect, test } from 'vitest';
import type { Feed, Ledger, RowOutcome, SurveyedRecord } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const seen = (sourceId: string, content = sourceId): SurveyedRecord => ({ sourceId, ...prints(content) });
const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});

/** A survey of the pages, begun at its start and read to its end. */
async function survey(ledger: Ledger, feed: Feed, pages: SurveyedRecord[][]) {
  let current = await ledger.moveFeed(feed, at('survey'));
  for (const [index, page] of pages.entries()) {
    const link = index < pages.length - 1 ? `page ${index + 1}` : undefined;
    current = await ledger.commitSurveyPage(current, page, at('survey', link));
  }
  return ledger.finishSurvey(current, at('full'));
}

onBothBackends('a survey', (under) => {
  test("makes unknown records found, with what Campaign holds, and nobody else's record ours", async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await survey(ledger, await take(ledger, flow), [[seen('a')], [seen('b')]]);
    expect(feed).toMatchObject({ missing: 0, doubled: 0, position: at('full') });
    const records = await ledger.records(flow, ['a', 'b']);
    expect(records.get('a')).toEqual({
      sourceId: 'a',
      state: 'found',
      managed: false,
      doubled: false,
      ...prints('a'),
    });
    expect(records.get('b')).toMatchObject({ state: 'found', managed: false });
    expect(await ledger.unsweptIds(flow, '', 9)).toEqual([]);
    expect((await ledger.summary(flow)).now.managed).toBe(0);
  });

  test('keeps the fingerprints of managed records that are as they were, and learns those that differ', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await ledger.commitPage(await take(ledger, flow), [created('a'), created('b')], at('full'));
    await survey(ledger, feed, [[seen('a'), seen('b', 'edited in Campaign')]]);
    const records = await ledger.records(flow, ['a', 'b']);
    expect(records.get('a')).toMatchObject({ state: 'managed', managed: true, ...prints('a') });
    expect(records.get('b')).toMatchObject({
      state: 'managed',
      managed: true,
      ...prints('edited in Campaign'),
    });
  });

  test('makes managed records that it did not see missing, and forgets what an earlier survey had found', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed: Feed = await survey(ledger, await take(ledger, flow), [[seen('stays'), seen('leaves')]]);
    feed = await ledger.commitPage(feed, [created('here'), created('lost'), created('held')], at('full'));
    feed = await ledger.commitPage(feed, [{ sourceId: 'held', outcome: 'held' }], at('full'));
    const finished = await survey(ledger, feed, [[seen('stays'), seen('here')]]);
    expect(finished).toMatchObject({ missing: 2, doubled: 0 });
    const records = await ledger.records(flow, ['stays', 'leaves', 'here', 'lost', 'held']);
    expect(records.get('stays')?.state).toBe('found');
    expect(records.has('leaves')).toBe(false);
    expect(records.get('here')).toMatchObject({ state: 'managed', managed: true });
    for (const id of ['lost', 'held']) {
      expect(records.get(id)).toMatchObject({ state: 'missing', managed: false });
      expect(records.get(id)).not.toHaveProperty('full');
    }
    expect((await ledger.summary(flow)).now).toEqual({ managed: 1, parked: 0, held: 0 });
  });

  test('leaves parked and filtered records what they are, and learns whether Campaign holds them', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const park = (sourceId: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code: 'TEXT_TOO_LONG' },
    });
    let feed = await ledger.commitPage(
      await take(ledger, flow),
      [created('ours, seen'), created('ours, unseen'), created('filtered, unseen')],
      at('full'),
    );
    feed = await ledger.commitPage(
      feed,
      [
        ...['ours, seen', 'ours, unseen', 'new, seen', 'new, unseen'].map(park),
        { sourceId: 'filtered, unseen', outcome: 'filtered' },
      ],
      at('full'),
    );
    await survey(ledger, feed, [[seen('ours, seen'), seen('new, seen')]]);
    const records = await ledger.records(flow, [
      'ours, seen',
      'ours, unseen',
      'new, seen',
      'new, unseen',
      'filtered, unseen',
    ]);
    expect(records.get('ours, seen')).toMatchObject({
      state: 'parked',
      managed: true,
      ...prints('ours, seen'),
    });
    expect(records.get('ours, unseen')).toMatchObject({ state: 'parked', managed: false });
    expect(records.get('ours, unseen')).not.toHaveProperty('full');
    expect(records.get('new, seen')).toMatchObject({
      state: 'parked',
      managed: false,
      ...prints('new, seen'),
    });
    expect(records.get('new, unseen')).not.toHaveProperty('full');
    expect(records.get('filtered, unseen')).toMatchObject({ state: 'filtered', managed: false });
  });

  test('knows an id that it finds twice, on one page or on two, as doubled, ours or not', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed: Feed = await ledger.commitPage(await take(ledger, flow), [created('ours')], at('full'));
    const finished = await survey(ledger, feed, [
      [seen('a'), seen('a'), seen('ours')],
      [seen('ours', 'other'), seen('b')],
    ]);
    expect(finished.doubled).toBe(2);
    const records = await ledger.records(flow, ['a', 'ours', 'b']);
    expect(records.get('a')).toEqual({ sourceId: 'a', state: 'doubled', managed: false, doubled: true });
    expect(records.get('ours')).toMatchObject({ state: 'doubled', managed: true, doubled: true });
    expect(records.get('ours')).not.toHaveProperty('full');
    expect(records.get('b')?.state).toBe('found');

    feed = finished;
    const again = await survey(ledger, feed, [[seen('a'), seen('ours')]]);
    expect(again.doubled).toBe(0);
    const single = await ledger.records(flow, ['a', 'ours', 'b']);
    expect(single.get('a')).toMatchObject({ state: 'found', ...prints('a') });
    expect(single.get('ours')).toMatchObject({ state: 'managed', managed: true, ...prints('ours') });
    expect(single.has('b')).toBe(false);
  });

  test('makes a parked double due once it is seen only once, or not at all', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const doubles = ['still double', 'now single', 'now none'];
    const park = (sourceId: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code: 'DUPLICATE_IN_CAMPAIGN' },
    });
    const feed = await ledger.commitPage(await take(ledger, flow), doubles.map(park), at('full'));
    expect(await ledger.nextParkedMs(flow)).toBeUndefined();
    await survey(ledger, feed, [[seen('still double'), seen('still double'), seen('now single')]]);
    expect(await ledger.dueParked(flow, { after: '', limit: 9 })).toEqual(['now none', 'now single']);
    expect(await ledger.nextParkedMs(flow)).toBe(0);
    const records = await ledger.records(flow, doubles);
    expect(doubles.map((id) => records.get(id)?.doubled)).toEqual([true, false, false]);
    const feedAfter = await take(ledger, flow);
    await survey(ledger, feedAfter, [[seen('now single')]]);
    expect((await ledger.records(flow, doubles)).get('still double')?.doubled).toBe(false);
  });

  test('that is begun again takes nothing it saw before for a double', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    // The whole survey was read, but the process died before finishing it: it is read again from its start.
    let feed = await ledger.moveFeed(await take(ledger, flow), at('survey'));
    feed = await ledger.commitSurveyPage(feed, [seen('a')], at('survey', 'page 1'));
    feed = await ledger.commitSurveyPage(feed, [seen('b')], at('survey'));
    feed = await ledger.commitSurveyPage(feed, [seen('a')], at('survey', 'page 1'));
    feed = await ledger.commitSurveyPage(feed, [seen('b')], at('survey'));
    expect(await ledger.finishSurvey(feed, at('full'))).toMatchObject({ missing: 0, doubled: 0 });
    const records = await ledger.records(flow, ['a', 'b']);
    expect([...records.values()].map(({ state }) => state)).toEqual(['found', 'found']);
  });

  test('of an empty resource makes everything missing', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    let feed: Feed = await ledger.commitPage(await take(ledger, flow), [created('a')], at('full'));
    feed = await survey(ledger, feed, [[seen('a')]]);
    const finished = await survey(ledger, feed, []);
    expect(finished.missing).toBe(1);
    expect((await ledger.records(flow, ['a'])).get('a')?.state).toBe('missing');
  });

  test('keeps the mark of a create that may be under way, though it did not see the record', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await survey(ledger, await take(ledger, flow), [[seen('a')]]);
    await ledger.markIntents(feed, ['a']);
    await survey(ledger, feed, [[]]);
    expect((await ledger.records(flow, ['a'])).get('a')).toMatchObject({
      state: 'missing',
      intentAgeMs: expect.any(Number),
    });
  });

  test('of more records than one statement holds is settled whole', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const ids = Array.from({ length: 4_500 }, (_, index) => `id ${index}`);
    const feed = await ledger.commitPage(await take(ledger, flow), ids.map(created), at('full'));
    const finished = await survey(ledger, feed, [ids.slice(0, 2_100).map((id) => seen(id))]);
    expect(finished.missing).toBe(2_400);
    expect((await ledger.summary(flow)).now.managed).toBe(2_100);
  });
});
