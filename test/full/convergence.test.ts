import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomHistoriesConverge } from '../support/convergence.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('random histories of changes, faults, restarts and resyncs end with both systems in step', async () => {
  expect.hasAssertions();
  await randomHistoriesConverge(25, postgres);
}, 900000);
