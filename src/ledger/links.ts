import { sql, type Transaction } from 'kysely';
import { inChunks, type LedgerContext } from './context.js';
import { underLease } from './held-feed.js';
import { callChildren, flowsLedTo, isThere, linksOf } from './linking.js';
import { nameOf, type Call, type Lead, type LinkStore } from './link-store.js';
import type { Feed } from './store.js';

/** How records of Campaign hang together: see the contract in link-store.ts. */
export function createLinks(context: LedgerContext): LinkStore {
  const { database } = context;

  async function leads(flow: string, sourceIds: string[]): Promise<Map<string, Lead[]>> {
    const found = new Map<string, Lead[]>();
    for (const ids of inChunks(sourceIds)) {
      const { rows } = await sql<LinkRow>`
        select source_id, parent, hides from ledger.link
        where flow = ${flow} and source_id = any(${ids}::text[]) order by source_id, parent`.execute(
        database,
      );
      for (const { source_id: id, parent, hides } of rows)
        found.set(id, [...(found.get(id) ?? []), { parent, hides }]);
    }
    return found;
  }

  function noteLeads(feed: Feed, rows: { sourceId: string; leads: Lead[] }[]): Promise<Map<string, string>> {
    const note = async (transaction: Transaction<unknown>) => {
      const refused = new Map<string, string>();
      for (const chunk of inChunks(rows)) {
        const { rows: lost } = await sql<{ source_id: string; parent: string }>`
          with given as (${linksOf(chunk)}), lost as (
            select distinct on (source_id) source_id, parent from given
            where not ${isThere(sql`parent_flow`, sql`parent_id`)} order by source_id, parent
          ), noted as (
            insert into ledger.link (flow, source_id, parent, hides)
            select ${feed.flow}, source_id, parent, hides from given
            where not exists (select from lost where lost.source_id = given.source_id)
            order by source_id, parent
            on conflict (flow, source_id, parent) do update set hides = excluded.hides
            where link.hides is distinct from excluded.hides
          )
          select source_id, parent from lost`.execute(transaction);
        for (const { source_id: id, parent } of lost) refused.set(id, parent);
      }
      return refused;
    };
    return underLease(context, feed, note, { parents: flowsLedTo(rows) });
  }

  function leave(feed: Feed, sourceIds: string[], childFlows: string[]): ReturnType<LinkStore['leave']> {
    return underLease(context, feed, async (transaction) => {
      const held = new Set<string>();
      const awaited = new Set<string>();
      for (const ids of inChunks([...sourceIds].sort())) {
        const { rows: marked } = await sql<{ source_id: string }>`
          update ledger.record set leaving = true
          where flow = ${feed.flow} and source_id = any(${ids}::text[]) and not leaving
          returning source_id`.execute(transaction);
        const left = marked.map((row) => nameOf(feed.flow, row.source_id));
        await callChildren(transaction, left, childFlows);
        const { rows } = await sql<{ source_id: string; is_held: boolean; flows: string[] }>`
          select given.source_id, bool_or(child.state is not distinct from 'held') as is_held, array_agg(distinct link.flow) as flows
          from unnest(${ids}::text[]) as given (source_id)
          join ledger.link on link.parent = ${feed.flow} || ':' || given.source_id and link.flow = any(${childFlows}::text[])
          left join ledger.record child on child.flow = link.flow and child.source_id = link.source_id
          group by given.source_id`.execute(transaction);
        for (const row of rows) {
          if (row.is_held) held.add(row.source_id);
          else row.flows.forEach((flow) => awaited.add(flow));
        }
      }
      return { held, awaited: [...awaited].sort() };
    });
  }

  async function called(flow: string, { after, limit }: { after: string; limit: number }): Promise<Call[]> {
    const { rows } = await sql<{ source_id: string; number: number }>`
      select source_id, number::float8 as number from ledger.called
      where flow = ${flow} and source_id > ${after} order by source_id limit ${limit}`.execute(database);
    return rows.map(({ source_id: sourceId, number }) => ({ sourceId, number }));
  }

  async function isCalled(flow: string, sourceId: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from ledger.called where flow = ${flow} and source_id = ${sourceId}`.execute(database);
    return rows.length > 0;
  }

  return { leads, noteLeads, leave, called, isCalled };
}

interface LinkRow {
  source_id: string;
  parent: string;
  hides: boolean;
}
