import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomTimelinesConverge } from '../support/convergence-timelines.js';
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

test('many random histories of deliveries, faults, restarts and switched sources end with each event once on its timeline', async () => {
  expect.hasAssertions();
  await randomTimelinesConverge(15, { minLength: 2, maxLength: 8 });
}, 600_000);
