import fc from 'fast-check';
import { expect, inject } from 'vitest';
import { endsInStep, strangersOf } from './convergence-ending.js';
import { histories, type History } from './convergence-events.js';
import { applyVariant, beginWorld, paths, play, type World } from './convergence-world.js';
import { exampleDocument } from './mapping-document.js';
import { defineParcels } from './parcels.js';
import type { Postgres } from './postgres.js';
import { startStack, type Stack } from './stack.js';

const CONTACTS = 8;
/** Keys of records that have nothing to do with us; one has no key at all. */
const STRANGERS = ['', 'legacy-item', 'legacy-parcel', 'legacy-profile'];

/**
 * Plays random histories, each on systems of its own, until one does not end in step, and tells that one with its seed. The seed
 * is printed before, and CONVERGENCE_SEED plays the same histories again.
 */
export async function randomHistoriesConverge(
  numRuns: number,
  length: { minLength: number; maxLength: number },
  postgres: Postgres,
): Promise<void> {
  const seed = Number(process.env.CONVERGENCE_SEED ?? Date.now() % 2 ** 31);
  process.stderr.write(`random histories: CONVERGENCE_SEED=${seed}\n`);
  await fc.assert(
    fc.asyncProperty(histories(length), (history) => converges(history, postgres)),
    { seed, numRuns, endOnFailure: true, verbose: true },
  );
}

/** Plays one history on systems of its own and compares both systems with the hand-written model. */
export async function converges(history: History, postgres: Postgres): Promise<void> {
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    // Not read before the history's own mapping is applied.
    document: exampleDocument.replace('every: 1m', 'every: 300d'),
    ledgerUrl: await postgres.freshDatabase(),
    settings: { CAMPAIGN_EDITION: history.edition },
  });
  try {
    const world = await prepare(stack, history);
    const strangers = await strangersOf(stack, STRANGERS);
    expect([...strangers.keys()].sort()).toEqual(STRANGERS);
    for (const long of [false, false, true]) await play(world, { kind: 'create-family', long });
    await applyVariant(world);
    for (const event of history.events) await play(world, event);
    await endsInStep(world, strangers);
  } finally {
    await stack.stop();
  }
}

async function prepare(stack: Stack, history: History): Promise<World> {
  const { sandbox, contacts, records } = stack.systems;
  await sandbox.limits({ campaign: { edition: history.edition } });
  await defineParcels(stack.systems);
  if (history.edition === 'v8') await nameFilters(stack);
  await records.create(paths.contact, { lastName: 'Keyless' });
  await records.create(paths.contact, { externalId: 'legacy-profile', lastName: 'Stranger' });
  await records.create(paths.new_parcel, {
    cusCrmId: 'legacy-parcel',
    cusName: 'Not ours',
    cusProfileId: 'legacy-profile',
  });
  await records.create(paths.new_item, { cusCrmId: 'legacy-item', cusName: 'Not ours' });
  const ids = await contacts.ids();
  const world = beginWorld(stack, history, ids);
  // A company that moves here has profiles already: one of them is out of date.
  for (const externalId of ids.slice(0, 2)) {
    await records.create(paths.contact, { externalId, lastName: 'Before us' });
    world.disowned.add(externalId);
  }
  return world;
}

/** On v8 a filter cannot be called without a name of its own (campaign.md §1). */
const nameFilters = ({ systems }: Stack): Promise<void> =>
  systems.sandbox.dataModel({
    filters: ['cusParcel', 'cusItem'].map((resource) => ({
      resource,
      name: 'bycrmid',
      restName: 'crmid',
      label: 'By CRM id',
      conditions: [{ fields: ['cusCrmId'], operator: '=', parameter: 'crmid_parameter' }],
    })),
  });
