import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { startStack, type Stack } from '../support/stack.js';

/** The e-mail address goes with the first load and a resync only. */
const document = exampleDocument
  .replace('every: 1m', 'every: 1d')
  .replace('to: email }', 'to: email, applyUpdates: false }');
let stack: Stack;
let id: string;

beforeAll(async () => {
  stack = await startStack({ temporalAddress: inject('temporalAddress'), contacts: 20, document });
  await stack.sync();
}, 60_000);
afterAll(() => stack.stop(), 60_000);
beforeEach(async () => {
  id = await stack.systems.contacts.create({ lastname: 'Once', emailaddress1: 'first@shop.example' });
  await stack.sync();
});

async function profile(): Promise<Record<string, unknown> | undefined> {
  return (await stack.systems.profiles.all()).find(({ externalId }) => externalId === id);
}
async function change(values: object): Promise<void> {
  await stack.systems.contacts.update(id, values);
  await stack.sync();
}
const campaignCalls = async (): Promise<number> => (await stack.systems.sandbox.stats()).campaign.total;

/** Each ends with a resync, so that the next one finds both systems in step. */
describe.sequential('a field with applyUpdates: false', () => {
  test('goes with a new record and on a resync, and a change of nothing else is unchanged and costs no call', async () => {
    expect(await profile()).toMatchObject({ lastName: 'Once', email: 'first@shop.example' });
    await stack.systems.sandbox.resetStats();
    await change({ emailaddress1: 'second@shop.example' });
    expect(await campaignCalls()).toBe(0);
    expect(await stack.status()).toMatchObject({ read: 1, updated: 0, unchanged: 1 });
    expect(await profile()).toMatchObject({ email: 'first@shop.example' });

    await stack.resync('verify');
    expect(await stack.status()).toMatchObject({ created: 0, updated: 1 });
    expect(await profile()).toMatchObject({ email: 'second@shop.example' });
    await stack.resync('verify');
    expect(await stack.status()).toMatchObject({ created: 0, updated: 0 });
  }, 60_000);

  test('is not carried by a change of another field, before or in it, and a resync finds it all the same', async () => {
    await change({ emailaddress1: 'second@shop.example' });
    await change({ lastname: 'Twice' });
    expect(await stack.status()).toMatchObject({ read: 1, updated: 1 });
    expect(await profile()).toMatchObject({ lastName: 'Twice', email: 'first@shop.example' });
    await change({ lastname: 'Thrice', emailaddress1: 'third@shop.example' });
    expect(await profile()).toMatchObject({ lastName: 'Thrice', email: 'first@shop.example' });

    await stack.resync('verify');
    expect(await stack.status()).toMatchObject({ created: 0, updated: 1 });
    expect(await profile()).toMatchObject({ lastName: 'Thrice', email: 'third@shop.example' });
  }, 60_000);

  test('goes on a resync --rewrite', async () => {
    await change({ emailaddress1: 'second@shop.example' });
    await stack.resync('rewrite');
    expect(await stack.status()).toMatchObject({ created: 0, unchanged: 0 });
    expect(await profile()).toMatchObject({ email: 'second@shop.example' });
  }, 60_000);
});
