import { sql } from 'kysely';
import { noCounts, type LedgerContext } from './context.js';
import { countColumns } from './held-feed.js';
import type { Counts, FlowSummary, Ledger, Phase, RunOutcome } from './store.js';

type Runs = Pick<Ledger, 'startRun' | 'finishRun' | 'summary' | 'deletionWindow'>;

/** Runs, and what they add up to: see the contract in store.ts. */
export function createRuns({ database }: LedgerContext): Runs {
  function startRun(flow: string, runId: string): Promise<void> {
    return database.transaction().execute(async (transaction) => {
      await sql`
        insert into ledger.feed (flow, run_id) values (${flow}, ${runId})
        on conflict (flow) do update set run_id = excluded.run_id`.execute(transaction);
      await sql`
        insert into ledger.run (flow, run_id, started_at) values (${flow}, ${runId}, now())
        on conflict (flow, run_id) do update set finished_at = null, outcome = null, error_code = null`.execute(
        transaction,
      );
    });
  }

  function finishRun(flow: string, runId: string, outcome: RunOutcome, errorCode?: string): Promise<void> {
    return database.transaction().execute(async (transaction) => {
      await sql`
        insert into ledger.feed (flow, last_outcome, last_error_code, last_success_at)
        values (${flow}, ${outcome}, ${errorCode ?? null}, case when ${outcome}::text <> 'failed' then now() end)
        on conflict (flow) do update set
          last_outcome = excluded.last_outcome, last_error_code = excluded.last_error_code,
          last_success_at = coalesce(excluded.last_success_at, feed.last_success_at),
          run_id = nullif(feed.run_id, ${runId})`.execute(transaction);
      await sql`delete from ledger.run where flow = ${flow} and run_id = ${runId} and read = 0`.execute(
        transaction,
      );
      await sql`
        update ledger.run set finished_at = now(), outcome = ${outcome}, error_code = ${errorCode ?? null}
        where flow = ${flow} and run_id = ${runId}`.execute(transaction);
      await sql`
        delete from ledger.run where flow = ${flow} and finished_at < now() - interval '90 days' and run_id <> ${runId}
          and started_at < (select max(started_at) from ledger.run where flow = ${flow})`.execute(
        transaction,
      );
    });
  }

  async function summary(flow: string): Promise<FlowSummary> {
    const { rows: feeds } = await sql<FeedTotals>`
      select position ->> 'phase' as phase, managed, feed.held, last_commit_at, last_outcome, last_error_code,
        run.worked_from is not null as is_working
      from ledger.feed left join ledger.run on run.flow = feed.flow and run.run_id = feed.run_id
      where feed.flow = ${flow}`.execute(database);
    const { rows: runs } = await sql<Counts & { seconds: number }>`
      select ${countColumns}, extract(epoch from worked_until - worked_from)::float8 as seconds
      from ledger.run where flow = ${flow} and read > 0
      order by worked_until desc, started_at desc limit 1`.execute(database);
    const { rows: errors } = await sql<{ code: string; rows: number }>`
      select code, count(*) as rows from ledger.parked where flow = ${flow} group by code order by code`.execute(
      database,
    );
    const feed = feeds[0];
    const { seconds = 0, ...counts } = runs[0] ?? (noCounts as Counts & { seconds?: number });
    return {
      ...(feed?.phase && { phase: feed.phase }),
      counts: { ...counts },
      now: {
        managed: feed?.managed ?? 0,
        parked: errors.reduce((sum, { rows }) => sum + rows, 0),
        held: feed?.held ?? 0,
      },
      ...outcomeOf(feed),
      seconds,
      rowsPerSecond: seconds > 0 ? counts.read / seconds : 0,
      errors: Object.fromEntries(errors.map(({ code, rows }) => [code, rows])),
      ...(feed?.last_commit_at && { lastCommitAt: feed.last_commit_at.toISOString() }),
    };
  }

  async function deletionWindow(flow: string): Promise<{ deleted: number; managedAtStart: number }> {
    const { rows } = await sql<{ deleted: number; managed_at_start: number }>`
      select coalesce(sum(tally.deleted), 0)::float8 as deleted,
        (feed.managed - coalesce(sum(tally.managed_change), 0))::float8 as managed_at_start
      from ledger.feed left join ledger.tally on tally.flow = feed.flow and tally.at > now() - interval '24 hours'
      where feed.flow = ${flow} group by feed.managed`.execute(database);
    return { deleted: rows[0]?.deleted ?? 0, managedAtStart: rows[0]?.managed_at_start ?? 0 };
  }

  return { startRun, finishRun, summary, deletionWindow };
}

interface FeedTotals {
  phase: Phase | null;
  managed: number;
  held: number;
  last_commit_at: Date | null;
  last_outcome: RunOutcome | null;
  last_error_code: string | null;
  is_working: boolean;
}

/** How the last run ended, an idle one included; nothing while a run is at work. */
function outcomeOf(feed: FeedTotals | undefined): Pick<FlowSummary, 'outcome' | 'errorCode'> {
  if (!feed || feed.is_working || feed.last_outcome === null) return {};
  return {
    outcome: feed.last_outcome,
    ...(feed.last_error_code !== null && { errorCode: feed.last_error_code }),
  };
}
