import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Explained } from '../../src/command-line/explain.js';
import type { RecordStory } from '../../src/contracts.js';
import { exampleDocument } from '../support/mapping-document.js';
import { defineParcels, parcelsMapping } from '../support/parcels.js';
import { startStack, type Stack } from '../support/stack.js';
import type { Profile } from '../support/systems.js';

let stack: Stack;
let profiles: Profile[];

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 20,
    document: exampleDocument,
  });
  await defineParcels(stack.systems);
  await stack.apply(exampleDocument + parcelsMapping);
  await stack.syncAll();
  profiles = await stack.systems.profiles.all();
}, 60_000);
afterAll(() => stack.stop(), 60_000);

async function storyOf(id: string, ...argv: string[]): Promise<RecordStory> {
  const { out, error } = await stack.starter('explain', id, '--json', ...argv);
  expect(error).toBe('');
  const { stories } = JSON.parse(out) as Explained;
  expect(stories).toHaveLength(1);
  const [story] = stories;
  if (!story) throw new Error('no story');
  return story;
}

function profile(index: number): Profile {
  const found = profiles[index];
  if (!found) throw new Error(`there are ${profiles.length} profiles`);
  return found;
}

/** Without the breaks of lines that are over 80 columns long. */
const unbroken = (text: string): string => text.replace(/\n {4,}(?=\S)/g, ' ');

