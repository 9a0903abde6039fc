import { sql, type Transaction } from 'kysely';
import { inChunks, noCounts, type LedgerContext } from './context.js';
import { changeFeed, underLease } from './held-feed.js';
import { parkPlaces, unparkPlaces } from './parked-places.js';
import type { EventCounts, EventOutcome, EventSummary, Feed, Ledger, Position, SourceGap } from './store.js';

type Events = Pick<
  Ledger,
  'writtenEvents' | 'commitEvents' | 'dueEvents' | 'eventCounts' | 'eventSummary' | 'forgetEvents'
>;

/** Email events that went to Dynamics: see the contract in store.ts. */
export function createEvents(context: LedgerContext): Events {
  const { database } = context;

  async function writtenEvents(ids: string[]): Promise<Map<string, number>> {
    const written = new Map<string, number>();
    for (const chunk of inChunks(ids)) {
      const { rows } = await sql<{ id: string; page_version: number }>`
        select id::text as id, page_version from ledger.event where id = any(${chunk}::uuid[])`.execute(
        database,
      );
      for (const row of rows) written.set(row.id, Number(row.page_version));
    }
    return written;
  }

  function commitEvents(
    feed: Feed,
    outcomes: EventOutcome[],
    next?: Position,
    { gap, reread = [] }: { gap?: SourceGap; reread?: string[] } = {},
  ): Promise<Feed> {
    const rows = lastOfEach(outcomes);
    return underLease(context, feed, async (transaction, locked) => {
      for (const chunk of inChunks(rows)) {
        await remember(transaction, feed, chunk);
        await parkPlaces(
          transaction,
          feed,
          chunk.flatMap((row) => (row.outcome === 'parked' ? [row] : [])),
        );
      }
      await unpark(transaction, feed.flow, rows, next ? reread : []);
      if (gap) await noteGap(transaction, feed.flow, gap);
      const counts = count(outcomes);
      if (next && locked.runId !== undefined && counts.read > 0)
        await addToRun(transaction, feed.flow, locked.runId, outcomes, counts);
      const { read, filtered, parked } = counts;
      return changeFeed(context, transaction, feed, locked, {
        ...(next && { next, counts: { ...noCounts, read, filtered, parked }, worked: read > 0 }),
      });
    });
  }

  async function dueEvents(
    flow: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<{ id: string; place: string }[]> {
    const { rows } = await sql<{ source_id: string; place: string | null }>`
      select source_id, place from ledger.parked
      where flow = ${flow} and next_at <= now() and source_id > ${after}
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => ({ id: row.source_id, place: row.place ?? '' }));
  }

  async function eventCounts(flow: string, runId: string): Promise<EventCounts> {
    const { rows } = await sql<EventCounts>`
      select read, written, duplicates, filtered, parked from ledger.run
      where flow = ${flow} and run_id = ${runId}`.execute(database);
    return rows[0] ?? { ...noEventCounts };
  }

  async function eventSummary(flow: string): Promise<EventSummary> {
    const { rows: runs } = await sql<EventCounts & { reasons: Record<string, number> }>`
      select read, written, duplicates, filtered, parked, reasons from ledger.run
      where flow = ${flow} and read > 0
      order by worked_until desc, started_at desc limit 1`.execute(database);
    const { rows: gaps } = await sql<{ missed_from: Date | null; missed_until: Date; noted_at: Date }>`
      select missed_from, missed_until, noted_at from ledger.gap
      where flow = ${flow} order by noted_at desc limit 10`.execute(database);
    const { reasons, ...counts } = runs[0] ?? { ...noEventCounts, reasons: {} };
    return {
      counts,
      filteredBy: reasons,
      gaps: gaps.map((gap) => ({
        ...(gap.missed_from && { from: gap.missed_from.toISOString() }),
        until: gap.missed_until.toISOString(),
        notedAt: gap.noted_at.toISOString(),
      })),
    };
  }

  async function forgetEvents(days: number): Promise<void> {
    await sql`
      delete from ledger.event where written_at < now() - ${days}::float8 * interval '1 day'`.execute(
      database,
    );
    await sql`
      delete from ledger.gap where noted_at < now() - ${days}::float8 * interval '1 day'`.execute(database);
  }

  return { writtenEvents, commitEvents, dueEvents, eventCounts, eventSummary, forgetEvents };
}

const noEventCounts: Readonly<EventCounts> = Object.freeze({
  read: 0,
  written: 0,
  duplicates: 0,
  filtered: 0,
  parked: 0,
});

/** A page may hold an event twice: each is counted, one is kept. In id order, as rows are locked. */
function lastOfEach(outcomes: EventOutcome[]): EventOutcome[] {
  const last = new Map<string, EventOutcome>();
  for (const outcome of outcomes) {
    // A duplicate says nothing of an event that its own page has just written or set aside.
    if (outcome.outcome === 'duplicate' && last.has(outcome.id)) continue;
    last.set(outcome.id, outcome);
  }
  return [...last.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

function count(outcomes: EventOutcome[]): EventCounts {
  const counts = { ...noEventCounts };
  for (const { outcome } of outcomes) {
    counts.read += 1;
    counts[outcome === 'duplicate' ? 'duplicates' : outcome] += 1;
  }
  return counts;
}

async function remember(transaction: Transaction<unknown>, feed: Feed, rows: EventOutcome[]): Promise<void> {
  const ids = rows.filter(({ outcome }) => outcome === 'written').map(({ id }) => id);
  if (ids.length === 0) return;
  await sql`
    insert into ledger.event (id, page_version)
    select id, ${feed.version}::bigint from unnest(${ids}::uuid[]) as given (id)
    on conflict (id) do nothing`.execute(transaction);
}

/** What has another outcome now is parked no more, and neither is what was read again and turned out to be something else. */
async function unpark(
  transaction: Transaction<unknown>,
  flow: string,
  rows: EventOutcome[],
  reread: string[],
): Promise<void> {
  const parked = new Set(rows.filter(({ outcome }) => outcome === 'parked').map(({ id }) => id));
  const ids = [...rows.map(({ id }) => id), ...reread].filter((id) => !parked.has(id));
  await unparkPlaces(transaction, flow, ids);
}

async function noteGap(transaction: Transaction<unknown>, flow: string, gap: SourceGap): Promise<void> {
  await sql`
    insert into ledger.gap (flow, missed_from, missed_until)
    values (${flow}, ${gap.from ?? null}::timestamptz, ${gap.until}::timestamptz)
    on conflict (flow, missed_until) do nothing`.execute(transaction);
}

async function addToRun(
  transaction: Transaction<unknown>,
  flow: string,
  runId: string,
  outcomes: EventOutcome[],
  { written, duplicates }: EventCounts,
): Promise<void> {
  const { rows } = await sql<{ reasons: Record<string, number> }>`
    select reasons from ledger.run where flow = ${flow} and run_id = ${runId}`.execute(transaction);
  const reasons = { ...rows[0]?.reasons };
  for (const outcome of outcomes)
    if (outcome.outcome === 'filtered') reasons[outcome.reason] = (reasons[outcome.reason] ?? 0) + 1;
  await sql`
    update ledger.run set written = written + ${written}::bigint, duplicates = duplicates + ${duplicates}::bigint,
      reasons = ${JSON.stringify(reasons)}::jsonb
    where flow = ${flow} and run_id = ${runId}`.execute(transaction);
}
