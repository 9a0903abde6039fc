import { sql } from 'kysely';
import { inChunks, type LedgerContext } from './context.js';
import { changeFeed, isFirstPage, underLease } from './held-feed.js';
import type { Feed, Ledger, Position } from './store.js';
import { forgetSweep } from './sweep-notes.js';

type Sweep = Pick<Ledger, 'commitSweepPage' | 'unsweptIds' | 'clearSweep'>;

/** The sweep finds what Dynamics no longer has: see the contract in store.ts. */
export function createSweep(context: LedgerContext): Sweep {
  const { database } = context;

  function commitSweepPage(feed: Feed, sourceIds: string[], next: Position): Promise<Feed> {
    return underLease(context, feed, async (transaction, locked) => {
      if (isFirstPage(locked.position, 'sweep')) await forgetSweep(transaction, feed.flow);
      for (const ids of inChunks(sourceIds)) {
        await sql`
          insert into ledger.swept (flow, source_id)
          select ${feed.flow}, source_id from unnest(${ids}::text[]) as given (source_id)
          on conflict do nothing`.execute(transaction);
      }
      return changeFeed(context, transaction, feed, locked, { next, worked: true });
    });
  }

  async function unsweptIds(flow: string, after: string, limit: number): Promise<string[]> {
    const { rows } = await sql<{ source_id: string }>`
      select source_id from ledger.record
      where flow = ${flow} and source_id > ${after}
        and (managed or state in ('parked', 'held', 'approved', 'filtered') or (intent_at is not null and state <> 'gone'))
        and not exists (select from ledger.swept
          where swept.flow = record.flow and swept.source_id = record.source_id)
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => row.source_id);
  }

  return { commitSweepPage, unsweptIds, clearSweep: (flow) => forgetSweep(database, flow) };
}
