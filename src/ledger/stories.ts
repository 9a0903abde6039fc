import { sql } from 'kysely';
import type { LedgerContext } from './context.js';
import type { Ledger } from './store.js';

type Stories = Pick<Ledger, 'sweepableIds' | 'mappingVersionOf'>;

/** Reads for looking at records without working on them: see the contract in store.ts. */
export function createStories({ database }: LedgerContext): Stories {
  async function sweepableIds(flow: string, after: string, limit: number): Promise<string[]> {
    const { rows } = await sql<{ source_id: string }>`
      select source_id from ledger.record
      where flow = ${flow} and source_id > ${after}
        and (managed or state in ('parked', 'held', 'approved', 'filtered') or (intent_at is not null and state <> 'gone'))
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => row.source_id);
  }

  async function mappingVersionOf(flow: string, sourceId: string): Promise<number | undefined> {
    const { rows } = await sql<{ mapping_version: number | null }>`
      select mapping_version from ledger.record
      where flow = ${flow} and source_id = ${sourceId}`.execute(database);
    return rows[0]?.mapping_version ?? undefined;
  }

  return { sweepableIds, mappingVersionOf };
}
