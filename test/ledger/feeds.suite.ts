import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { leaseClock } from '../../src/ledger/lease.js';
import { at, LEASE_MS, onBothBackends, prints, take } from './backends.js';

onBothBackends('a feed', (under) => {
  test('begins without a position and keeps the one it is moved to', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    expect(await ledger.readFeed(flow)).toBeUndefined();
    const feed = await take(ledger, flow);
    expect(feed).toMatchObject({ flow, version: 0, position: undefined, counts: { read: 0 } });
    const position = {
      ...at('full', 'https://host/api?$skiptoken=%3Ccookie%20a%3D%22b%22%3E'),
      resyncId: 'r',
      swept: false,
    };
    const moved = await ledger.moveFeed(feed, position);
    expect(moved).toMatchObject({ version: 1, position });
    expect(await ledger.readFeed(flow)).toEqual({ flow, version: 1, position });
  });

  test('is busy for another owner of this process, for as long as the lease lasts', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await take(ledger, flow, 'first');
    const opened = await ledger.openFeed(flow, 'second');
    expect(opened).toMatchObject({ kind: 'busy' });
    expect(opened.kind === 'busy' && opened.waitMs).toBeGreaterThan(LEASE_MS - 10_000);
    expect(opened.kind === 'busy' && opened.waitMs).toBeLessThanOrEqual(LEASE_MS);
  });

  test('is opened again by its own owner', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await take(ledger, flow, 'same');
    expect(await ledger.openFeed(flow, 'same')).toMatchObject({ kind: 'open' });
  });

  test('is free once it is closed', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    await ledger.closeFeed(await take(ledger, flow, 'first'));
    expect(await ledger.openFeed(flow, 'second')).toMatchObject({ kind: 'open' });
  });

  test('of a process that lives elsewhere is busy, of one that must be dead is free', async () => {
    const { backend, ledger, ofAnotherProcess, freshFlow } = under();
    const flow = freshFlow();
    await take(ofAnotherProcess(), flow, 'same name');
    const opened = await ledger.openFeed(flow, 'same name');
    // Embedded, the folder's lock proves that the other process is dead.
    expect(opened.kind).toBe(backend === 'embedded' ? 'open' : 'busy');
  });

  test('is taken over after its lease has run out, and refuses every write of the owner it was taken from', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    const stale = await ledger.moveFeed(await take(ledger, flow, 'stale'), at('full'));
    await sql`update ledger.feed set lease_until = now() - interval '1 second' where flow = ${flow}`.execute(
      database,
    );
    const successor = await take(ledger, flow, 'successor');
    const lost = { code: 'LEASE_LOST', class: 'retry' };
    await expect(ledger.renewLease(stale)).rejects.toMatchObject(lost);
    await expect(ledger.markIntents(stale, ['a'])).rejects.toMatchObject(lost);
    await expect(ledger.moveFeed(stale, at('survey'))).rejects.toMatchObject(lost);
    await expect(ledger.commitPage(stale, [{ sourceId: 'a', outcome: 'filtered' }])).rejects.toMatchObject(
      lost,
    );
    await expect(
      ledger.commitSurveyPage(stale, [{ sourceId: 'a', ...prints('a') }], at('survey')),
    ).rejects.toMatchObject(lost);
    await expect(ledger.finishSurvey(stale, at('full'))).rejects.toMatchObject(lost);
    await expect(ledger.commitSweepPage(stale, ['a'], at('sweep'))).rejects.toMatchObject(lost);
    await ledger.closeFeed(stale);
    expect(await ledger.records(flow, ['a'])).toEqual(new Map());
    expect(await ledger.renewLease(successor)).toBeGreaterThan(0);
    expect(await ledger.moveFeed(successor, at('sweep'))).toMatchObject({ version: 2 });
  });

  test('refuses to commit the same page twice', async () => {
    const { ledger, freshFlow } = under();
    const feed = await take(ledger, freshFlow());
    await ledger.commitPage(feed, [], at('full', 'next'));
    await expect(ledger.commitPage(feed, [], at('full', 'next'))).rejects.toMatchObject({
      code: 'LEASE_LOST',
    });
  });

  test('is believed to be held no longer than the database holds it, and longer after each commit', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    const beforeMs = leaseClock.nowMs();
    const feed = await take(ledger, flow);
    expect(feed.leaseUntilMs).toBeGreaterThanOrEqual(beforeMs + LEASE_MS);
    // The database is asked before this process looks at its own clock: what passes between the two never counts against it.
    const left = await leftMs();
    expect(feed.leaseUntilMs - leaseClock.nowMs()).toBeLessThanOrEqual(left);
    const committed = await ledger.commitPage(feed, [], at('full'));
    expect(committed.leaseUntilMs).toBeGreaterThan(feed.leaseUntilMs);
    expect(await ledger.renewLease(committed)).toBeLessThanOrEqual(LEASE_MS);

    async function leftMs(): Promise<number> {
      const { rows } = await sql<{ ms: number }>`
        select (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as ms
        from ledger.feed where flow = ${flow}`.execute(database);
      return rows[0]?.ms ?? 0;
    }
  });

  test('is won by exactly one of many owners that ask at once', async () => {
    const { ledger, freshFlow } = under();
    const flow = freshFlow();
    const owners = Array.from({ length: 8 }, (_, index) => `owner ${index}`);
    const answers = await Promise.all(owners.map((owner) => ledger.openFeed(flow, owner)));
    expect(answers.filter(({ kind }) => kind === 'open')).toHaveLength(1);
  });
});
