import { sql } from 'kysely';
import type { Statements } from './context.js';

/** Deletes a sweep's notes, some thousands at a time. */
export async function forgetSweep(database: Statements, flow: string): Promise<void> {
  for (;;) {
    const { numAffectedRows } = await sql`
      with doomed as (select source_id from ledger.swept where flow = ${flow} limit 10000)
      delete from ledger.swept using doomed
      where swept.flow = ${flow} and swept.source_id = doomed.source_id`.execute(database);
    if (!numAffectedRows) return;
  }
}
