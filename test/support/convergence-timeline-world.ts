import { expect } from 'vitest';
import type { EgressResult } from '../../src/contracts.js';
import {
  losesFiles,
  timelineFaults as faults,
  type Happening,
  type Source,
  type TimelineHistory,
} from './convergence-timeline-events.js';
import {
  eventsShown,
  kinds,
  readJournal,
  textOf,
  timelineFaults,
  type Kind,
} from './convergence-timeline.js';
import type { Stack } from './stack.js';
import { deliver, eventsDocument } from './timeline.js';

/** More runs than any tail of faults and of rows set aside needs: beyond them something goes round in circles. */
const MOST_RUNS = 20;
const EGRESS = 'egress';

/** A history as far as it has been played: what its user knows without asking either system. */
export interface TimelineWorld {
  stack: Stack;
  source: Source;
  isOn: Record<Kind, boolean>;
  contacts: string[];
  /** By the name of each delivery, the kinds that have been off since it was sent, and those that have been on. */
  deliveries: Map<string, { off: Set<Kind>; on: Set<Kind> }>;
  /** Log files are gone that nobody may have read. */
  lossy: boolean;
  syncing: Promise<unknown>;
  names: number;
}

export const beginTimelineWorld = (
  stack: Stack,
  { source }: TimelineHistory,
  contacts: string[],
): TimelineWorld => ({
  stack,
  source,
  isOn: { sends: true, opens: true, clicks: true, bounces: true },
  contacts,
  deliveries: new Map(),
  lossy: false,
  syncing: Promise.resolve(),
  names: 0,
});

export async function happen(world: TimelineWorld, event: Happening): Promise<void> {
  const { stack } = world;
  const { contacts, sandbox } = stack.systems;
  switch (event.kind) {
    case 'deliver': {
      const { delivery } = await deliver(stack.sandbox.ready, event.delivery);
      world.deliveries.set(delivery, { off: new Set(), on: new Set() });
      return noteKinds(world);
    }
    case 'create-contact': {
      world.names += 1;
      const emailaddress1 = `new${world.names}@example.com`;
      const id = await contacts.create({ lastname: `New ${world.names}`, emailaddress1 });
      return void world.contacts.push(id);
    }
    case 'delete-contact': {
      const id = world.contacts.at(-1 - (event.place % world.contacts.length));
      if (id === undefined || world.contacts.length === 1) return;
      world.contacts = world.contacts.filter((each) => each !== id);
      return contacts.remove(id);
    }
    case 'fault':
      world.lossy ||= losesFiles(event.fault);
      return sandbox.faults(faults[event.fault] ?? []);
    case 'disorder':
      return sandbox.limits({ campaign: { journal: event.journal } });
    case 'sync':
      await world.syncing;
      world.syncing = syncOnce(world);
      return event.waits ? void (await world.syncing) : undefined;
    case 'restart':
      return stack.restartWorker();
    case 'switch-source':
      world.source = world.source === 'journal' ? 'files' : 'journal';
      return applyTo(world);
    case 'switch-kind':
      // A slice keeps to the kinds that it began with: what a running one would still write is not told here.
      await world.syncing;
      world.isOn[event.of] = !world.isOn[event.of];
      await applyTo(world);
      return noteKinds(world);
    case 'read-again':
      return void (await stack.starter(
        'resync',
        EGRESS,
        ...(event.all ? [] : ['--since', new Date(Date.now() - 600_000).toISOString()]),
      ));
    case 'redrive':
      return void (await stack.starter('redrive', '--flow', EGRESS));
  }
}

function noteKinds({ deliveries, isOn }: TimelineWorld): void {
  for (const { on, off } of deliveries.values()) for (const kind of kinds) (isOn[kind] ? on : off).add(kind);
}

