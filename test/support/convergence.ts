import fc from 'fast-check';
import { expect, inject } from 'vitest';
import { differences, mappedColumns } from './expected.js';
import { exampleDocument } from './mapping-document.js';
import type { Postgres } from './postgres.js';
import { startStack, type Stack } from './stack.js';

/** One thing that may happen to the pair of systems, or to the service between them. */
type Event =
  | { kind: 'change' | 'create' | 'delete'; rows: number }
  | { kind: 'fault'; fault: string }
  | { kind: 'sync' }
  | { kind: 'resync'; mode: 'verify' | 'rewrite' }
  | { kind: 'restart' }
  | { kind: 'edit-in-campaign' | 'delete-in-campaign'; which: number }
  | { kind: 'expire-delta' };

const faults: Record<string, object> = {
  reset: { system: 'campaign', kind: 'reset', times: 3 },
  'accepted-then-reset': { system: 'campaign', kind: 'accepted-then-reset', times: 3 },
  truncate: { system: 'campaign', kind: 'truncate', times: 2 },
  status: { system: 'campaign', kind: 'status', status: 502, times: 3 },
  throttle: { system: 'campaign', kind: 'throttle', retryAfter: 1, times: 2 },
  'expire-token': { system: 'campaign', kind: 'expire-token', times: 1 },
  'dynamics-reset': { system: 'dynamics', kind: 'reset', times: 2 },
  'dynamics-status': { system: 'dynamics', kind: 'status', status: 503, times: 2 },
  'dynamics-throttle': { system: 'dynamics', kind: 'throttle', facet: 'time', retryAfter: 1, times: 1 },
};

const eventArbitrary: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('change', 'create'),
      rows: fc.integer({ min: 1, max: 12 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('delete'), rows: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('fault'), fault: fc.constantFrom(...Object.keys(faults)) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('sync') }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('resync'), mode: fc.constantFrom('verify', 'rewrite') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('edit-in-campaign', 'delete-in-campaign'),
      which: fc.nat({ max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire-delta') }) },
) as fc.Arbitrary<Event>;

/** Plays random histories, each on systems of its own, until one does not end in step, and prints that one. */
export async function randomHistoriesConverge(numRuns: number, postgres: Postgres): Promise<void> {
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
    { numRuns, endOnFailure: true, verbose: true },
  );
}

/** Plays a history, then verifies once without faults and compares both systems with the hand-written model. */
async function converges(stack: Stack, history: Event[]): Promise<void> {
  for (const event of history) await play(stack, event);
  await stack.systems.sandbox.clearFaults();
  expect((await stack.resync('verify')).outcome).toBe('in-sync');
  const contacts = await stack.systems.contacts.all(mappedColumns);
  expect(differences(contacts, await stack.systems.profiles.all())).toEqual([]);
  const status = await stack.status();
  const { read, created, updated, unchanged, filtered, deleted, parked, held } = status;
  expect(created + updated + unchanged + filtered + deleted + parked + held).toBe(read);
  expect(status.now.managed + status.now.parked).toBe(contacts.length);
}

async function play(stack: Stack, event: Event): Promise<void> {
  const { sandbox, profiles } = stack.systems;
  switch (event.kind) {
    case 'change':
    case 'create':
    case 'delete':
      return sandbox.bulk({ [event.kind]: event.rows });
    case 'fault':
      return sandbox.faults([faults[event.fault] ?? {}]);
    case 'expire-delta':
      return sandbox.faults([{ system: 'dynamics', kind: 'expire-delta', times: 1 }]);
    case 'sync':
      return void (await stack.sync());
    case 'resync':
      return void (await stack.resync(event.mode));
    case 'restart':
      return stack.restartWorker();
    case 'edit-in-campaign':
    case 'delete-in-campaign': {
      await sandbox.clearFaults();
      const all = await profiles.all();
      const profile = all[event.which % Math.max(1, all.length)];
      if (!profile) return;
      await (event.kind === 'edit-in-campaign'
        ? profiles.update(profile, { lastName: 'Edited' })
        : profiles.remove(profile));
    }
  }
}
