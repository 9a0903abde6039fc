import { expect } from 'vitest';
import { faults, type Event, type History } from './convergence-events.js';
import { documentOf, tables, type Table, type Variant } from './convergence-mapping.js';
import { ITEMS, PARCELS } from './parcels.js';
import type { Stack } from './stack.js';
import type { Profile } from './systems.js';

export const entitySets = { contact: 'contacts', new_parcel: 'new_parcels', new_item: 'new_items' } as const;
export const paths = {
  contact: 'profileAndServicesExt/profile',
  new_parcel: PARCELS,
  new_item: ITEMS,
} as const;
const keys = { contact: 'externalId', new_parcel: 'cusCrmId', new_item: 'cusCrmId' } as const;
/** The key that a record of Campaign holds. */
export const keyOf = (table: Table, record: Profile): string => String(record[keys[table]]);

/** Longer than Campaign's 30 characters for a first name and 40 for the name of a parcel or an item. */
const LONG_NAME = 'a name of exactly fifty characters, as Dynamics has';

/** A history as far as it has been played: what its user knows without asking either system. */
export interface World {
  stack: Stack;
  history: History;
  variant: Variant;
  ids: Record<Table, string[]>;
  /** Rows whose Campaign record is nobody's or may be: it was there before us, or its held deletion was discarded. */
  disowned: Set<string>;
  /** Somebody has changed or deleted our records in Campaign: only a verify mends that. */
  meddled: boolean;
  syncing: Promise<unknown>;
  names: number;
}

export const beginWorld = (stack: Stack, history: History, contactIds: string[]): World => ({
  stack,
  history,
  variant: history.start,
  ids: { contact: [...contactIds], new_parcel: [], new_item: [] },
  disowned: new Set(),
  meddled: false,
  syncing: Promise.resolve(),
  names: 0,
});

export const applyVariant = ({ stack, variant, history }: World): Promise<void> =>
  stack.apply(documentOf(variant, history.edition));

export async function play(world: World, event: Event): Promise<void> {
  const { stack } = world;
  const { sandbox } = stack.systems;
  switch (event.kind) {
    case 'create-contact':
      return void (await createContact(world, event.long));
    case 'create-parcel':
      return void (await createParcel(world, at(world.ids.contact, event.contact), event.long));
    case 'create-item':
      return void (await createItem(world, at(world.ids.new_parcel, event.parcel)));
    case 'create-family': {
      const parcel = await createParcel(world, await createContact(world, event.long), false);
      return void (await createItem(world, parcel));
    }
    case 'change':
    case 'move':
    case 'deactivate':
    case 'activate':
    case 'delete':
      return changeRow(world, event);
    case 'fault':
      return sandbox.faults([faults[event.fault] ?? {}]);
    case 'sync':
      return sync(world, event.waits);
    case 'resync':
      return resync(world, event.table, event.mode);
    case 'restart':
      return stack.restartWorker();
    case 'edit-mapping':
      world.variant = { ...world.variant, ...event.edit };
      return applyVariant(world);
    case 'approve':
    case 'discard':
      return decideOnHeld(world, event.kind, event.table);
    case 'edit-in-campaign':
    case 'delete-in-campaign':
      return meddle(world, event);
  }
}

const at = (ids: string[], place: number | undefined): string | undefined =>
  place === undefined || ids.length === 0 ? undefined : ids.at(-1 - (place % ids.length));

async function create(world: World, table: Table, values: object): Promise<string> {
  const id = await world.stack.systems.rows.create(entitySets[table], values);
  world.ids[table].push(id);
  return id;
}

function named(world: World, isLong: boolean): string {
  world.names += 1;
  return isLong
    ? LONG_NAME.slice(0, 47) + String(world.names % 1000).padStart(3, '0')
    : `Name ${world.names}`;
}

const createContact = (world: World, isLong: boolean): Promise<string> =>
  create(world, 'contact', {
    firstname: named(world, isLong),
    lastname: 'New',
    nickname: 'Nick',
    gendercode: 2,
  });

