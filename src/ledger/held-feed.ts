import { sql, type Transaction } from 'kysely';
import { SyncError } from '../errors.js';
import { noCounts, type LedgerContext } from './context.js';
import type { Counts, Feed, Position } from './store.js';
import { forgetSweep } from './sweep-notes.js';

/** A feed whose row is locked by this transaction, as it stands in the database. */
export interface LockedFeed {
  flow: string;
  version: number;
  position: Position | undefined;
  survey: SurveyNumber;
  runId: string | undefined;
}

/** Each survey of a feed has a number, which every record that it saw keeps. */
export interface SurveyNumber {
  number: number;
  /** It has seen a page and is not finished. */
  isOpen: boolean;
}

/** What a transaction did to a feed, apart from its records. */
export interface FeedChange {
  /** Where the feed goes on; the version rises with it. Absent: the page was interrupted. */
  next?: Position;
  survey?: SurveyNumber;
  counts?: Counts;
  /** Something was read or written, so that the run counts as having done something. */
  worked?: boolean;
  managedChange?: number;
  heldChange?: number;
  /** Managed records that were deleted. */
  deleted?: number;
}

/**
 * Runs a transaction under the feed's lease: its row is locked first, and the owner and the version are checked, so that
 * nothing is written after another owner took over. Throws LEASE_LOST.
 *
 * `parents` are further feeds that must not commit meanwhile, locked after the feed itself and in one order: tables depend
 * on each other without a cycle, so that two transactions cannot wait for each other.
 */
export function underLease<Answer>(
  { database, processId }: LedgerContext,
  feed: Feed,
  work: (transaction: Transaction<unknown>, locked: LockedFeed) => Promise<Answer>,
  { parents = [] }: { parents?: string[] } = {},
): Promise<Answer> {
  return database.transaction().execute(async (transaction) => {
    const { rows } = await sql<LockedFeedRow>`
      select version, position, survey, survey_open, run_id from ledger.feed
      where flow = ${feed.flow} and lease_owner = ${feed.owner} and lease_process = ${processId}
      for update`.execute(transaction);
    const row = rows[0];
    if (!row || row.version !== feed.version) throw new SyncError('LEASE_LOST', { subject: feed.flow });
    if (parents.length > 0) {
      await sql`select 1 from ledger.feed where flow = any(${parents}::text[]) order by flow for share`.execute(
        transaction,
      );
    }
    return work(transaction, {
      flow: feed.flow,
      version: row.version,
      position: row.position ?? undefined,
      survey: { number: row.survey, isOpen: row.survey_open },
      runId: row.run_id ?? undefined,
    });
  });
}

interface LockedFeedRow {
  version: number;
  position: Position | null;
  survey: number;
  survey_open: boolean;
  run_id: string | null;
}

/** Writes the feed's part of a transaction, as its last step: position, totals, counts of the run, and the lease anew. */
export async function changeFeed(
  context: LedgerContext,
  transaction: Transaction<unknown>,
  feed: Feed,
  locked: LockedFeed,
  change: FeedChange,
): Promise<Feed> {
  const { next, survey = surveyAfter(locked, next), managedChange = 0, heldChange = 0, deleted = 0 } = change;
  const position = next ?? locked.position;
  const version = locked.version + (next ? 1 : 0);
  // Notes of a sweep that was given up would hide what has been deleted since.
  if (next?.phase === 'sweep' && locked.position?.phase !== 'sweep')
    await forgetSweep(transaction, feed.flow);
  if (deleted !== 0 || managedChange !== 0) await noteTally(transaction, feed.flow, deleted, managedChange);
  const { runId, counts } = await addToRun(transaction, locked, change);
  // Read before the statement is sent: the lease in the database lasts at least as long as it is believed to.
  const sentAtMs = context.clock.nowMs();
  await sql`
    update ledger.feed set
      version = ${version}, position = ${position === undefined ? null : JSON.stringify(position)}::jsonb,
      survey = ${survey.number}, survey_open = ${survey.isOpen}, managed = managed + ${managedChange}::bigint, held = held + ${heldChange}::bigint,
      last_commit_at = ${next ? sql`now()` : sql`last_commit_at`},
      lease_until = clock_timestamp() + ${context.leaseMs}::float8 * interval '1 millisecond'
    where flow = ${feed.flow}`.execute(transaction);
  return {
    flow: feed.flow,
    version,
    position,
    owner: feed.owner,
    leaseUntilMs: sentAtMs + context.leaseMs,
    counts,
    ...(runId !== undefined && { runId }),
  };
}

/** The deletion brake looks back 24 hours; what is older than two days is forgotten. */
export async function noteTally(
  transaction: Transaction<unknown>,
  flow: string,
  deleted: number,
  managedChange: number,
) {
  await sql`
    insert into ledger.tally (flow, at, deleted, managed_change)
    values (${flow}, now(), ${deleted}, ${managedChange})`.execute(transaction);
  await sql`delete from ledger.tally where flow = ${flow} and at < now() - interval '48 hours'`.execute(
    transaction,
  );
}

async function addToRun(
  transaction: Transaction<unknown>,
  { flow, runId }: LockedFeed,
  { counts, worked }: FeedChange,
): Promise<{ runId: string | undefined; counts: Counts }> {
  if (runId === undefined) return { runId, counts: { ...noCounts } };
  const isRun = sql`run.flow = ${flow} and run.run_id = ${runId}`;
  const added = counts ?? noCounts;
  const { rows } = worked
    ? await sql<Counts>`
        update ledger.run set
          read = read + ${added.read}::bigint, created = created + ${added.created}::bigint,
          updated = updated + ${added.updated}::bigint, unchanged = unchanged + ${added.unchanged}::bigint,
          filtered = filtered + ${added.filtered}::bigint, deleted = deleted + ${added.deleted}::bigint,
          parked = parked + ${added.parked}::bigint, held = run.held + ${added.held}::bigint,
          worked_from = coalesce(worked_from, greatest(feed.opened_at, started_at)), worked_until = now()
        from ledger.feed where ${isRun} and feed.flow = run.flow
        returning ${countColumns}`.execute(transaction)
    : await sql<Counts>`select ${countColumns} from ledger.run where ${isRun}`.execute(transaction);
  return { runId, counts: rows[0] ?? { ...noCounts } };
}

/** The counts of a run as they are named in `Counts`. */
export const countColumns = sql.raw(
  Object.keys(noCounts)
    .map((name) => `run.${name}`)
    .join(', '),
);

/** A survey that the feed leaves, or that it begins anew, is open no more. */
function surveyAfter({ survey, position }: LockedFeed, next: Position | undefined): SurveyNumber {
  const goesOn =
    next === undefined ||
    (next.phase === 'survey' && next.link !== undefined && position?.phase === 'survey');
  return { number: survey.number, isOpen: survey.isOpen && goesOn };
}

/** Whether the page that is read at this position is the first one of its survey or sweep. */
export function isFirstPage(position: Position | undefined, phase: 'survey' | 'sweep'): boolean {
  return position?.phase !== phase || (position.link === undefined && position.swept !== true);
}
