import { sql, type Transaction } from 'kysely';
import type { LedgerContext } from './context.js';
import { noteTally } from './held-feed.js';
import type { HeldSet, Ledger } from './store.js';

type Held = Pick<Ledger, 'heldSet' | 'approveHeld' | 'discardHeld' | 'approvedIds'>;
type Named = Pick<HeldSet, 'version' | 'count'>;

const IDS_SHOWN = 100;

/** Deletions that the brake holds: see the contract in store.ts. */
export function createHeld({ database }: LedgerContext): Held {
  async function heldSet(flow: string): Promise<HeldSet> {
    const { rows } = await sql<{ count: number; version: number }>`
      select count(*)::float8 as count, coalesce(max(outcome_version), 0)::float8 as version
      from ledger.record where flow = ${flow} and state = 'held'`.execute(database);
    const { rows: ids } = await sql<{ source_id: string }>`
      select source_id from ledger.record where flow = ${flow} and state = 'held'
      order by source_id limit ${IDS_SHOWN}`.execute(database);
    return {
      version: rows[0]?.version ?? 0,
      count: rows[0]?.count ?? 0,
      ids: ids.map((row) => row.source_id),
    };
  }

  /** The feed is locked before its rows, as pages do, so that the two never wait for each other. */
  function change(
    flow: string,
    { version, count }: Named,
    apply: (transaction: Transaction<unknown>) => Promise<{ rows: { managed: boolean }[] }>,
  ): Promise<boolean> {
    return database.transaction().execute(async (transaction) => {
      await sql`select 1 from ledger.feed where flow = ${flow} for update`.execute(transaction);
      const { rows } = await sql<{ outcome_version: number | null }>`
        select outcome_version from ledger.record where flow = ${flow} and state = 'held'
        order by source_id for update`.execute(transaction);
      const newest = rows.reduce((most, row) => Math.max(most, Number(row.outcome_version ?? 0)), 0);
      if (count === 0 || rows.length !== count || newest !== version) return false;
      const changed = await apply(transaction);
      await sql`
        update ledger.feed set held = held - ${changed.rows.length}::bigint where flow = ${flow}`.execute(
        transaction,
      );
      return true;
    });
  }

  const approveHeld = (flow: string, set: Named): Promise<boolean> =>
    change(flow, set, (transaction) =>
      sql<{ managed: boolean }>`
        update ledger.record set state = 'approved' where flow = ${flow} and state = 'held'
        returning managed`.execute(transaction),
    );

  const discardHeld = (flow: string, set: Named): Promise<boolean> =>
    change(flow, set, async (transaction) => {
      const discarded = await sql<{ managed: boolean }>`
        with held as (
          select source_id, managed from ledger.record where flow = ${flow} and state = 'held'
        )
        update ledger.record set
          state = 'gone', managed = false, full_print = null, following_print = null, intent_at = null, intent_version = null
        from held where record.flow = ${flow} and record.source_id = held.source_id
        returning held.managed`.execute(transaction);
      const managed = discarded.rows.filter((row) => row.managed).length;
      await sql`
        update ledger.feed set managed = managed - ${managed}::bigint where flow = ${flow}`.execute(
        transaction,
      );
      if (managed > 0) await noteTally(transaction, flow, 0, -managed);
      return discarded;
    });

  async function approvedIds(
    flow: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<string[]> {
    const { rows } = await sql<{ source_id: string }>`
      select source_id from ledger.record where flow = ${flow} and state = 'approved' and source_id > ${after}
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => row.source_id);
  }

  return { heldSet, approveHeld, discardHeld, approvedIds };
}
