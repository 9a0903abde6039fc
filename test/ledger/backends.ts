import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kysely } from 'kysely';
import { beforeAll, describe } from 'vitest';
import { connectEmbedded } from '../../src/ledger/embedded.js';
import { leaseClock } from '../../src/ledger/lease.js';
import { migrate } from '../../src/ledger/migrations/migrate.js';
import { connectPostgres } from '../../src/ledger/postgres.js';
import { createSqlLedger } from '../../src/ledger/sql-ledger.js';
import type { Feed, Ledger, Position } from '../../src/ledger/store.js';
import { startPostgres } from '../support/postgres.js';

export const LEASE_MS = 60_000;

interface OpenDatabase {
  database: Kysely<unknown>;
  close(): Promise<void>;
}

/** A ledger of one backend, and its database beneath it for looking at rows and for moving their times. */
export interface LedgerUnderTest {
  backend: 'postgres' | 'embedded';
  ledger: Ledger;
  database: Kysely<unknown>;
  /** The same ledger as another process has it open. */
  ofAnotherProcess(options?: { key?: string; leaseMs?: number }): Ledger;
  /** A flow that no other test uses. */
  freshFlow(): string;
}

const backends = [
  { name: 'postgres', open: openPostgres },
  { name: 'embedded', open: openEmbedded },
] as const;

const openedOnce = new Map<string, Promise<OpenDatabase>>();

/** Runs the same tests on both backends; `under()` is the ledger while a test runs. All suites share one of each. */
export function onBothBackends(title: string, tests: (under: () => LedgerUnderTest) => void): void {
  for (const { name, open } of backends) {
    describe(`${title} (${name})`, () => {
      let current: LedgerUnderTest;
      beforeAll(async () => {
        const opening = openedOnce.get(name) ?? open();
        openedOnce.set(name, opening);
        current = underTest(name, (await opening).database);
      });
      tests(() => current);
    });
  }
}

/** Closes what the suites have used. */
export async function closeBackends(): Promise<void> {
  for (const opening of openedOnce.values()) await (await opening).close();
}

let flows = 0;

function underTest(backend: LedgerUnderTest['backend'], database: Kysely<unknown>): LedgerUnderTest {
  const ofAnotherProcess = ({ key = 'key', leaseMs = LEASE_MS } = {}) => {
    const processId = randomUUID();
    const aloneOnFolder = backend === 'embedded';
    return createSqlLedger({ database, key, leaseMs, clock: leaseClock, processId, aloneOnFolder });
  };
  const freshFlow = () => `ingress/table_${(flows += 1)}`;
  return { backend, ledger: ofAnotherProcess(), database, ofAnotherProcess, freshFlow };
}

async function openPostgres(): Promise<OpenDatabase> {
  const server = await startPostgres();
  const database = connectPostgres({ url: server.url, leaseMs: LEASE_MS });
  await migrate(database);
  return {
    database,
    async close() {
      await database.destroy();
      await server.stop();
    },
  };
}

async function openEmbedded(): Promise<OpenDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-test-'));
  const database = connectEmbedded(folder);
  await migrate(database);
  return {
    database,
    async close() {
      await database.destroy();
      await rm(folder, { recursive: true });
    },
  };
}

/** Takes a feed that must be free. */
export async function take(ledger: Ledger, flow: string, owner = 'owner'): Promise<Feed> {
  const opened = await ledger.openFeed(flow, owner);
  if (opened.kind === 'busy') throw new Error(`${flow} is busy for ${opened.waitMs} ms`);
  return opened.feed;
}

export const at = (phase: Position['phase'], link?: string): Position => ({
  phase,
  mode: 'first',
  ...(link !== undefined && { link }),
});

/** Stand-ins for keyed hashes. */
export const prints = (content: string) => ({ full: `full ${content}`, following: `following ${content}` });
