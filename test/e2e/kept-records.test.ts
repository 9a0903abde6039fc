import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { startStack, type Stack } from '../support/stack.js';

const document = exampleDocument
  .replace('every: 1m', 'every: 1d')
  .replace('applyDeletes: true', 'applyDeletes: false');
let stack: Stack;
/** A contact that was a profile and is deleted in Dynamics. */
let id: string;

beforeAll(async () => {
  stack = await startStack({ temporalAddress: inject('temporalAddress'), contacts: 20, document });
  await stack.sync();
}, 60_000);
afterAll(() => stack.stop(), 60_000);
beforeEach(async () => {
  id = await stack.systems.contacts.create({ lastname: 'Kept' });
  await stack.sync();
  await stack.systems.contacts.remove(id);
  await stack.systems.sandbox.resetStats();
  await stack.sync();
});

const profilesOfIt = async (): Promise<object[]> =>
  (await stack.systems.profiles.all()).filter(({ externalId }) => externalId === id);

describe.sequential('with applyDeletes: false', () => {
  test('a row deleted in Dynamics is unchanged, and its record stays, without a call', async () => {
    expect((await stack.systems.sandbox.stats()).campaign.total).toBe(0);
    expect(await stack.status()).toMatchObject({ read: 1, deleted: 0, unchanged: 1, now: { held: 0 } });
    expect(await profilesOfIt()).toMatchObject([{ lastName: 'Kept' }]);
  }, 60_000);

  test('a row that comes back under its id has its record again, and no second one', async () => {
    await stack.systems.contacts.create({ contactid: id, lastname: 'Back' });
    await stack.sync();
    expect(await stack.status()).toMatchObject({ read: 1, created: 0, updated: 1 });
    expect(await profilesOfIt()).toMatchObject([{ lastName: 'Back' }]);
  }, 60_000);

  test.each(['verify', 'rewrite'] as const)(
    'the same after a resync (%s)',
    async (mode) => {
      await stack.resync(mode);
      expect(await stack.status()).toMatchObject({ created: 0, deleted: 0, now: { held: 0 } });
      expect(await profilesOfIt()).toMatchObject([{ lastName: 'Kept' }]);
      await stack.systems.contacts.create({ contactid: id, lastname: 'Back' });
      await stack.sync();
      expect(await stack.status()).toMatchObject({ read: 1, created: 0, updated: 1 });
      expect(await profilesOfIt()).toMatchObject([{ lastName: 'Back' }]);
    },
    60_000,
  );

  test('what was kept is deleted once the mapping applies deletions', async () => {
    await stack.apply(document.replace('applyDeletes: false', 'applyDeletes: true'));
    await stack.sync();
    expect(await profilesOfIt()).toEqual([]);
  }, 60_000);
});