/** Without any kind that is on there is no flow of events. */
export const applyTo = ({ stack, source, isOn }: TimelineWorld): Promise<void> => {
  const switched = kinds.reduce(
    (document, kind) => document.replace(`${kind}: true`, `${kind}: ${isOn[kind]}`),
    eventsDocument(source),
  );
  return stack.apply(switched);
};

/** Runs the flows; whatever becomes of the run of events, its counts add up. */
async function syncOnce({ stack, isOn }: TimelineWorld): Promise<void> {
  await stack.syncAll(['ingress/contact']);
  if (kinds.every((kind) => !isOn[kind])) return;
  await stack.syncAll([EGRESS]);
  const { read, written, duplicates, filtered, parked } = await stack.eventStatus();
  expect(written + duplicates + filtered + parked).toBe(read);
}

/**
 * Ends a history: as soon as nothing is left to do, each event that was wanted all the time is on its contact's timeline. Once every kind is
 * wanted and the source has been read again, all are, and nothing that either source can tell adds a row.
 */
export async function endsOnTimelines(world: TimelineWorld): Promise<void> {
  const { stack, deliveries } = world;
  const { sandbox, systems } = stack;
  await systems.sandbox.clearFaults();
  await world.syncing;
  await drain(world);
  const about = (delivery: string) => deliveries.get(delivery) ?? { on: new Set(), off: new Set() };
  expect(
    await timelineFaults(sandbox.ready, systems, {
      must: ({ kind, delivery }) => !world.lossy && !about(delivery).off.has(kind),
      mustNot: ({ kind, delivery }) => !about(delivery).on.has(kind),
    }),
  ).toEqual([]);

  if (world.lossy) world.source = 'journal';
  for (const kind of kinds) world.isOn[kind] = true;
  await applyTo(world);
  const replayed = await readAll(world);
  expect(await timelineFaults(sandbox.ready, systems)).toEqual([]);
  if (world.source === 'journal') expect(replayed.read).toBe((await readJournal(sandbox.ready)).length);

  const before = await rowsOf(stack);
  world.source = world.source === 'journal' ? 'files' : 'journal';
  await applyTo(world);
  expect(await readAll(world)).toMatchObject({ written: 0, parked: 0 });
  expect(await rowsOf(stack)).toEqual(before);
}

const rowsOf = async ({ systems }: Stack): Promise<string[]> =>
  (await eventsShown(systems)).map(textOf).toSorted();

/** Reads all that the source has, in one run, and tells what became of it. */
async function readAll({ stack }: TimelineWorld): Promise<EgressResult['counts']> {
  expect((await stack.starter('resync', EGRESS)).status).toBe(0);
  await stack.syncAll([EGRESS]);
  const { outcome, counts } = (await stack.client.workflow.getHandle(EGRESS).result()) as EgressResult;
  expect(outcome).toBe('in-sync');
  expect(counts.written + counts.duplicates + counts.filtered + counts.parked).toBe(counts.read);
  return counts;
}

/** Runs the flows until nothing is left; what only time would bring is tried again as if it had passed. */
async function drain(world: TimelineWorld): Promise<void> {
  const { stack } = world;
  if (kinds.every((kind) => !world.isOn[kind])) return;
  let before = '';
  for (let run = 0; run < MOST_RUNS; run += 1) {
    await stack.starter('redrive', '--flow', EGRESS);
    const ends = await stack.syncAll(['ingress/contact', EGRESS]);
    expect(ends.filter(({ outcome }) => outcome !== 'in-sync')).toEqual([]);
    const { now, errors } = await stack.eventStatus();
    const left = JSON.stringify([now, errors, await rowsOf(stack)]);
    if (left === before) {
      // A file that has vanished stays told.
      expect(Object.keys(errors).filter((code) => code !== 'LOG_FILE_CUT_SHORT')).toEqual([]);
      if (!world.lossy) expect(now.parked).toBe(0);
      return;
    }
    before = left;
  }
  throw new Error(`after ${MOST_RUNS} runs there is still something to do`);
}
