import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomHistoriesConverge } from '../support/convergence.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('many random histories of linked tables, edits, faults and restarts end with both systems in step', async () => {
  expect.hasAssertions();
  await randomHistoriesConverge(12, { minLength: 3, maxLength: 10 }, postgres);
}, 900_000);
