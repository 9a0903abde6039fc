import { sql } from 'kysely';
import { SyncError } from '../errors.js';
import { noCounts, type LedgerContext } from './context.js';
import { changeFeed, countColumns, underLease } from './held-feed.js';
import type { Counts, Feed, FeedState, Ledger, Position } from './store.js';

type Feeds = Pick<Ledger, 'openFeed' | 'renewLease' | 'closeFeed' | 'readFeed' | 'moveFeed'>;

/** Feeds and their leases: see the contract in store.ts. */
export function createFeeds(context: LedgerContext): Feeds {
  const { database, leaseMs, clock, processId, aloneOnFolder } = context;
  const leaseUntil = sql`clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond'`;

  async function openFeed(flow: string, owner: string): ReturnType<Ledger['openFeed']> {
    await sql`insert into ledger.feed (flow) values (${flow}) on conflict do nothing`.execute(database);
    const sentAtMs = clock.nowMs();
    const { rows } = await sql<FeedRow>`
      update ledger.feed set
        lease_owner = ${owner}, lease_process = ${processId}, lease_until = ${leaseUntil}, opened_at = clock_timestamp()
      where flow = ${flow} and (
        lease_owner is null or lease_until <= clock_timestamp()
        or (lease_owner = ${owner} and lease_process = ${processId})
        or (${aloneOnFolder}::boolean and lease_process <> ${processId}))
      returning version, position, run_id`.execute(database);
    const row = rows[0];
    if (!row) return { kind: 'busy', waitMs: await leaseLeftMs(flow) };
    const counts = await readCounts(flow, row.run_id);
    const feed: Feed = { ...toState(flow, row), owner, leaseUntilMs: sentAtMs + leaseMs, counts };
    return { kind: 'open', feed: row.run_id === null ? feed : { ...feed, runId: row.run_id } };
  }

  async function leaseLeftMs(flow: string): Promise<number> {
    const { rows } = await sql<{ left_ms: number }>`
      select (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as left_ms
      from ledger.feed where flow = ${flow} and lease_owner is not null`.execute(database);
    return Math.max(1, Math.ceil(rows[0]?.left_ms ?? 1));
  }

  async function readCounts(flow: string, runId: string | null): Promise<Counts> {
    if (runId === null) return { ...noCounts };
    const { rows } = await sql<Counts>`
      select ${countColumns} from ledger.run where flow = ${flow} and run_id = ${runId}`.execute(database);
    return rows[0] ?? { ...noCounts };
  }

  async function renewLease({ flow, owner }: Feed): Promise<number> {
    const sentAtMs = clock.nowMs();
    const { rows } = await sql`
      update ledger.feed set lease_until = ${leaseUntil}
      where flow = ${flow} and lease_owner = ${owner} and lease_process = ${processId}
      returning 1`.execute(database);
    if (rows.length === 0) throw new SyncError('LEASE_LOST', { subject: flow });
    return sentAtMs + leaseMs - clock.nowMs();
  }

  async function closeFeed({ flow, owner }: Feed): Promise<void> {
    await sql`
      update ledger.feed set lease_owner = null, lease_process = null, lease_until = null
      where flow = ${flow} and lease_owner = ${owner} and lease_process = ${processId}`.execute(database);
  }

  async function readFeed(flow: string): Promise<FeedState | undefined> {
    const { rows } = await sql<FeedRow>`
      select version, position, run_id from ledger.feed where flow = ${flow}`.execute(database);
    return rows[0] && toState(flow, rows[0]);
  }

  function moveFeed(feed: Feed, position: Position): Promise<Feed> {
    return underLease(context, feed, (transaction, locked) =>
      changeFeed(context, transaction, feed, locked, { next: position }),
    );
  }

  return { openFeed, renewLease, closeFeed, readFeed, moveFeed };
}

interface FeedRow {
  version: number;
  position: Position | null;
  run_id: string | null;
}

const toState = (flow: string, { version, position }: FeedRow): FeedState => ({
  flow,
  version,
  position: position ?? undefined,
});
