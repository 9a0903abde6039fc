import { randomUUID } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Kysely } from 'kysely';
import { toLedgerError } from './failures.js';
import { lockFolder } from './folder-lock.js';
import { readOrMakeKey } from './key.js';
import { leaseClock, type LeaseClock } from './lease.js';
import { migrate } from './migrations/migrate.js';
import { createPgliteDialect } from './pglite-dialect.js';
import { createSqlLedger } from './sql-ledger.js';
import type { Ledger } from './store.js';

export interface EmbeddedLedgerSettings {
  /** The ledger's own folder, for its database, its lock and its key. Made when there is none. */
  folder: string;
  /** Made and kept in the folder when unset. */
  key?: string;
  leaseMs: number;
  /** What `leaseUntilMs` is measured on; this process's own clock by default. */
  clock?: LeaseClock;
}

/**
 * Opens the embedded ledger in a folder that no other process works on, and migrates it. The folder stays locked until the
 * ledger is closed or this process ends. Throws DATA_FOLDER_IN_USE, LEDGER_UNAVAILABLE, LEDGER_TOO_NEW.
 */
export async function openEmbeddedLedger(settings: EmbeddedLedgerSettings): Promise<Ledger> {
  const { folder, leaseMs, clock = leaseClock } = settings;
  const lock = await lockFolder(folder);
  try {
    const key = settings.key ?? (await readOrMakeKey(folder));
    const database = connectEmbedded(folder);
    await migrate(database);
    const processId = randomUUID();
    return createSqlLedger({
      database,
      key,
      leaseMs,
      clock,
      processId,
      aloneOnFolder: true,
      closed: () => lock.release(),
    });
  } catch (error) {
    await lock.release();
    throw toLedgerError(error);
  }
}

/** Free space that is never begun upon: PostgreSQL's log grows by 16 MiB at a time, and PGlite does not survive its failing. */
const SPARE_BYTES = 64 * 1024 * 1024;

/**
 * The database of a folder that this process has locked. While less than `SPARE_BYTES` are free it refuses to work.
 * `freeBytes` is measured on the disk unless a test says otherwise.
 */
export function connectEmbedded(
  folder: string,
  freeBytes: () => Promise<number> = () => measureFreeBytes(folder),
): Kysely<unknown> {
  const dataDir = join(folder, 'database');
  const dialect = createPgliteDialect({
    open: () => PGlite.create({ dataDir }),
    async check() {
      if ((await freeBytes()) < SPARE_BYTES)
        throw new Error('no space left on device: less than 64 MiB are free');
    },
  });
  return new Kysely<unknown>({ dialect });
}

async function measureFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
