import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { toLedgerError } from './failures.js';
import { leaseClock, type LeaseClock } from './lease.js';
import { migrate } from './migrations/migrate.js';
import { createSqlLedger } from './sql-ledger.js';
import type { Ledger } from './store.js';

export interface PostgresLedgerSettings {
  /** `postgres://…`, with `sslmode` and the like as the driver takes them. */
  url: string;
  key: string;
  leaseMs: number;
  /** What `leaseUntilMs` is measured on; this process's own clock by default. */
  clock?: LeaseClock;
}

/** Opens the ledger on PostgreSQL and migrates it. Throws LEDGER_UNAVAILABLE, LEDGER_TOO_NEW. */
export async function openPostgresLedger(settings: PostgresLedgerSettings): Promise<Ledger> {
  const { key, leaseMs, clock = leaseClock } = settings;
  const database = connectPostgres(settings);
  try {
    await migrate(database);
  } catch (error) {
    await database.destroy();
    throw toLedgerError(error);
  }
  return createSqlLedger({ database, key, leaseMs, clock, processId: randomUUID(), aloneOnFolder: false });
}

/** A pool of connections. A worker that stops in the middle of a transaction does not hold its feed up past its lease. */
export function connectPostgres({ url, leaseMs }: { url: string; leaseMs: number }): Kysely<unknown> {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: 'dynamics-campaign-sync',
    max: 10,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    idle_in_transaction_session_timeout: leaseMs,
    lock_timeout: LOCK_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    types: { getTypeParser },
  });
  // An idle connection that breaks is replaced by the next one that is needed; unheard, it would end the process.
  pool.on('error', () => {});
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

const LOCK_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;

/** The driver gives `bigint` as text; the ledger's counts and versions are safe numbers, as PGlite gives them. */
const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: 'text' | 'binary') =>
  oid === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(oid, format as 'text');