const createParcel = (world: World, contact: string | undefined, isLong: boolean): Promise<string> =>
  create(world, 'new_parcel', {
    new_name: named(world, isLong),
    new_weight: world.names / 4,
    ...(contact && { 'new_ContactId@odata.bind': `/contacts(${contact})` }),
  });

const createItem = (world: World, parcel: string | undefined): Promise<string> =>
  create(world, 'new_item', {
    new_name: named(world, false),
    new_pieces: world.names,
    ...(parcel && { 'new_ParcelId@odata.bind': `/new_parcels(${parcel})` }),
  });

type RowEvent = Extract<Event, { kind: 'change' | 'move' | 'deactivate' | 'activate' | 'delete' }>;

async function changeRow(world: World, event: RowEvent): Promise<void> {
  const { rows } = world.stack.systems;
  const { table } = event;
  const id = at(world.ids[table], event.row);
  if (id === undefined) return;
  const update = (values: object): Promise<void> => rows.update(entitySets[table], id, values);
  switch (event.kind) {
    case 'change':
      return update(changesOf(world, table, event.long));
    case 'move': {
      const [lookup, parents] =
        table === 'new_parcel'
          ? (['new_ContactId', 'contact'] as const)
          : (['new_ParcelId', 'new_parcel'] as const);
      const to = at(world.ids[parents], event.to);
      return update({ [`${lookup}@odata.bind`]: to === undefined ? null : `/${entitySets[parents]}(${to})` });
    }
    case 'deactivate':
      return update({ statecode: 1 });
    case 'activate':
      return update({ statecode: 0 });
    case 'delete':
      world.ids[table] = world.ids[table].filter((each) => each !== id);
      return rows.remove(entitySets[table], id);
  }
}

function changesOf(world: World, table: Table, isLong: boolean): object {
  const name = named(world, isLong);
  if (table !== 'contact') return { new_name: name };
  const email = `${world.names}@example.com`;
  return { firstname: name, emailaddress1: email, nickname: name, address1_city: `City ${world.names}` };
}

async function sync(world: World, waits: boolean): Promise<void> {
  await world.syncing;
  world.syncing = world.stack.syncAll();
  if (waits) await world.syncing;
}

async function resync({ stack }: World, table: Table, mode: 'verify' | 'rewrite'): Promise<void> {
  await stack.starter('resync', table, ...(mode === 'rewrite' ? ['--rewrite'] : []));
}

/** Ids of a table's held deletions. */
export async function heldIds({ stack }: World, table: Table): Promise<string[]> {
  const { out, error } = await stack.starter('deletions', 'show', table, '--json');
  expect(error).toBe('');
  return (JSON.parse(out) as { held: { ids: string[] } }).held.ids;
}

/** Decides on the set that is shown; one that has changed by then is left alone. */
export async function decideOnHeld(world: World, action: 'approve' | 'discard', table: Table): Promise<void> {
  const { out } = await world.stack.starter('deletions', action, table, '--json');
  if (out === '' || action === 'approve') return;
  const { held } = JSON.parse(out) as { held: { ids: string[] } };
  for (const id of held.ids) world.disowned.add(id);
}

/** Somebody works in Campaign by hand, on a record of ours. */
async function meddle(
  world: World,
  { kind, table, row }: Extract<Event, { kind: 'edit-in-campaign' | 'delete-in-campaign' }>,
): Promise<void> {
  const { sandbox, records } = world.stack.systems;
  await sandbox.clearFaults();
  const known = new Set(tables.flatMap((each) => world.ids[each]));
  const ours = (await records.all(paths[table])).filter((record) => known.has(keyOf(table, record)));
  const record = ours[row % Math.max(1, ours.length)];
  if (!record) return;
  world.meddled = true;
  if (kind === 'delete-in-campaign') return records.remove(paths[table], record);
  await records.update(
    paths[table],
    record,
    table === 'contact' ? { lastName: 'Edited' } : { cusName: 'Edited' },
  );
}
