import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { converges, eventArbitrary } from '../support/convergence.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack } from '../support/stack.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

test('random histories of changes, faults, restarts and resyncs end with both systems in step', async () => {
  expect.hasAssertions();
  await fc.assert(
    fc.asyncProperty(fc.array(eventArbitrary, { minLength: 3, maxLength: 14 }), async (history) => {
      const stack = await startStack({
        temporalAddress: inject('temporalAddress'),
        contacts: 40,
        document: exampleDocument,
        ledgerUrl: await postgres.freshDatabase(),
      });
      try {
        await converges(stack, history);
      } finally {
        await stack.stop();
      }
    }),
    { numRuns: 25, endOnFailure: true, verbose: true },
  );
}, 900000);
