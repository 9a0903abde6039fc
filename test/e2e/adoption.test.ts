import { afterAll, beforeAll, expect, inject, test, describe, beforeEach, afterEach } from 'vitest';
import { inspect } from '../../src/command-line/inspect.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';
import type { Profile } from '../support/systems.js';
import { differences, expectedProfile, mappedColumns } from '../support/expected.js';

const CONTACTS = 60;
let postgres: Postgres;
let stack: Stack;
let contacts: Record<string, unknown>[];

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
  contacts = await stack.systems.contacts.all(mappedColumns);
}, 60_000);
afterEach(() => stack.stop(), 60_000);

describe('a Campaign that already holds profiles', () => {
  test('equal ones cost no call, edited ones one, doubles are parked, strangers stay untouched', async () => {
    const sendable = contacts.map(expectedProfile).filter((profile) => profile !== undefined);
    const [twice, edited, ...half] = sendable.slice(0, 30);
    const stranger = await stack.systems.profiles.create({ externalId: 'NOT-OURS', lastName: 'Stranger' });
    const keyless = await stack.systems.profiles.create({ lastName: 'Keyless' });
    for (const profile of half) await stack.systems.profiles.create(profile);
    await stack.systems.profiles.create({ ...edited, firstName: 'Edited' });
    await stack.systems.profiles.create({ ...twice });
    await stack.systems.profiles.create({ ...twice });
    const before = await stack.systems.profiles.all();
    await stack.systems.sandbox.resetStats();

    expect((await stack.sync()).outcome).toBe('in-sync');
    const status = await stack.status();
    expect(status.errors.DUPLICATE_IN_CAMPAIGN).toBe(1);
    expect(status.read).toBe(CONTACTS);
    expect(status.created).toBe(sendable.length - 30);

    const after = await stack.systems.profiles.all();
    const stampOf = (profiles: Profile[], { PKey: _token, ...theirs }: Profile): unknown =>
      profiles.find(
        (profile) => profile.externalId === theirs.externalId && profile.lastName === theirs.lastName,
      )?.lastModified;
    for (const theirs of [stranger, keyless]) {
      expect(stampOf(after, theirs)).toBeDefined();
      expect(stampOf(after, theirs)).toEqual(stampOf(before, theirs));
    }
    const left = differences(
      contacts.filter((contact) => contact.contactid !== twice?.externalId),
      after.filter(
        (profile) => profile.externalId !== 'NOT-OURS' && profile.externalId !== twice?.externalId,
      ),
    );
    expect(left).toEqual([]);
    expect(after.filter((profile) => profile.externalId === twice?.externalId)).toHaveLength(2);
  }, 60_000);

  test('a lost ledger finds everything again and writes nothing twice', async () => {
    await stack.sync();
    const before = await stack.status();
    await stack.restartWorker({ LEDGER_URL: await postgres.freshDatabase() });
    await stack.apply(exampleDocument);
    await stack.systems.sandbox.resetStats();
    expect((await stack.sync()).outcome).toBe('in-sync');
    const status = await stack.status();
    expect(status).toMatchObject({
      created: 0,
      updated: 0,
      unchanged: before.created,
      parked: before.parked,
    });
    expect((await stack.systems.sandbox.stats()).campaign.duplicates ?? 0).toBe(0);
  }, 60_000);

  test('verify mends profiles that were edited or deleted in Campaign, and writes no other', async () => {
    await stack.sync();
    const [first, second] = await stack.systems.profiles.all();
    if (!first || !second) throw new Error('nothing was written');
    await stack.systems.profiles.update(first, { lastName: 'Edited in Campaign' });
    await stack.systems.profiles.remove(second);
    expect((await stack.resync('verify')).outcome).toBe('in-sync');
    expect(await stack.status()).toMatchObject({ created: 1, updated: 1 });
    expect(differences(contacts, await stack.systems.profiles.all())).toEqual([]);
  }, 60_000);

  test('rewrite writes every row', async () => {
    await stack.sync();
    const { created } = await stack.status();
    await stack.resync('rewrite');
    expect(await stack.status()).toMatchObject({ created: 0, updated: created });
  }, 60_000);

  test('a parked double is written once one of the two is deleted and the table is verified', async () => {
    const [contact] = contacts.map(expectedProfile).filter((profile) => profile !== undefined);
    const [one] = [
      await stack.systems.profiles.create({ ...contact, firstName: 'One' }),
      await stack.systems.profiles.create({ ...contact, firstName: 'Two' }),
    ];
    await stack.sync();
    const parked = await inspect(stack.client, { kind: 'parked', code: 'DUPLICATE_IN_CAMPAIGN', limit: 10 });
    expect(parked.rows.map((row) => row.id)).toEqual([contact?.externalId]);
    await stack.systems.profiles.remove(one);
    await stack.resync('verify');
    expect(differences(contacts, await stack.systems.profiles.all())).toEqual([]);
  }, 60_000);
});
