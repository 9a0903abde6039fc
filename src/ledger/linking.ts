import { sql, type RawBuilder, type Transaction } from 'kysely';
import { inChunks } from './context.js';
import { partsOf, type Call, type Lead } from './link-store.js';
import type { Decided } from './outcomes.js';
import type { Feed } from './store.js';

/* Steps of a transaction that concern where records of Campaign lead, and which rows are called for it. */

/** The flows that rows lead to, in order. */
export const flowsLedTo = (rows: { leads?: Lead[] }[]): string[] =>
  [...new Set(rows.flatMap(({ leads = [] }) => leads.map(({ parent }) => partsOf(parent).flow)))].sort();

/** Whether Campaign holds a record, ours, that others may be led to. */
export const isThere = (flow: RawBuilder<unknown>, sourceId: RawBuilder<unknown>): RawBuilder<unknown> =>
  sql`exists (select from ledger.record there where there.flow = ${flow} and there.source_id = ${sourceId}
    and there.managed and there.state <> 'missing' and not there.leaving)`;

/** The links of these rows as (source_id, parent, hides, parent_flow, parent_id). */
export function linksOf(rows: { sourceId: string; leads?: Lead[] }[]): RawBuilder<unknown> {
  const links = rows.flatMap(({ sourceId, leads = [] }) =>
    leads.map(({ parent, hides }) => ({ sourceId, parent, hides, to: partsOf(parent) })),
  );
  return sql`
    select * from unnest(
      ${links.map((link) => link.sourceId)}::text[], ${links.map((link) => link.parent)}::text[],
      ${links.map((link) => link.hides)}::boolean[], ${links.map((link) => link.to.flow)}::text[],
      ${links.map((link) => link.to.sourceId)}::text[]
    ) as given (source_id, parent, hides, parent_flow, parent_id)`;
}

/**
 * Brings the links of a page's rows to where their records lead now: nowhere when there is none, or when the row tells to forget them.
 * A record that turns out to lead to one that is going is called.
 */
export async function relink(transaction: Transaction<unknown>, feed: Feed, rows: Decided[]): Promise<void> {
  const concerned = rows.filter((row) => row.leads !== undefined || !row.accepted);
  if (concerned.length === 0) return;
  const linked = concerned.filter((row) => row.leads !== undefined);
  const forgotten = concerned.filter((row) => row.forgotten);
  await sql`
    with given as (${linksOf(linked)})
    delete from ledger.link
    where flow = ${feed.flow} and source_id = any(${idsOf(concerned)}::text[]) and (
      source_id = any(${idsOf(forgotten)}::text[])
      or (source_id = any(${idsOf(linked)}::text[])
        and not exists (select from given where given.source_id = link.source_id and given.parent = link.parent))
      or not exists (select from ledger.record where record.flow = link.flow and record.source_id = link.source_id
        and (record.managed or record.intent_at is not null)))`.execute(transaction);
  if (linked.length === 0) return;
  await sql`
    with given as (${linksOf(linked)}), added as (
      insert into ledger.link (flow, source_id, parent, hides)
      select ${feed.flow}, source_id, parent, hides from given order by source_id, parent
      on conflict (flow, source_id, parent) do update set hides = excluded.hides
      where link.hides is distinct from excluded.hides
      returning source_id, parent
    ), strays as (
      select distinct added.source_id from added join given using (source_id, parent)
      where not ${isThere(sql`parent_flow`, sql`parent_id`)}
    )
    insert into ledger.called (flow, source_id, number)
    select ${feed.flow}, source_id, nextval('ledger.call') from strays order by source_id
    on conflict (flow, source_id) do update set number = excluded.number`.execute(transaction);
}

/** Calls the rows whose records lead to one of these records; answers their flows. */
export async function callChildren(
  transaction: Transaction<unknown>,
  names: string[],
  childFlows?: string[],
): Promise<string[]> {
  const called = new Set<string>();
  for (const chunk of inChunks(names)) {
    const { rows } = await sql<{ flow: string }>`
      insert into ledger.called (flow, source_id, number)
      select flow, source_id, nextval('ledger.call') from (
        select distinct flow, source_id from ledger.link
        where parent = any(${chunk}::text[])
          and (${childFlows === undefined}::boolean or flow = any(${childFlows ?? []}::text[]))
        order by flow, source_id
      ) as children
      on conflict (flow, source_id) do update set number = excluded.number
      returning flow`.execute(transaction);
    for (const { flow } of rows) called.add(flow);
  }
  return [...called].sort();
}

/** Calls these rows, which come in id order. */
export async function call(transaction: Transaction<unknown>, flow: string, ids: string[]): Promise<void> {
  for (const chunk of inChunks(ids)) {
    await sql`
      insert into ledger.called (flow, source_id, number)
      select ${flow}, source_id, nextval('ledger.call') from unnest(${chunk}::text[]) as given (source_id)
      on conflict (flow, source_id) do update set number = excluded.number`.execute(transaction);
  }
}

/** Takes calls off that have been answered; one that was made again meanwhile stays. */
export async function answer(transaction: Transaction<unknown>, flow: string, calls: Call[]): Promise<void> {
  for (const chunk of inChunks(calls)) {
    await sql`
      with answered as (
        select called.source_id from ledger.called join unnest(
          ${chunk.map((each) => each.sourceId)}::text[], ${chunk.map((each) => each.number)}::bigint[]
        ) as given (source_id, number) using (source_id)
        where called.flow = ${flow} and called.number <= given.number order by source_id for update of called
      )
      delete from ledger.called using answered
      where called.flow = ${flow} and called.source_id = answered.source_id`.execute(transaction);
  }
}

const idsOf = (rows: Decided[]): string[] => rows.map((row) => row.sourceId);
