import { isAxiosError } from 'axios';
import { expect } from 'vitest';
import type { FlowStatus, ParkedRowView } from '../../src/contracts.js';
import { tables, type Table } from './convergence-mapping.js';
import { differences, type Observed, type Row } from './convergence-model.js';
import { decideOnHeld, entitySets, heldIds, keyOf, paths, type World } from './convergence-world.js';
import type { Stack } from './stack.js';
import type { Profile, Systems } from './systems.js';

/** More rounds than any chain of parents and children needs: beyond them something goes round in circles. */
const MOST_ROUNDS = 20;

const columns: Record<Table, string[]> = {
  contact: [
    'firstname',
    'middlename',
    'lastname',
    'birthdate',
    'emailaddress1',
    'mobilephone',
    'gendercode',
    'address1_city',
    'nickname',
  ],
  new_parcel: ['new_name', 'new_weight', '_new_contactid_value'],
  new_item: ['new_name', 'new_pieces', '_new_parcelid_value'],
};
const lookups = { contact: undefined, new_parcel: '_new_contactid_value', new_item: '_new_parcelid_value' };

/** Ends a history: as soon as nothing is left to do, once all that is held is approved, and after a verify, both systems are in step. */
export async function endsInStep(world: World, strangers: Map<string, string>): Promise<void> {
  const { stack } = world;
  await stack.systems.sandbox.clearFaults();
  await world.syncing;
  await drain(stack);
  if (!world.meddled) await inStep(world, strangers, { verified: false });
  const held = (await statuses(stack)).some(({ now }) => now.held > 0);
  if (held) {
    for (const table of tables.toReversed()) await decideOnHeld(world, 'approve', table);
    await drain(stack);
    if (!world.meddled) await inStep(world, strangers, { verified: false });
  }
  for (const table of tables) {
    await stack.starter('resync', table);
    await stack.syncAll([flowOf(table)]);
  }
  await drain(stack);
  await inStep(world, strangers, { verified: true });
  expect((await stack.systems.sandbox.stats()).campaign.duplicates).toBe(0);
}

/** Runs all flows until a round changes nothing; rows that only time would bring are tried again as if it had passed. */
async function drain(stack: Stack): Promise<void> {
  let before = '';
  let retried = '';
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const ends = await stack.syncAll();
    const failed = ends.filter(({ outcome }) => outcome !== 'in-sync' && outcome !== 'waiting');
    expect(failed).toEqual([]);
    const parked = await parkedRows(stack);
    const now = JSON.stringify([
      parked.map(({ flow, id, code }) => [flow, id, code]),
      (await stack.systems.sandbox.stats()).campaign.total,
    ]);
    if (now === before) {
      const timed = parked.filter(({ code, nextAttemptAt }) => nextAttemptAt && code !== 'TEXT_TOO_LONG');
      const stuck = JSON.stringify(timed.map(({ flow, id, code }) => [flow, id, code]));
      if (timed.length === 0 || stuck === retried) return;
      retried = stuck;
      for (const { id } of timed) await stack.starter('redrive', '--id', id);
    }
    before = now;
  }
  throw new Error(`after ${MOST_ROUNDS} rounds there is still something to do`);
}

async function parkedRows(stack: Stack): Promise<ParkedRowView[]> {
  const { out, error } = await stack.starter('parked', '--json');
  expect(error).toBe('');
  return (JSON.parse(out) as { parked: ParkedRowView[] }).parked;
}

async function inStep(
  world: World,
  strangers: Map<string, string>,
  { verified }: { verified: boolean },
): Promise<void> {
  const { stack, variant, disowned, history } = world;
  const flows = await statuses(stack);
  const observed = await observe(world, flows);
  expect(
    differences(observed, {
      variant,
      edition: history.edition,
      disowned,
      strangers: new Set(strangers.keys()),
      verified,
    }),
  ).toEqual([]);
  expect(await strangersOf(stack, [...strangers.keys()])).toEqual(strangers);
  for (const status of flows) {
    expect(sumOf(status), status.flow).toBe(status.read);
    const table = tableOf(status.flow);
    expect(status.now, status.flow).toMatchObject({
      parked: observed.parked[table].size,
      held: observed.held[table].size,
    });
  }
}

async function statuses(stack: Stack): Promise<FlowStatus[]> {
  const { out, error } = await stack.starter('status', '--json');
  expect(error).toBe('');
  return (JSON.parse(out) as { flows: FlowStatus[] }).flows;
}

const flowOf = (table: Table): string => `ingress/${table}`;
const tableOf = (flow: string): Table => flow.replace('ingress/', '') as Table;

/** P1: what was read is what became of it. */
const sumOf = (status: FlowStatus): number =>
  status.created +
  status.updated +
  status.unchanged +
  status.filtered +
  status.deleted +
  status.parked +
  status.held;

async function observe(world: World, flows: FlowStatus[]): Promise<Observed> {
  const { stack } = world;
  const parked = await parkedRows(stack);
  const parkedOf = (table: Table) =>
    new Map(parked.filter(({ flow }) => flow === flowOf(table)).map((row) => [row.id, row]));
  const of = async <T>(look: (table: Table) => Promise<T>): Promise<Record<Table, T>> => ({
    contact: await look('contact'),
    new_parcel: await look('new_parcel'),
    new_item: await look('new_item'),
  });
  return {
    rows: await of((table) => rowsOf(stack, table)),
    records: await of((table) => recordsOf(stack, table)),
    parked: {
      contact: parkedOf('contact'),
      new_parcel: parkedOf('new_parcel'),
      new_item: parkedOf('new_item'),
    },
    held: await of(async (table) => {
      const isHeld = flows.some(({ flow, now }) => flow === flowOf(table) && now.held > 0);
      return new Set(isHeld ? await heldIds(world, table) : []);
    }),
  };
}

async function rowsOf({ systems }: Stack, table: Table): Promise<Row[]> {
  const lookup = lookups[table];
  const rows = await systems.rows.all(entitySets[table], [`${table}id`, 'statecode', ...columns[table]]);
  return rows.map((row) => {
    const parent = lookup === undefined ? undefined : row[lookup];
    return {
      id: String(row[`${table}id`]),
      active: row.statecode === 0,
      columns: row,
      ...(typeof parent === 'string' && { parent }),
    };
  });
}

async function recordsOf({ systems }: Stack, table: Table): Promise<Observed['records'][Table]> {
  const records = new Map<string, { record: Profile; leadsTo: string | undefined }[]>();
  for (const record of await systems.records.all(paths[table])) {
    const link = table === 'contact' ? null : table === 'new_parcel' ? record.cusProfile : record.cusParcel;
    const target = link ? await shownAt(systems, link) : undefined;
    const leadsTo = target && keyOf(table === 'new_item' ? 'new_parcel' : 'contact', target);
    const key = keyOf(table, record);
    records.set(key, [...(records.get(key) ?? []), { record, leadsTo }]);
  }
  return records;
}

/** The record that a link leads to; undefined for one that Campaign hides. */
async function shownAt({ records }: Systems, link: unknown): Promise<Profile | undefined> {
  try {
    return await records.follow(link);
  } catch (error) {
    if (isAxiosError(error) && error.response?.status === 404) return undefined;
    throw error;
  }
}

/** Records that are none of ours, by key, without what differs from one answer to the next. */
export async function strangersOf({ systems }: Stack, keys: string[]): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const table of tables) {
    for (const record of await systems.records.all(paths[table])) {
      const key = keyOf(table, record);
      if (keys.includes(key))
        found.set(key, JSON.stringify([found.get(key), record.lastModified, record.cusName]));
    }
  }
  return found;
}
