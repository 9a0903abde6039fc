import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { EventOutcome, Feed, Position } from '../../src/ledger/store.js';
import { onBothBackends, take } from './backends.js';

const at = (place: string): Position => ({ phase: 'following', mode: 'changes', cursor: { place } });
const written = (id: string): EventOutcome => ({ id, outcome: 'written' });
const parked = (id: string, place: string): EventOutcome => ({
  id,
  outcome: 'parked',
  fault: { code: 'TEXT_TOO_LONG', field: 'dcs_deliveryname' },
  place,
});

onBothBackends('events', (under) => {
  async function begun(): Promise<{ feed: Feed; flow: string }> {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const feed = await take(ledger, flow);
    await ledger.startRun(flow, 'run');
    return { feed, flow };
  }

  test('are remembered with their page, and counted with the reasons of those that were filtered', async () => {
    const { ledger } = under();
    const { feed, flow } = await begun();
    const [one, two] = [randomUUID(), randomUUID()];
    const after = await ledger.commitEvents(
      feed,
      [
        written(one),
        { id: one, outcome: 'duplicate' },
        { id: randomUUID(), outcome: 'filtered', reason: 'soft-bounce' },
        { id: randomUUID(), outcome: 'filtered', reason: 'soft-bounce' },
        parked(two, 'place 4'),
      ],
      at('page 2'),
    );
    expect(after).toMatchObject({ version: feed.version + 1, position: at('page 2') });
    expect(await ledger.writtenEvents([one, two])).toEqual(new Map([[one, feed.version]]));
    const counts = { read: 5, written: 1, duplicates: 1, filtered: 2, parked: 1 };
    expect(await ledger.eventCounts(flow, 'run')).toEqual(counts);
    await ledger.commitEvents(
      after,
      [{ id: randomUUID(), outcome: 'filtered', reason: 'switched-off' }],
      at('page 3'),
    );
    expect(await ledger.eventSummary(flow)).toEqual({
      counts: { ...counts, read: 6, filtered: 3 },
      filteredBy: { 'soft-bounce': 2, 'switched-off': 1 },
      gaps: [],
    });
  });

  test('of an interrupted page are remembered, but neither counted nor passed by', async () => {
    const { ledger } = under();
    const { feed, flow } = await begun();
    const id = randomUUID();
    const same = await ledger.commitEvents(feed, [written(id)]);
    expect(same).toMatchObject({ version: feed.version });
    expect(await ledger.eventCounts(flow, 'run')).toMatchObject({ read: 0, written: 0 });
    expect((await ledger.writtenEvents([id])).get(id)).toBe(feed.version);
    await ledger.commitEvents(same, [written(id)], at('page 2'));
    expect(await ledger.eventCounts(flow, 'run')).toMatchObject({ read: 1, written: 1 });
  });

  test('that are parked keep their place, are due later each time, and end with another outcome', async () => {
    const { ledger, database } = under();
    const { feed, flow } = await begun();
    const [stays, ends, changes] = [randomUUID(), randomUUID(), randomUUID()];
    const first = await ledger.commitEvents(
      feed,
      [parked(stays, 'a'), parked(ends, 'b'), parked(changes, 'c')],
      at('1'),
    );
    expect(await ledger.dueEvents(flow, { after: '', limit: 9 })).toEqual([]);
    await sql`update ledger.parked set next_at = now() where flow = ${flow}`.execute(database);
    const due = await ledger.dueEvents(flow, { after: '', limit: 9 });
    expect(new Map(due.map(({ id, place }) => [id, place]))).toEqual(
      new Map([
        [stays, 'a'],
        [ends, 'b'],
        [changes, 'c'],
      ]),
    );
    await ledger.commitEvents(first, [parked(stays, 'a'), written(ends), written(randomUUID())], at('1'), {
      reread: [stays, ends, changes],
    });
    const left = await ledger.parked({ flow, limit: 9 });
    expect(left).toMatchObject([{ sourceId: stays, attempts: 2, code: 'TEXT_TOO_LONG' }]);
    expect(await ledger.dueEvents(flow, { after: '', limit: 9 })).toEqual([]);
    expect((await ledger.summary(flow)).now.parked).toBe(1);
  });

  test('that were missed are noted once with their bounds', async () => {
    const { ledger } = under();
    const { feed, flow } = await begun();
    const gap = { from: '2026-11-01T00:00:00.000Z', until: '2026-11-03T00:00:00.000Z' };
    const after = await ledger.commitEvents(feed, [], at('1'), { gap });
    await ledger.commitEvents(after, [], at('2'), { gap });
    const [noted] = (await ledger.eventSummary(flow)).gaps;
    expect(noted).toMatchObject(gap);
    const state = (await ledger.flowStates()).find((each) => each.flow === flow);
    expect(state).toMatchObject({ gaps: 1, newestGapAt: noted?.notedAt });
  });

  test('are forgotten when no source could repeat them any more', async () => {
    const { ledger, database } = under();
    const { feed } = await begun();
    const [old, young] = [randomUUID(), randomUUID()];
    await ledger.commitEvents(feed, [written(old), written(young)], at('1'));
    await sql`update ledger.event set written_at = now() - interval '61 days' where id = ${old}::uuid`.execute(
      database,
    );
    await ledger.forgetEvents(60);
    expect([...(await ledger.writtenEvents([old, young])).keys()]).toEqual([young]);
  });

  test('are refused to an owner that has lost the feed', async () => {
    const { ledger, database } = under();
    const { feed, flow } = await begun();
    await sql`update ledger.feed set lease_owner = 'another' where flow = ${flow}`.execute(database);
    const id = randomUUID();
    await expect(ledger.commitEvents(feed, [written(id)], at('1'))).rejects.toThrow('LEASE_LOST');
    expect(await ledger.writtenEvents([id])).toEqual(new Map());
  });
});
