import { sql, type Transaction } from 'kysely';
import { inChunks } from './context.js';
import { retryDelay } from './parking.js';
import type { Feed } from './store.js';

/** An entry of a source that is set aside; `place`: where the source can read it again, for its content is not kept. */
export interface ParkedPlace {
  id: string;
  fault: { code: string; field?: string };
  place: string;
}

/** As with rows of tables: attempts go up once a page, and the next try comes later each time. */
export async function parkPlaces(
  transaction: Transaction<unknown>,
  feed: Feed,
  given: ParkedPlace[],
): Promise<void> {
  const parked = [...new Map(given.map((each) => [each.id, each])).values()];
  if (parked.length === 0) return;
  const attempts = sql`parked.attempts + case when parked.page_version = excluded.page_version then 0 else 1 end`;
  await sql`
    insert into ledger.parked (flow, source_id, code, field, place, page_version, attempts, first_at, last_at, next_at)
    select ${feed.flow}, id, code, field, place, ${feed.version}::bigint, 1, now(), now(), now() + ${retryDelay(sql`1`)}
    from unnest(
      ${parked.map(({ id }) => id)}::text[], ${parked.map(({ fault }) => fault.code)}::text[],
      ${parked.map(({ fault }) => fault.field ?? null)}::text[], ${parked.map(({ place }) => place)}::text[]
    ) as given (id, code, field, place)
    order by id
    on conflict (flow, source_id) do update set
      code = excluded.code, field = excluded.field, place = excluded.place,
      page_version = excluded.page_version, attempts = ${attempts}, last_at = excluded.last_at,
      next_at = now() + ${retryDelay(attempts)}`.execute(transaction);
}

export async function unparkPlaces(
  transaction: Transaction<unknown>,
  flow: string,
  ids: string[],
): Promise<void> {
  for (const chunk of inChunks(ids)) {
    await sql`delete from ledger.parked where flow = ${flow} and source_id = any(${chunk}::text[])`.execute(
      transaction,
    );
  }
}
