import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { defineColumn } from '../support/customiser.js';
import { defineParcels, parcelsMapping } from '../support/parcels.js';
import { flow, startStack, type Stack } from '../support/stack.js';

const CONTACTS = 30;
let stack: Stack;

beforeEach(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: exampleDocument,
  });
  await stack.sync();
  await stack.systems.sandbox.resetStats();
}, 60_000);
afterEach(() => stack.stop(), 60_000);

const campaignCalls = async (): Promise<number> => (await stack.systems.sandbox.stats()).campaign.total;
const withField = (field: string): string =>
  exampleDocument.replace('    replacements:', `      - ${field}\n    replacements:`);

/** A contact that is a profile: a parcel without one would be hidden in Campaign. */
async function buyer(): Promise<Record<string, string>> {
  const [profile] = await stack.systems.profiles.all();
  return { 'new_ContactId@odata.bind': `/contacts(${profile?.externalId})` };
}

describe('a mapping that is edited while the flow follows changes', () => {
  test('leads to a comparing read that writes only the rows whose payload differs', async () => {
    const contacts = await stack.systems.contacts.all(['contactid', 'jobtitle', 'nickname']);
    const profiles = await stack.systems.profiles.all();
    const ours = new Set(profiles.map(({ externalId }) => externalId));
    const [first] = [...ours];
    await stack.systems.contacts.update(first ?? '', { nickname: 'Nick' });
    await stack.sync();
    await stack.systems.sandbox.resetStats();
    await stack.apply(
      withField('{ from: nickname, to: cryptedId }').replace('to: cryptedId', 'to: location.address4'),
    );
    await stack.sync();

    const named = contacts.filter(({ contactid, nickname }) => ours.has(String(contactid)) && nickname);
    const differing = new Set([...named.map(({ contactid }) => contactid), first]).size;
    expect(await stack.status()).toMatchObject({ read: CONTACTS, updated: differing, created: 0 });
    expect((await stack.systems.sandbox.stats()).campaign.byRoute['PATCH profile/key']).toEqual({
      200: differing,
    });
    const mended = (await stack.systems.profiles.all()).find(({ externalId }) => externalId === first);
    expect(mended?.location).toMatchObject({ address4: 'Nick' });
  }, 60_000);

  test('in what changes no payload costs no Campaign call but a look at its metadata', async () => {
    await stack.apply(exampleDocument.replace('every: 1m', 'every: 2m').replace('share: 10%', 'share: 20%'));
    await stack.sync();
    expect(await campaignCalls()).toBe(0);
    await stack.apply(withField('{ value: "", to: location.address4 }'));
    await stack.sync();
    expect(await stack.status()).toMatchObject({ read: CONTACTS, updated: 0, created: 0 });
    expect(await campaignCalls()).toBe(0);
  }, 60_000);

  test('is refused with its reasons when it is invalid, and the version in force stays', async () => {
    await expect(stack.apply(exampleDocument.replace('to: lastName', 'to: firstName'))).rejects.toThrow(
      /sync\.yaml:\d+:\d+.*firstName is a target already/,
    );
    const id = await stack.systems.contacts.create({ lastname: 'Still goes' });
    await stack.sync();
    expect((await stack.systems.profiles.all()).map(({ externalId }) => externalId)).toContain(id);
  }, 60_000);

  test('to another key is refused while records are managed: they would be made a second time', async () => {
    const managed = (await stack.systems.profiles.all()).length;
    await expect(stack.apply(exampleDocument.replace('to: externalId', 'to: cryptedId'))).rejects.toThrow(
      `MAPPING_INVALID: the mapping file is invalid (contact: ${managed} records are in profile under externalId`,
    );
    await stack.sync();
    expect(await stack.systems.profiles.all()).toHaveLength(managed);
  }, 60_000);

  test('whose filter grows lets rows go and takes them back, as it says', async () => {
    const filtered = (deletes: boolean) =>
      `${exampleDocument}    filters: { where: [{ field: lastname, is: begins, value: Kept }], deleteFilteredOut: ${deletes} }\n`.replace(
        'share: 10%',
        'share: 100%',
      );
    const before = (await stack.systems.profiles.all()).length;
    const kept = await stack.systems.contacts.create({ lastname: 'Kept One' });
    await stack.sync();
    await stack.apply(filtered(false));
    await stack.sync();
    expect(await stack.status()).toMatchObject({ filtered: CONTACTS, deleted: 0 });
    expect(await stack.systems.profiles.all()).toHaveLength(before + 1);

    await stack.apply(filtered(true));
    await stack.sync();
    expect((await stack.systems.profiles.all()).map(({ externalId }) => externalId)).toEqual([kept]);

    await stack.systems.contacts.update(kept, { lastname: 'Gone' });
    await stack.sync();
    expect(await stack.systems.profiles.all()).toEqual([]);
    await stack.systems.contacts.update(kept, { lastname: 'Kept again' });
    await stack.sync();
    expect(await stack.systems.profiles.all()).toMatchObject([{ externalId: kept, lastName: 'Kept again' }]);
  }, 60_000);
});

