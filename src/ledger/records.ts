import { sql } from 'kysely';
import { inChunks, type LedgerContext } from './context.js';
import { underLease } from './held-feed.js';
import type { Feed, Ledger, LedgerRecord, Outcome, RecordState } from './store.js';

type Records = Pick<Ledger, 'records' | 'markIntents'>;

/** What is known of single records: see the contract in store.ts. */
export function createRecords(context: LedgerContext): Records {
  async function records(flow: string, sourceIds: string[]): Promise<Map<string, LedgerRecord>> {
    const known = new Map<string, LedgerRecord>();
    for (const ids of inChunks(sourceIds)) {
      const { rows } = await sql<RecordRow>`
        select source_id, state, managed, leaving, survey_doubled, full_print, following_print, source_version, outcome, outcome_version,
          (extract(epoch from clock_timestamp() - greatest(intent_at, opened_at)) * 1000)::float8 as intent_age_ms
        from ledger.record
        left join lateral (select opened_at from ledger.feed where feed.flow = record.flow and intent_at is not null) as feed on true
        where flow = ${flow} and source_id = any(${ids}::text[])`.execute(context.database);
      for (const row of rows) known.set(row.source_id, toRecord(row));
    }
    return known;
  }

  function markIntents(feed: Feed, sourceIds: string[]): Promise<void> {
    return underLease(context, feed, async (transaction) => {
      for (const ids of inChunks([...new Set(sourceIds)].sort())) {
        // A record that nothing was known of counts as missing: Campaign does not hold it as far as is known.
        await sql`
          insert into ledger.record as known (flow, source_id, state, managed, intent_at, intent_version)
          select ${feed.flow}, source_id, 'missing', false, clock_timestamp(), ${feed.version}::bigint
          from unnest(${ids}::text[]) as given (source_id)
          on conflict (flow, source_id) do update set
            intent_at = excluded.intent_at,
            intent_version = coalesce(known.intent_version, excluded.intent_version)`.execute(transaction);
      }
    });
  }

  return { records, markIntents };
}

interface RecordRow {
  source_id: string;
  state: RecordState;
  managed: boolean;
  leaving: boolean;
  survey_doubled: boolean;
  full_print: string | null;
  following_print: string | null;
  source_version: string | null;
  intent_age_ms: number | null;
  outcome: Outcome | null;
  outcome_version: number | null;
}

function toRecord(row: RecordRow): LedgerRecord {
  return {
    sourceId: row.source_id,
    state: row.state,
    managed: row.managed,
    doubled: row.survey_doubled,
    ...(row.leaving && { leaving: true }),
    ...(row.full_print !== null && { full: row.full_print }),
    ...(row.following_print !== null && { following: row.following_print }),
    ...(row.source_version !== null && { sourceVersion: row.source_version }),
    ...(row.intent_age_ms !== null && { intentAgeMs: Math.max(0, row.intent_age_ms) }),
    ...(row.outcome_version !== null && { outcomeVersion: row.outcome_version }),
    ...(row.outcome !== null && { outcome: row.outcome }),
  };
}
