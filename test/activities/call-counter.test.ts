import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createCallCounter, type CallCounter } from '../../src/activities/call-counter.js';
import { SyncError } from '../../src/errors.js';
import { openPostgresLedger } from '../../src/ledger/postgres.js';
import type { Ledger } from '../../src/ledger/store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

const PER_DAY = 130;
let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

/** Counters of so many workers that share one ledger, and what the ledger says that is spent. */
async function workersOf(count: number): Promise<{ counters: CallCounter[]; spent(): Promise<number> }> {
  const url = await postgres.freshDatabase();
  const ledgers: Ledger[] = [];
  for (let worker = 0; worker < count; worker += 1)
    ledgers.push(
      await openPostgresLedger({ url, key: 'a key for tests, thirty-two bytes', leaseMs: 60_000 }),
    );
  onTestFinished(async () => {
    for (const ledger of ledgers) await ledger.close();
  });
  return {
    counters: ledgers.map((ledger) => createCallCounter(ledger, 'campaign', PER_DAY, Date.now)),
    spent: async () => (await ledgers[0]?.callsToday('campaign')) ?? 0,
  };
}

/** Asks until it is refused; how many calls were admitted. */
async function spendAll(counter: CallCounter): Promise<number> {
  for (let admitted = 0; ; admitted += 1) {
    try {
      await counter.admit('change');
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'BUDGET_USED_UP') throw error;
      return admitted;
    }
  }
}

test('workers at the same time share a day between them, and spend all of it but never more', async () => {
  const { counters, spent } = await workersOf(3);
  const admitted = await Promise.all(counters.map(spendAll));
  expect(admitted.reduce((sum, calls) => sum + calls)).toBe(PER_DAY);
  expect(admitted.filter((calls) => calls > 0).length).toBeGreaterThan(1);
  expect(await spent()).toBe(PER_DAY);
});

test('what one worker took and did not use is there for the other once it is settled', async () => {
  const { counters, spent } = await workersOf(2);
  const [idle, busy] = counters;
  await idle?.admit('change');
  const admitted = busy ? await spendAll(busy) : 0;
  expect(admitted).toBeLessThan(PER_DAY - 1);
  await idle?.settle();
  const further = busy ? await spendAll(busy) : 0;
  expect(1 + admitted + further).toBe(PER_DAY);
  expect(await spent()).toBe(PER_DAY);
});

test('opt-outs are counted beyond the budget, and nothing else is', async () => {
  const { counters, spent } = await workersOf(2);
  await Promise.all(counters.map(spendAll));
  await counters[0]?.admit('opt-out');
  await counters[0]?.settle();
  expect(await spent()).toBe(PER_DAY + 1);
  await expect(counters[1]?.admit('event')).rejects.toMatchObject({ code: 'BUDGET_USED_UP' });
});

test('what was counted while the ledger is away is written once it is back', async () => {
  const { counters, spent } = await workersOf(1);
  const [counter] = counters;
  await counter?.admit('change');
  await counter?.admit('opt-out');
  await postgres.restart(async () => {
    await expect(counter?.settle()).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' });
  });
  await counter?.settle();
  expect(await spent()).toBe(2);
}, 30_000);
