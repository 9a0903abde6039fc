import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { queries } from '../../src/contracts.js';
import { exampleDocument } from '../support/mapping-document.js';
import { defineParcels, ITEMS, PARCELS, parcelsMapping } from '../support/parcels.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { flow as CONTACT_FLOW, startStack, type Stack } from '../support/stack.js';

/*
 * Records of Campaign that others lead to: parcels join to their profile and are hidden without it, items lead to their parcel by PKey.
 */

const CONTACTS = 6;
const PARCEL_FLOW = 'ingress/new_parcel';
const ITEM_FLOW = 'ingress/new_item';
const onlyActive = `    filters: { where: [{ field: statecode, is: equal, value: 0 }], deleteFilteredOut: true }\n`;
const document = exampleDocument + onlyActive + parcelsMapping;
const brake = '    deletionBrake: { share: 1%, atLeast: 0 }\n';

let postgres: Postgres;
let stack: Stack;
let contact: string;
let other: string;

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
  contact = await stack.systems.contacts.create({ lastname: 'Leaves' });
  other = await stack.systems.contacts.create({ lastname: 'Stays' });
}, 60_000);
afterEach(() => stack.stop(), 60_000);

const parcelOf = (parent: string, name = 'parcel') =>
  stack.systems.rows.create('new_parcels', {
    new_name: name,
    'new_ContactId@odata.bind': `/contacts(${parent})`,
  });
const itemOf = (parent: string) =>
  stack.systems.rows.create('new_items', {
    new_name: 'item',
    'new_ParcelId@odata.bind': `/new_parcels(${parent})`,
  });
const changeParcel = (id: string, values: object) => stack.systems.rows.update('new_parcels', id, values);
const activate = (isActive: boolean) =>
  stack.systems.contacts.update(contact, { statecode: isActive ? 0 : 1 });

