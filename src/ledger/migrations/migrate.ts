import { sql, type Kysely } from 'kysely';
import { SyncError } from '../../errors.js';
import { firstTables } from './0001-first-tables.js';
import { heldSet } from './0002-held-set.js';
import { links } from './0003-links.js';
import { events } from './0004-events.js';
import { consent } from './0005-consent.js';
import { lastSuccess } from './0006-last-success.js';

export interface Migration {
  name: string;
  statements: string[];
}

/**
 * Forwards only, in this order; what has been released is never changed. Each one only adds, so that workers of the version before,
 * which run on while the first one of this version migrates, find all that they know.
 */
export const migrations: readonly Migration[] = [firstTables, heldSet, links, events, consent, lastSuccess];

/** Any number, the same in every version of this service: two workers that start at once migrate one after the other. */
const MIGRATION_LOCK = 4_810_365_172;

/** Brings the database to the tables of `known`, this version's unless told otherwise. Throws LEDGER_TOO_NEW when it is ahead of them. */
export async function migrate(
  database: Kysely<unknown>,
  known: readonly Migration[] = migrations,
): Promise<void> {
  await database.transaction().execute(async (transaction) => {
    // An index on a large table takes longer than any statement of a worker may.
    await sql`set local statement_timeout = 0`.execute(transaction);
    await sql`select pg_advisory_xact_lock(${sql.lit(MIGRATION_LOCK)})`.execute(transaction);
    await sql`create schema if not exists ledger`.execute(transaction);
    await sql`create table if not exists ledger.migration (
      number integer primary key, name text not null, applied_at timestamptz not null default now())`.execute(
      transaction,
    );
    const { rows } = await sql<{
      last: number;
    }>`select coalesce(max(number), 0) as last from ledger.migration`.execute(transaction);
    const last = rows[0]?.last ?? 0;
    if (last > known.length) throw new SyncError('LEDGER_TOO_NEW', { subject: `migration ${last}` });
    for (const [index, { name, statements }] of known.entries()) {
      const number = index + 1;
      if (number <= last) continue;
      for (const statement of statements) await sql.raw(statement).execute(transaction);
      await sql`insert into ledger.migration (number, name) values (${number}, ${name})`.execute(transaction);
    }
  });
}
