import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomTimelinesConverge } from '../support/convergence-timelines.js';
import { randomHistoriesConverge } from '../support/convergence.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('random histories of linked tables, edits, faults and restarts end with both systems in step', async () => {
  expect.hasAssertions();
  await randomHistoriesConverge(3, { minLength: 2, maxLength: 5 }, postgres);
}, 180_000);

test('random histories of deliveries, faults, restarts and switched sources end with each event once on its timeline', async () => {
  expect.hasAssertions();
  await randomTimelinesConverge(3, { minLength: 2, maxLength: 4 });
}, 120_000);
