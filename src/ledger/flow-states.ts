import { sql } from 'kysely';
import type { LedgerContext } from './context.js';
import type { Ledger, Phase, RunOutcome } from './store.js';

/** Where a flow stands, for looking at all of them at once. Times are ISO 8601, on the database's clock. */
export interface FlowState {
  flow: string;
  phase?: Phase;
  /** Records in Campaign that are ours. */
  managed: number;
  /** Deletions that the brake holds. */
  held: number;
  /** Rows set aside, by the code of what is wrong with them. */
  parked: Record<string, number>;
  /** Code of the error that failed the last run; absent when it did not fail. */
  failedWith?: string;
  /** When a page was committed last. */
  lastCommitAt?: string;
  /** When a run had nothing left to do last. */
  lastSuccessAt?: string;
  /** What of the flow's source was missed, as far as it is remembered. */
  gaps: number;
  newestGapAt?: string;
}

/** Flows at a glance: see the contract in store.ts. */
export function createFlowStates({ database }: LedgerContext): Pick<Ledger, 'flowStates'> {
  async function flowStates(): Promise<FlowState[]> {
    const [{ rows: feeds }, { rows: parked }, { rows: gaps }] = await Promise.all([
      sql<FeedRow>`
        select flow, position ->> 'phase' as phase, managed, held, last_commit_at, last_success_at, last_outcome, last_error_code
        from ledger.feed order by flow`.execute(database),
      sql<{ flow: string; code: string; rows: number }>`
        select flow, code, count(*) as rows from ledger.parked group by flow, code order by flow, code`.execute(
        database,
      ),
      sql<{ flow: string; gaps: number; newest: Date }>`
        select flow, count(*) as gaps, max(noted_at) as newest from ledger.gap group by flow`.execute(
        database,
      ),
    ]);
    return feeds.map((feed) => {
      const gap = gaps.find(({ flow }) => flow === feed.flow);
      const codes = parked.filter(({ flow }) => flow === feed.flow);
      return {
        flow: feed.flow,
        ...(feed.phase !== null && { phase: feed.phase }),
        managed: feed.managed,
        held: feed.held,
        parked: Object.fromEntries(codes.map(({ code, rows }) => [code, rows])),
        ...(feed.last_outcome === 'failed' && { failedWith: feed.last_error_code ?? 'INTERNAL' }),
        ...(feed.last_commit_at && { lastCommitAt: feed.last_commit_at.toISOString() }),
        ...(feed.last_success_at && { lastSuccessAt: feed.last_success_at.toISOString() }),
        gaps: gap?.gaps ?? 0,
        ...(gap && { newestGapAt: gap.newest.toISOString() }),
      };
    });
  }

  return { flowStates };
}

interface FeedRow {
  flow: string;
  phase: Phase | null;
  managed: number;
  held: number;
  last_commit_at: Date | null;
  last_success_at: Date | null;
  last_outcome: RunOutcome | null;
  last_error_code: string | null;
}
