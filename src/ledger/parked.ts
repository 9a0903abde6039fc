import { sql, type RawBuilder } from 'kysely';
import type { LedgerContext } from './context.js';
import type { Ledger, ParkedFilter, ParkedRow } from './store.js';

type Parked = Pick<Ledger, 'dueParked' | 'nextParkedMs' | 'redrive' | 'parked'>;

/** Rows that were set aside: see the contract in store.ts. */
export function createParked({ database }: LedgerContext): Parked {
  async function dueParked(
    flow: string,
    { after, limit }: { after: string; limit: number },
  ): Promise<string[]> {
    const { rows } = await sql<{ source_id: string }>`
      select source_id from ledger.parked
      where flow = ${flow} and next_at <= now() and source_id > ${after}
      order by source_id limit ${limit}`.execute(database);
    return rows.map((row) => row.source_id);
  }

  async function nextParkedMs(flow: string): Promise<number | undefined> {
    const { rows } = await sql<{ left_ms: number | null }>`
      select (extract(epoch from min(next_at) - now()) * 1000)::float8 as left_ms
      from ledger.parked where flow = ${flow} and next_at is not null`.execute(database);
    const leftMs = rows[0]?.left_ms ?? undefined;
    return leftMs === undefined ? undefined : Math.max(0, Math.ceil(leftMs));
  }

  async function redrive(filter: ParkedFilter): Promise<number> {
    const { rows: flows } = await sql<{ flow: string }>`
      select distinct flow from ledger.parked where ${matches(filter)} order by flow`.execute(database);
    let redriven = 0;
    for (const { flow } of flows) redriven += await redriveFlow(flow, { ...filter, flow });
    return redriven + (await redriveContacts(filter));
  }

  /** Not those of which an unanswered call may still take effect. */
  async function redriveContacts(filter: ParkedFilter): Promise<number> {
    const { numAffectedRows } = await sql`
      with chosen as (
        select source_id from ${failingContacts} as failing
        where ${matches(filter)} and code not like '%_UNKNOWN' order by source_id
      )
      update ledger.due_contact set next_at = least(next_at, now()) from chosen
      where due_contact.contact_id = chosen.source_id`.execute(database);
    return Number(numAffectedRows ?? 0);
  }

  /** The feed is locked before its rows, as pages do, so that the two never wait for each other. */
  function redriveFlow(flow: string, filter: ParkedFilter): Promise<number> {
    return database.transaction().execute(async (transaction) => {
      await sql`select 1 from ledger.feed where flow = ${flow} for share`.execute(transaction);
      const { numAffectedRows } = await sql`
        with chosen as (
          select source_id from ledger.parked where ${matches(filter)} order by source_id for update
        )
        update ledger.parked set next_at = least(next_at, now()) from chosen
        where parked.flow = ${flow} and parked.source_id = chosen.source_id`.execute(transaction);
      return Number(numAffectedRows ?? 0);
    });
  }

  async function parked({
    after = '',
    limit,
    ...filter
  }: ParkedFilter & { after?: string; limit: number }): Promise<ParkedRow[]> {
    // With ties: an id that two tables share is not torn apart, so that the next page can go on after the last id.
    const { rows } = await sql<ParkedColumns>`
      select flow, source_id, code, field, waits_for, attempts, first_at, last_at, next_at
      from (
        select flow, source_id, code, field, waits_for, attempts, first_at, last_at, next_at from ledger.parked
        union all select * from ${failingContacts} as failing
      ) as aside where ${matches(filter)} and source_id > ${after}
      order by source_id fetch first (${limit}::bigint) rows with ties`.execute(database);
    return rows.map(toParkedRow);
  }

  return { dueParked, nextParkedMs, redrive, parked };
}

/** Contacts whose opt-outs could not be settled, as rows that are set aside. */
const failingContacts = sql`(
  select 'opt-out' as flow, contact_id as source_id, code, null::text as field, null::text as waits_for,
    attempts, since as first_at, since as last_at, next_at
  from ledger.due_contact where code is not null
)`;

function matches({ flow, code, sourceId }: ParkedFilter): RawBuilder<unknown> {
  const conditions = [
    flow !== undefined && sql`flow = ${flow}`,
    code !== undefined && sql`code = ${code}`,
    sourceId !== undefined && sql`source_id = ${sourceId}`,
  ].filter((condition) => condition !== false);
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}

interface ParkedColumns {
  flow: string;
  source_id: string;
  code: string;
  field: string | null;
  waits_for: string | null;
  attempts: number;
  first_at: Date;
  last_at: Date;
  next_at: Date | null;
}

const toParkedRow = (row: ParkedColumns): ParkedRow => ({
  flow: row.flow,
  sourceId: row.source_id,
  code: row.code,
  ...(row.field !== null && { field: row.field }),
  ...(row.waits_for !== null && { waitsFor: row.waits_for }),
  attempts: row.attempts,
  firstAt: row.first_at.toISOString(),
  lastAt: row.last_at.toISOString(),
  ...(row.next_at !== null && { nextAttemptAt: row.next_at.toISOString() }),
});
