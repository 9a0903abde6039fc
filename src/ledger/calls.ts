import { sql } from 'kysely';
import type { LedgerContext } from './context.js';
import type { Ledger } from './store.js';

/** Calls made per system and day (UTC): see the contract in store.ts. */
export function createCalls({ database }: LedgerContext): Pick<Ledger, 'addCalls' | 'callsToday'> {
  const today = sql`(clock_timestamp() at time zone 'utc')::date`;

  async function addCalls(system: 'dynamics' | 'campaign', calls: number): Promise<number> {
    const { rows } = await sql<{ calls: number }>`
      insert into ledger.day (day, system, calls) values (${today}, ${system}, ${calls})
      on conflict (day, system) do update set calls = day.calls + excluded.calls
      returning calls`.execute(database);
    return rows[0]?.calls ?? calls;
  }

  async function callsToday(system: 'dynamics' | 'campaign'): Promise<number> {
    const { rows } = await sql<{ calls: number }>`
      select calls from ledger.day where day = ${today} and system = ${system}`.execute(database);
    return rows[0]?.calls ?? 0;
  }

  return { addCalls, callsToday };
}
