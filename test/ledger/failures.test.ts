import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { connectEmbedded } from '../../src/ledger/embedded.js';
import { leaseClock } from '../../src/ledger/lease.js';
import { migrate } from '../../src/ledger/migrations/migrate.js';
import { openPostgresLedger } from '../../src/ledger/postgres.js';
import { createSqlLedger } from '../../src/ledger/sql-ledger.js';
import { startPostgres } from '../support/postgres.js';
import { at, LEASE_MS, take } from './backends.js';

const unavailable = { name: 'SyncError', code: 'LEDGER_UNAVAILABLE', class: 'retry' };

test('an embedded ledger refuses to work while its disk is nearly full, and goes on by itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'full-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  let freeBytes = 1e12;
  const database = connectEmbedded(folder, async () => freeBytes);
  await migrate(database);
  const ledger = createSqlLedger({
    database,
    key: 'key',
    leaseMs: LEASE_MS,
    clock: leaseClock,
    processId: 'p',
    aloneOnFolder: true,
  });
  const feed = await take(ledger, 'flow');
  freeBytes = 1_000_000;
  await expect(ledger.commitPage(feed, [], at('full'))).rejects.toMatchObject(unavailable);
  freeBytes = 1e12;
  expect(await ledger.commitPage(feed, [], at('full'))).toMatchObject({ version: 1 });
  await ledger.close();
  await expect(ledger.readFeed('flow')).rejects.toMatchObject({ name: 'SyncError' });
});

test(
  'a PostgreSQL server that goes away and comes back is waited for by whoever asks',
  { timeout: 60_000 },
  async () => {
    const server = await startPostgres();
    const ledger = await openPostgresLedger({ url: server.url, key: 'key', leaseMs: LEASE_MS });
    const feed = await take(ledger, 'flow');
    await server.restart(async () => {
      await expect(ledger.commitPage(feed, [], at('full'))).rejects.toMatchObject(unavailable);
      await expect(
        openPostgresLedger({ url: server.url, key: 'key', leaseMs: LEASE_MS }),
      ).rejects.toMatchObject(unavailable);
    });
    expect(await ledger.commitPage(feed, [], at('full'))).toMatchObject({ version: 1 });
    const wrongPassword = server.url.replace('postgres:postgres@', 'postgres:wrong@');
    await expect(
      openPostgresLedger({ url: wrongPassword, key: 'key', leaseMs: LEASE_MS }),
    ).rejects.toMatchObject(unavailable);
    await ledger.close();
    await server.stop();
  },
);
