import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomOptOutsHold } from '../support/opt-outs-random.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('many random histories of flags, polls and faults end in step, and no opt-out is undone', async () => {
  expect.hasAssertions();
  await randomOptOutsHold({ runs: 6, length: { minLength: 3, maxLength: 8 }, postgres });
}, 600_000);

test('so do histories in which the worker is killed at arbitrary moments', async () => {
  expect.hasAssertions();
  await randomOptOutsHold({ runs: 3, length: { minLength: 3, maxLength: 5 }, postgres, kills: true });
}, 600_000);