const profileIds = async () => (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
const parcels = async () =>
  (await stack.systems.records.all(PARCELS)).map(({ cusCrmId, cusProfileId }) => ({
    id: String(cusCrmId),
    profile: cusProfileId,
  }));
async function itemLeadsTo(): Promise<unknown> {
  const [item] = await stack.systems.records.all(ITEMS);
  return item?.cusParcel ? (await stack.systems.records.follow(item.cusParcel)).cusCrmId : null;
}
async function setUp(text = document): Promise<void> {
  await stack.apply(text);
  await stack.syncAll();
}

describe('a profile whose contact leaves the filter', () => {
  test('goes after its parcels, and they come back with it, their items’ links too', async () => {
    const parcel = await parcelOf(contact);
    await itemOf(parcel);
    await setUp();
    expect(await itemLeadsTo()).toBe(parcel);

    await activate(false);
    // Only the contacts' flow is asked to run: it waits for the others.
    await stack.sync();
    expect(await profileIds()).not.toContain(contact);
    expect(await parcels()).toEqual([]);
    expect(await itemLeadsTo()).toBeNull();
    const missing = { now: { parked: 1 }, errors: { PARENT_MISSING: 1 } };
    expect(await stack.status(PARCEL_FLOW)).toMatchObject(missing);
    expect(await stack.status(ITEM_FLOW)).toMatchObject(missing);

    await activate(true);
    await stack.sync();
    await stack.syncAll([PARCEL_FLOW]);
    await stack.syncAll([ITEM_FLOW]);
    expect(await parcels()).toEqual([{ id: parcel, profile: contact }]);
    expect(await itemLeadsTo()).toBe(parcel);
    expect((await stack.systems.sandbox.stats()).campaign.duplicates).toBe(0);
  }, 60_000);

  test('leaves no parcel behind that is given to another contact or deleted meanwhile', async () => {
    const [moved, doomed] = [await parcelOf(contact), await parcelOf(contact)];
    await setUp();
    await activate(false);
    await stack.sync();
    await changeParcel(moved, { 'new_ContactId@odata.bind': `/contacts(${other})` });
    await stack.systems.rows.remove('new_parcels', doomed);
    await stack.syncAll([PARCEL_FLOW]);
    await activate(true);
    await stack.sync();
    await stack.syncAll([PARCEL_FLOW]);
    expect(await parcels()).toEqual([{ id: moved, profile: other }]);
    expect((await stack.status(PARCEL_FLOW)).now.parked).toBe(0);
  }, 60_000);

  test('leaves none behind either whose row cannot be sent or is filtered out', async () => {
    const [faulty, filtered] = [await parcelOf(contact), await parcelOf(contact)];
    const keeps = '    filters: { where: [{ field: statecode, is: equal, value: 0 }] }\n';
    await setUp(document + keeps);
    // Its record still leads to the first contact: the move cannot be sent.
    await changeParcel(faulty, {
      new_name: 'x'.repeat(50),
      'new_ContactId@odata.bind': `/contacts(${other})`,
    });
    await changeParcel(filtered, { statecode: 1 });
    await stack.syncAll([PARCEL_FLOW]);
    expect(await parcels()).toHaveLength(2);
    await activate(false);
    await stack.sync();
    expect(await parcels()).toEqual([]);
    expect((await stack.status(PARCEL_FLOW)).errors).toEqual({ TEXT_TOO_LONG: 1 });

    await changeParcel(faulty, { new_name: 'short' });
    await stack.syncAll([PARCEL_FLOW]);
    expect(await parcels()).toEqual([{ id: faulty, profile: other }]);
  }, 60_000);

  test('stays if the contact is back before its parcels have been looked at, and nothing is written', async () => {
    await parcelOf(contact);
    await setUp();
    await stack.starter('pause', PARCEL_FLOW);
    await activate(false);
    const run = stack.sync();
    await expect
      .poll(() => stack.client.workflow.getHandle(CONTACT_FLOW).query(queries.progress), {
        timeout: 30_000,
        interval: 100,
      })
      .toMatchObject({ waiting: { reason: 'children' } });
    await stack.systems.sandbox.resetStats();
    await activate(true);
    await run;
    await stack.starter('resume', PARCEL_FLOW);
    await stack.syncAll([PARCEL_FLOW]);
    expect(await parcels()).toHaveLength(1);
    expect(await stack.status(PARCEL_FLOW)).toMatchObject({ unchanged: 1, now: { managed: 1, parked: 0 } });
    const { byRoute } = (await stack.systems.sandbox.stats()).campaign;
    expect(Object.keys(byRoute).filter((route) => !route.startsWith('GET'))).toEqual([]);
  }, 60_000);

  test('follows by itself once the deletion of its parcels is approved', async () => {
    await parcelOf(contact);
    await setUp(document + brake);
    await activate(false);
    await stack.sync();
    expect((await stack.status()).now).toMatchObject({ held: 1 });
    expect(await stack.starter('deletions', 'approve', 'new_parcel')).toMatchObject({ status: 0 });
    await stack.syncAll([PARCEL_FLOW]);
    await stack.sync();
    expect(await profileIds()).not.toContain(contact);
    expect((await stack.status()).now).toMatchObject({ held: 0 });
  }, 60_000);

  test('stays for its other parcels when one parcel’s deletion is discarded, until its own is approved', async () => {
    const [one, two] = [await parcelOf(contact), await parcelOf(contact)];
    await setUp(document + brake);
    await activate(false);
    await stack.sync();
    expect((await stack.status(PARCEL_FLOW)).now.held).toBe(2);
    expect(await stack.starter('deletions', 'discard', 'new_parcel')).toMatchObject({ status: 0 });
    await stack.syncAll();
    const three = await parcelOf(contact);
    await stack.syncAll([PARCEL_FLOW]);
    expect((await parcels()).map(({ id }) => id).toSorted()).toEqual([one, two, three].toSorted());
    expect((await stack.status()).now).toMatchObject({ held: 1 });
  }, 60_000);

  test('cannot go while its parcels’ deletion is held, whatever is approved first', async () => {
    const parcel = await parcelOf(contact);
    await setUp(document + brake);
    await activate(false);
    await stack.sync();
    expect((await stack.status(PARCEL_FLOW)).now).toMatchObject({ held: 1 });
    const { out } = await stack.starter('deletions', 'show', 'contact');
    expect(out).toContain('Of these, 1 wait for held deletions of their children');
    expect(await stack.starter('deletions', 'approve', 'contact')).toMatchObject({ status: 0 });
    await stack.sync();
    expect(await profileIds()).toContain(contact);
    expect(await parcels()).toEqual([{ id: parcel, profile: contact }]);

    expect(await stack.starter('deletions', 'approve', 'new_parcel')).toMatchObject({ status: 0 });
    await stack.syncAll([PARCEL_FLOW]);
    await stack.sync();
    expect(await profileIds()).not.toContain(contact);
    expect(await parcels()).toEqual([]);
    expect((await stack.status(PARCEL_FLOW)).errors).toEqual({ PARENT_MISSING: 1 });
  }, 60_000);
});

test('an item’s link is sent again when its parcel, which had lost its contact, is back', async () => {
  const parcel = await parcelOf(contact);
  await itemOf(parcel);
  await setUp();
  await changeParcel(parcel, { 'new_ContactId@odata.bind': null });
  await stack.syncAll([PARCEL_FLOW]);
  expect(await itemLeadsTo()).toBeNull();
  await changeParcel(parcel, { 'new_ContactId@odata.bind': `/contacts(${other})` });
  await stack.syncAll([PARCEL_FLOW]);
  await stack.syncAll([ITEM_FLOW]);
  expect(await itemLeadsTo()).toBe(parcel);
  expect(await stack.status(ITEM_FLOW)).toMatchObject({ updated: 1, now: { parked: 0 } });
}, 60_000);

test('a record whose deletion was discarded is adopted when its row is back, not created again', async () => {
  await setUp(document.replace('share: 10%, atLeast: 50', 'share: 1%, atLeast: 0'));
  const profiles = (await stack.systems.profiles.all()).length;
  for (const id of [contact, other]) await stack.systems.contacts.update(id, { statecode: 1 });
  await stack.sync();
  expect((await stack.status()).now.held).toBe(2);
  expect(await stack.starter('deletions', 'discard', 'contact')).toMatchObject({ status: 0 });
  const { managed } = (await stack.status()).now;
  await stack.systems.contacts.remove(other);
  await activate(true);
  await stack.sync();
  const ids = await profileIds();
  expect(ids).toHaveLength(profiles);
  expect(ids).toEqual(expect.arrayContaining([contact, other]));
  expect(await stack.status()).toMatchObject({ created: 0, updated: 1, now: { managed: managed + 1 } });
}, 60_000);

test('a rewrite that is asked for before the first load creates nothing that is there already', async () => {
  await stack.starter('pause', CONTACT_FLOW);
  await stack.systems.records.create('profileAndServicesExt/profile', { externalId: contact });
  await stack.apply(document);
  await stack.starter('resync', 'contact', '--rewrite');
  await stack.starter('resume', CONTACT_FLOW);
  await stack.sync();
  const profiles = await stack.systems.profiles.all();
  expect(profiles.filter(({ externalId }) => externalId === contact)).toMatchObject([{ lastName: 'Leaves' }]);
}, 60_000);
