import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomOptOutsHold } from '../support/opt-outs-random.js';
import { startPostgres, type Postgres } from '../support/postgres.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('random edits of flags on both sides, polls and faults end in step, and no opt-out is undone', async () => {
  expect.hasAssertions();
  await randomOptOutsHold({ runs: 3, length: { minLength: 2, maxLength: 4 }, postgres });
}, 180_000);
