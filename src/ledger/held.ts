import { sql, type Transaction } from 'kysely';
import type { LedgerContext } from './context.js';
import { noteTally } from './held-feed.js';
import { nameOf, partsOf } from './link-store.js';
import { call, callChildren } from './linking.js';
import { releaseWaiting } from './parking.js';
import type { HeldSet, Ledger } from './store.js';

type Held = Pick<Ledger, 'heldSet' | 'approveHeld' | 'discardHeld' | 'deletionsDue'>;
type Named = Pick<HeldSet, 'version' | 'count'>;

const IDS_SHOWN = 100;
/** Stands for what a record holds of which nothing is known but that it is there: no keyed hash is ever this. */
const UNEQUALLED = 'unequalled';

/** Deletions that the brake holds: see the contract in store.ts. */
export function createHeld({ database }: LedgerContext): Held {
  async function heldSet(flow: string): Promise<HeldSet> {
    const { rows } = await sql<{ count: number; behind_children: number; version: number }>`
      select count(*)::float8 as count, count(*) filter (where leaving)::float8 as behind_children, coalesce(max(outcome_version), 0)::float8 as version
      from ledger.record where flow = ${flow} and state = 'held'`.execute(database);
    const { rows: ids } = await sql<{ source_id: string }>`
      select source_id from ledger.record where flow = ${flow} and state = 'held'
      order by source_id limit ${IDS_SHOWN}`.execute(database);
    const behindChildren = rows[0]?.behind_children ?? 0;
    return {
      version: rows[0]?.version ?? 0,
      count: rows[0]?.count ?? 0,
      ...(behindChildren > 0 && { behindChildren }),
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
      const parents = await lockParentsOfHeld(transaction, flow);
      const discarded = await sql<{ source_id: string; managed: boolean }>`
        with held as (
          select source_id, managed from ledger.record where flow = ${flow} and state = 'held'
        )
        update ledger.record set
          state = 'found', managed = false, leaving = false, full_print = ${UNEQUALLED}, following_print = ${UNEQUALLED},
          intent_at = null, intent_version = null
        from held where record.flow = ${flow} and record.source_id = held.source_id
        returning record.source_id, held.managed`.execute(transaction);
      const ids = discarded.rows.map((row) => row.source_id).sort();
      await sql`delete from ledger.link where flow = ${flow} and source_id = any(${ids}::text[])`.execute(
        transaction,
      );
      await call(transaction, flow, ids);
      await callChildren(
        transaction,
        ids.map((id) => nameOf(flow, id)),
      );
      await stayAfterAll(transaction, parents);
      const managed = discarded.rows.filter((row) => row.managed).length;
      await sql`
        update ledger.feed set managed = managed - ${managed}::bigint where flow = ${flow}`.execute(
        transaction,
      );
      if (managed > 0) await noteTally(transaction, flow, 0, -managed);
      return discarded;
    });

  async function deletionsDue(
    flow: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<string[]> {
    const { rows } = await sql<{ source_id: string }>`
      select source_id from ledger.record
      where flow = ${flow} and state in ('held', 'approved') and (state = 'approved' or leaving) and source_id > ${after}
        and not exists (
          select from ledger.link join ledger.record child on child.flow = link.flow and child.source_id = link.source_id
          where link.parent = ${flow} || ':' || record.source_id and child.state = 'held')
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => row.source_id);
  }

  return { heldSet, approveHeld, discardHeld, deletionsDue };
}

/** Records that held ones lead to, whose feeds are locked after the feed of those, as pages do. */
async function lockParentsOfHeld(transaction: Transaction<unknown>, flow: string): Promise<string[]> {
  const { rows } = await sql<{ parent: string }>`
    select distinct parent from ledger.link join ledger.record using (flow, source_id)
    where flow = ${flow} and state = 'held'`.execute(transaction);
  const parents = rows.map((row) => row.parent);
  const flows = [...new Set(parents.map((parent) => partsOf(parent).flow))];
  await sql`select 1 from ledger.feed where flow = any(${flows}::text[]) order by flow for update`.execute(
    transaction,
  );
  return parents;
}

/** Held deletions that waited for others which a person does not want: they need a decision of their own, and their records stay meanwhile. */
async function stayAfterAll(transaction: Transaction<unknown>, parents: string[]): Promise<void> {
  const named = parents.map(partsOf);
  const { rows } = await sql<{ flow: string; source_id: string }>`
    update ledger.record set leaving = false
    from unnest(
      ${named.map(({ flow }) => flow)}::text[], ${named.map(({ sourceId }) => sourceId)}::text[]
    ) as given (flow, source_id)
    where record.flow = given.flow and record.source_id = given.source_id and record.leaving and record.state = 'held'
    returning record.flow, record.source_id`.execute(transaction);
  const stayed = rows.map((row) => nameOf(row.flow, row.source_id)).sort();
  await releaseWaiting(transaction, stayed);
  await callChildren(transaction, stayed);
}
