import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { defineParcels, ITEMS, PARCELS, parcelsMapping } from '../support/parcels.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';

const CONTACTS = 20;
const document = exampleDocument + parcelsMapping;
const PARCEL_FLOW = 'ingress/new_parcel';
const ITEM_FLOW = 'ingress/new_item';

let postgres: Postgres;
let stack: Stack;
let contactIds: string[];

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());
beforeEach(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: exampleDocument,
    ledgerUrl: await postgres.freshDatabase(),
  });
  await defineParcels(stack.systems);
  contactIds = await stack.systems.contacts.ids();
}, 60_000);
afterEach(() => stack.stop(), 60_000);

const parcel = (contact: string | undefined, name: string) =>
  stack.systems.rows.create('new_parcels', {
    new_name: name,
    new_weight: 1.5,
    ...(contact && { 'new_ContactId@odata.bind': `/contacts(${contact})` }),
  });
const item = (parcelId: string | undefined, name: string) =>
  stack.systems.rows.create('new_items', {
    new_name: name,
    new_pieces: 3,
    ...(parcelId && { 'new_ParcelId@odata.bind': `/new_parcels(${parcelId})` }),
  });
const parcels = () => stack.systems.records.all(PARCELS);
const items = () => stack.systems.records.all(ITEMS);
const byName = async (name: string) => (await items()).find((record) => record.cusName === name);

describe('a first load of tables that depend on each other', () => {
  test('goes parent before child, whatever the order of the file, and parks no row for it', async () => {
    for (const [index, contact] of contactIds.entries()) {
      const id = await parcel(contact, `parcel ${index}`);
      await item(id, `item ${index}`);
    }
    await parcel(undefined, 'nobody’s');
    await stack.apply(document);
    await stack.systems.sandbox.resetStats();

    const ends = await stack.syncAll();
    expect(ends.map(({ outcome }) => outcome)).toEqual(['in-sync', 'in-sync', 'in-sync']);
    const profiles = (await stack.systems.profiles.all()).length;
    const status = await stack.status(PARCEL_FLOW);
    expect(status).toMatchObject({
      read: CONTACTS + 1,
      created: profiles,
      filtered: 1,
      parked: CONTACTS - profiles,
    });
    // What is parked waits for a profile that is parked itself, and its items wait for it.
    expect(status.errors).toEqual(profiles < CONTACTS ? { PARENT_MISSING: CONTACTS - profiles } : {});
    expect(await stack.status(ITEM_FLOW)).toMatchObject({ read: CONTACTS, created: profiles });
    for (const record of await items()) {
      const linked = await stack.systems.records.follow(record.cusParcel);
      expect(String(record.cusName).replace('item', 'parcel')).toBe(linked.cusName);
    }
    expect(await items()).toHaveLength(profiles);
  }, 60_000);
});

describe('children', () => {
  beforeEach(async () => {
    await stack.apply(document);
    await stack.syncAll();
  }, 60_000);

  test('are set aside while their parent is missing, and go by themselves when it lands', async () => {
    const contact = await stack.systems.contacts.create({ lastname: 'Late', firstname: 'x'.repeat(40) });
    const parcelId = await parcel(contact, 'early parcel');
    await item(parcelId, 'early item');
    await stack.syncAll();
    expect(await stack.status(PARCEL_FLOW)).toMatchObject({ errors: { PARENT_MISSING: 1 } });
    expect(await stack.status(ITEM_FLOW)).toMatchObject({ errors: { PARENT_MISSING: 1 } });
    expect(await byName('early item')).toBeUndefined();

    // Only the contact's flow is asked to run: the others are told by it, one after the other.
    await stack.systems.contacts.update(contact, { firstname: 'Short' });
    await stack.sync();
    await expect.poll(() => byName('early item'), { timeout: 30_000, interval: 200 }).toBeDefined();
    const linked = await stack.systems.records.follow((await byName('early item'))?.cusParcel);
    expect(linked.cusName).toBe('early parcel');
  }, 60_000);

  test('follow to another parent, and to none', async () => {
    const [first = '', second = ''] = contactIds;
    const one = await parcel(first, 'one');
    const two = await parcel(second, 'two');
    const id = await item(one, 'wanderer');
    await stack.syncAll([PARCEL_FLOW]);
    await stack.syncAll([ITEM_FLOW]);
    await stack.systems.rows.update('new_items', id, { 'new_ParcelId@odata.bind': `/new_parcels(${two})` });
    await stack.systems.sandbox.resetStats();
    await stack.syncAll([ITEM_FLOW]);
    const linked = await stack.systems.records.follow((await byName('wanderer'))?.cusParcel);
    expect(linked.cusName).toBe('two');

    await stack.systems.rows.update('new_items', id, { 'new_ParcelId@odata.bind': null });
    await stack.syncAll([ITEM_FLOW]);
    expect((await byName('wanderer'))?.cusParcel).toBeNull();
  }, 60_000);

  test('of a parent that is deleted in Dynamics lose their link', async () => {
    const id = await parcel(contactIds[0], 'doomed');
    await item(id, 'orphan');
    await stack.syncAll([PARCEL_FLOW]);
    await stack.syncAll([ITEM_FLOW]);
    await stack.systems.rows.remove('new_parcels', id);
    await stack.syncAll([PARCEL_FLOW]);
    await stack.syncAll([ITEM_FLOW]);
    expect((await byName('orphan'))?.cusParcel).toBeNull();
    expect((await parcels()).map((record) => record.cusName)).not.toContain('doomed');
  }, 60_000);

  test('go before a parent that is deleted: Campaign would hide them, out of reach for good', async () => {
    const contact = await stack.systems.contacts.create({ lastname: 'Leaves' });
    const parcelId = await parcel(contact, 'stays behind');
    await stack.sync();
    await stack.syncAll([PARCEL_FLOW]);
    await stack.systems.contacts.remove(contact);
    // Only the contact's flow is asked to run.
    await stack.sync();
    const profileIds = (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
    expect(profileIds).not.toContain(contact);

    const other = await stack.systems.contacts.create({ lastname: 'Takes over' });
    await stack.systems.rows.update('new_parcels', parcelId, {
      'new_ContactId@odata.bind': `/contacts(${other})`,
    });
    await stack.sync();
    await stack.syncAll([PARCEL_FLOW]);
    expect(await parcels()).toContainEqual(
      expect.objectContaining({ cusCrmId: parcelId, cusProfileId: other }),
    );
    expect((await stack.status(PARCEL_FLOW)).now.parked).toBe(0);
  }, 60_000);

  test('cost one call more for a parent that was not seen in the run, once', async () => {
    const id = await parcel(contactIds[0], 'shared');
    await stack.syncAll([PARCEL_FLOW]);
    for (let index = 0; index < 10; index += 1) await item(id, `shared ${index}`);
    await stack.systems.sandbox.resetStats();
    await stack.syncAll([ITEM_FLOW]);
    const { byRoute } = (await stack.systems.sandbox.stats()).campaign;
    const calls = Object.fromEntries(
      Object.entries(byRoute).map(([route, answers]) => [
        route,
        Object.values(answers).reduce((sum, count) => sum + count, 0),
      ]),
    );
    expect(calls).toEqual({ 'POST cusItem': 10, 'GET cusParcel/bycrmid': 1 });
  }, 60_000);
});