describe('the story of a record', () => {
  test('that is in step says so, and shows no value', async () => {
    const { externalId, lastName } = profile(0);
    const story = await storyOf(externalId.toUpperCase());
    expect(story).toMatchObject({
      table: 'contact',
      dynamics: { exists: true, active: true },
      campaign: { resource: 'profile', keyField: 'externalId', found: 'one' },
      ledger: {
        state: 'managed',
        managed: true,
        outcome: 'created',
        mappingVersion: 2,
        doubled: false,
        createUnderWay: false,
      },
      payload: { kind: 'payload', comparedWithAccepted: 'same', differsInCampaign: [] },
      parents: [],
    });
    expect(story.ledger?.sourceVersion).toBe(story.dynamics.rowVersion);
    expect(story.payload).toMatchObject({ hash: story.ledger?.accepted });

    const { out, status } = await stack.starter('explain', externalId);
    expect(status).toBe(0);
    expect(unbroken(out)).toContain('what Campaign last accepted; Campaign holds it so now');
    expect(unbroken(out)).not.toContain(String(lastName));
  }, 60_000);

  test('that was changed on either side names the fields, not the values', async () => {
    const changed = profile(1);
    await stack.systems.contacts.update(changed.externalId, { firstname: 'Other' });
    await stack.systems.profiles.update(changed, { email: 'other@example.com' });
    const story = await storyOf(changed.externalId);
    expect(story.payload).toMatchObject({
      comparedWithAccepted: 'differs',
      differsInCampaign: ['firstName', 'email'],
    });
    expect(story.ledger?.sourceVersion).not.toBe(story.dynamics.rowVersion);
    const { out } = await stack.starter('explain', changed.externalId);
    expect(unbroken(out)).toContain('(not the present one)');
    expect(unbroken(out)).toContain('Campaign holds otherwise now: firstName, email');
    expect(unbroken(out)).not.toContain('other@example.com');
  }, 60_000);

  test('that is parked says why, since when, and what to do', async () => {
    const id = await stack.systems.contacts.create({ lastname: 'Long', firstname: 'x'.repeat(40) });
    await stack.sync();
    expect(await storyOf(id)).toMatchObject({
      dynamics: { exists: true },
      campaign: { found: 'none' },
      ledger: { state: 'parked', managed: false, outcome: 'parked' },
      parked: { code: 'TEXT_TOO_LONG', field: 'firstName', attempts: 1, next: expect.any(String) },
      payload: { kind: 'fault', code: 'TEXT_TOO_LONG', field: 'firstName' },
    });
    const { out } = await stack.starter('explain', id);
    expect(unbroken(out)).toMatch(/TEXT_TOO_LONG, field firstName: .* 1 tries since .*, next /);
  }, 60_000);

  test('of a child names its parents and whether they have landed', async () => {
    const contact = await stack.systems.contacts.create({ lastname: 'Late', firstname: 'x'.repeat(40) });
    const id = await stack.systems.rows.create('new_parcels', {
      new_name: 'early',
      'new_ContactId@odata.bind': `/contacts(${contact})`,
    });
    await stack.syncAll(['ingress/contact', 'ingress/new_parcel']);
    expect(await storyOf(id)).toMatchObject({
      table: 'new_parcel',
      parked: { code: 'PARENT_MISSING', waitsFor: `ingress/contact:${contact}` },
      parents: [{ table: 'contact', id: contact, field: 'cusProfileId', state: 'parked', inCampaign: false }],
    });
  }, 60_000);

  test('that Campaign would hide says what it lacks', async () => {
    const id = await stack.systems.rows.create('new_parcels', { new_name: 'of nobody' });
    await stack.syncAll(['ingress/new_parcel']);
    expect(await storyOf(id)).toMatchObject({
      campaign: { found: 'none' },
      ledger: { state: 'filtered', managed: false },
      payload: { kind: 'filtered', hidden: true },
    });
    expect(unbroken((await stack.starter('explain', id)).out)).toContain('names no parent');
  }, 60_000);

  test('that only one side has is told as well', async () => {
    const { externalId } = profile(2);
    await stack.systems.contacts.remove(externalId);
    expect(await storyOf(externalId)).toMatchObject({
      dynamics: { exists: false },
      campaign: { found: 'one' },
      ledger: { state: 'managed' },
    });
    await stack.sync();
    const story = await storyOf(externalId);
    expect(story).toMatchObject({
      dynamics: { exists: false },
      campaign: { found: 'none' },
      ledger: { state: 'gone', outcome: 'deleted' },
    });
    expect(story).not.toHaveProperty('payload');

    const key = randomUUID();
    await stack.systems.profiles.create({ externalId: key, lastName: 'Of nobody' });
    const found = await storyOf(key);
    expect(found).toMatchObject({ dynamics: { exists: false }, campaign: { found: 'one' } });
    expect(found).not.toHaveProperty('ledger');
  }, 60_000);

  test('that Campaign holds twice is found by the survey', async () => {
    const { externalId } = profile(3);
    await stack.systems.profiles.create({ externalId, lastName: 'Twin' });
    await stack.resync('verify');
    expect(await storyOf(externalId)).toMatchObject({
      ledger: { state: 'parked', doubled: true },
      parked: { code: 'DUPLICATE_IN_CAMPAIGN', field: 'externalId' },
    });
    const { out } = await stack.starter('explain', externalId);
    expect(unbroken(out)).toContain('the last survey found several');
  }, 60_000);
});

describe('explain', () => {
  test('ends with status 1 for an id that nobody knows, and 2 for what is none', async () => {
    const unknown = randomUUID();
    const { status, out } = await stack.starter('explain', unknown, '--json');
    expect({ status, out: JSON.parse(out) as unknown }).toEqual({
      status: 1,
      out: { id: unknown, stories: [] },
    });
    expect(await stack.starter('explain', unknown)).toMatchObject({
      status: 1,
      out: expect.stringContaining('is not known'),
    });
    expect(await stack.starter('explain', 'Smith')).toMatchObject({ status: 2 });
    expect(await stack.starter('explain', unknown, '--table', 'lead')).toMatchObject({ status: 2 });
  }, 60_000);

  test('looks only at the table that is named', async () => {
    const { externalId } = profile(0);
    expect(await stack.starter('explain', externalId, '--table', 'new_parcel')).toMatchObject({ status: 1 });
    expect((await storyOf(externalId, '--table', 'contact')).table).toBe('contact');
  }, 60_000);
});