describe('a table', () => {
  test('that is removed stops, its schedules go, its records stay and are known when it comes back', async () => {
    await defineParcels(stack.systems);
    await stack.systems.rows.create('new_parcels', { new_name: 'stays', ...(await buyer()) });
    await stack.apply(exampleDocument + parcelsMapping);
    await stack.syncAll();
    const scheduled = async (): Promise<string[]> => {
      const ids: string[] = [];
      for await (const { scheduleId } of stack.client.schedule.list()) ids.push(scheduleId);
      return ids.sort();
    };
    await stack.starter('pause', 'ingress/new_parcel');
    await stack.apply(exampleDocument);
    await expect.poll(scheduled).toEqual([flow, 'resync/contact']);
    await stack.client.workflow.getHandle('ingress/new_parcel').signal('resume');
    expect(await stack.client.workflow.getHandle('ingress/new_parcel').result()).toMatchObject({
      outcome: 'in-sync',
    });

    await stack.apply(exampleDocument + parcelsMapping);
    await stack.systems.sandbox.resetStats();
    await stack.syncAll(['ingress/new_parcel']);
    expect((await stack.status('ingress/new_parcel')).now.managed).toBe(1);
    expect((await stack.systems.sandbox.stats()).campaign.byRoute).not.toHaveProperty('POST cusParcel');
  }, 60_000);

  test('whose column is deleted in Dynamics is told, and goes on when it is back', async () => {
    await defineParcels(stack.systems);
    await defineColumn(stack.systems, 'new_Parcel', { name: 'new_Colour', type: 'String', length: 40 });
    const mapping = parcelsMapping.replace(
      'to: cusWeight }]',
      'to: cusWeight }, { from: new_colour, to: cusColour }]',
    );
    await stack.systems.sandbox.dataModel({
      resources: [
        { name: 'cusParcel', fields: { cusColour: { type: 'string', label: 'Colour', length: 40 } } },
      ],
    });
    await stack.apply(exampleDocument + mapping);
    await stack.systems.rows.create('new_parcels', {
      new_name: 'red',
      new_colour: 'red',
      ...(await buyer()),
    });
    await stack.syncAll();
    await stack.systems.removeColumn('new_parcel', 'new_colour');
    await stack.systems.rows.create('new_parcels', { new_name: 'after', ...(await buyer()) });
    const [end] = await stack.syncAll(['ingress/new_parcel']);
    expect(end).toMatchObject({ outcome: 'failed', error: { code: 'MAPPING_INVALID' } });
    expect(end?.error?.message).toContain('new_colour');

    await stack.apply(exampleDocument + parcelsMapping);
    await stack.syncAll(['ingress/new_parcel']);
    expect((await stack.status('ingress/new_parcel')).now).toMatchObject({ managed: 2, parked: 0 });
  }, 60_000);
});
