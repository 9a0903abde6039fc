import { sql, type RawBuilder, type Transaction } from 'kysely';
import { inChunks } from './context.js';
import { partsOf } from './link-store.js';
import type { Decided } from './outcomes.js';
import type { Feed } from './store.js';

/*
 * Steps of a page's transaction that concern parked rows. A parent's page makes rows of its children due, so that pages of
 * several feeds meet here: each locks its own rows first, in id order and at once, then its children's in the same order.
 */

/** Locks what is parked among a page's rows; answers whether anything is. */
export async function lockParked(
  transaction: Transaction<unknown>,
  flow: string,
  rows: Decided[],
): Promise<boolean> {
  let found = 0;
  for (const chunk of inChunks(rows)) {
    const { rows: locked } = await sql`
      select 1 from ledger.parked
      where flow = ${flow} and source_id = any(${chunk.map((row) => row.sourceId)}::text[])
      order by source_id for update`.execute(transaction);
    found += locked.length;
  }
  return found > 0;
}

/** The flows of the parents that parked rows wait for, in order. */
export function parentFlows(rows: Decided[]): string[] {
  const flows = rows.flatMap(({ fault }) => parentOf(fault?.waitsFor)?.flow ?? []);
  return [...new Set(flows)].sort();
}

const parentOf = (waitsFor: string | undefined) => (waitsFor === undefined ? undefined : partsOf(waitsFor));

/**
 * Keeps the faults of a page's parked rows. A row that was parked already keeps its first time, and its attempts go up once
 * for each page; one that is told again after an interruption, without its fault, stays as it is. A parent that landed while
 * its child was being parked makes the child due at once, the first time; should the child then fail for the same reason it
 * comes back by time, for nothing else would ever call it.
 */
export async function park(transaction: Transaction<unknown>, feed: Feed, rows: Decided[]): Promise<void> {
  const parked = rows.filter((row) => row.outcome === 'parked');
  if (parked.length === 0) return;
  const parents = parked.map((row) => parentOf(row.fault?.waitsFor));
  const attempts = sql`parked.attempts + case when parked.page_version = excluded.page_version then 0 else 1 end`;
  await sql`
    with given as (
      select given.*, exists (
        select from ledger.record where record.flow = parent_flow and record.source_id = parent_id and record.managed and record.state <> 'missing' and not record.leaving
      ) as parent_landed
      from unnest(
        ${parked.map((row) => row.sourceId)}::text[], ${parked.map((row) => row.fault?.code ?? UNTOLD)}::text[],
        ${parked.map((row) => row.fault?.field ?? null)}::text[], ${parked.map((row) => row.fault?.waitsFor ?? null)}::text[],
        ${parents.map((parent) => parent?.flow ?? null)}::text[], ${parents.map((parent) => parent?.sourceId ?? null)}::text[]
      ) as given (source_id, code, field, waits_for, parent_flow, parent_id)
    )
    insert into ledger.parked (flow, source_id, code, field, waits_for, page_version, attempts, first_at, last_at, next_at)
    select ${feed.flow}, source_id, code, field, waits_for, ${feed.version}::bigint, 1, now(), now(),
      case
        when parent_landed then now()
        when code not in ('PARENT_MISSING', 'DUPLICATE_IN_CAMPAIGN') then now() + ${retryDelay(sql`1`)}
      end
    from given order by source_id
    on conflict (flow, source_id) do update set
      code = excluded.code, field = excluded.field, waits_for = excluded.waits_for,
      page_version = excluded.page_version, attempts = ${attempts}, last_at = excluded.last_at,
      next_at = case
        when parked.page_version = excluded.page_version and parked.code = excluded.code then parked.next_at
        when excluded.next_at = now() and parked.waits_for is distinct from excluded.waits_for then now()
        when excluded.next_at is not null then now() + ${retryDelay(attempts)}
      end
    where excluded.code <> ${UNTOLD} or parked.page_version <> excluded.page_version`.execute(transaction);
}

/** The code of a row that was parked without one. */
const UNTOLD = 'INTERNAL';

/** 1 minute, 5 minutes, 30 minutes, 2 hours, 12 hours, then daily. */
export const retryDelay = (attempts: RawBuilder<unknown>) =>
  sql`coalesce((array[1, 5, 30, 120, 720])[${attempts}], 1440) * interval '1 minute'`;

/** Forgets the faults of rows that have another outcome now. */
export async function unpark(
  transaction: Transaction<unknown>,
  flow: string,
  rows: Decided[],
): Promise<void> {
  const ids = rows.filter((row) => row.outcome !== 'parked').map((row) => row.sourceId);
  await sql`delete from ledger.parked where flow = ${flow} and source_id = any(${ids}::text[])`.execute(
    transaction,
  );
}

/**
 * Makes the rows due, of whatever flow, that waited for these records, which Campaign now holds. Answers the flows.
 */
export async function releaseWaiting(transaction: Transaction<unknown>, landed: string[]): Promise<string[]> {
  const released = new Set<string>();
  for (const awaited of inChunks(landed)) {
    const { rows: flows } = await sql<{ flow: string }>`
      with waiting as (
        select flow, source_id from ledger.parked
        where waits_for = any(${awaited}::text[]) and (next_at is null or next_at > now())
        order by flow, source_id for update
      ), due as (
        update ledger.parked set next_at = now() from waiting
        where parked.flow = waiting.flow and parked.source_id = waiting.source_id
        returning parked.flow
      )
      select distinct flow from due`.execute(transaction);
    for (const { flow } of flows) released.add(flow);
  }
  return [...released].sort();
}
