import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { contactOf, differences, optOutDocument, profileOf } from '../support/opt-outs.js';
import { startStack, type Stack } from '../support/stack.js';

const OPT_OUT = 'opt-out';
const CONTACT = 'ingress/contact';

describe.sequential('opt-outs, where an opt-out could be lost', { timeout: 60_000 }, () => {
  let stack: Stack;
  let ids: string[];
  beforeAll(async () => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 8,
      document: optOutDocument().replaceAll(/every: \w+/g, 'every: 300d'),
    });
    await stack.syncAll([CONTACT]);
    await stack.syncAll([OPT_OUT]);
    ids = (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
  }, 120_000);
  afterAll(() => stack.stop());

  /** Both systems say that this contact is opted out of email, and have agreed on it. */
  async function optedOut(place: number): Promise<string> {
    const id = ids[place] ?? '';
    await stack.systems.contacts.update(id, { donotemail: true });
    await stack.syncAll([OPT_OUT]);
    expect((await profileOf(stack.systems, id)).blackListEmail).toBe(true);
    return id;
  }

  const optedOutOf = async (id: string): Promise<boolean[]> =>
    (await stack.systems.profiles.all())
      .filter(({ externalId }) => externalId === id)
      .map(({ blackListEmail }) => blackListEmail === true);

  test('a second profile with the key of another, made long after, is opted out as well', async () => {
    const { systems } = stack;
    const id = await optedOut(0);
    const first = await profileOf(systems, id);
    // So long ago that only the second one is among the changed profiles.
    await systems.sandbox.advance('P1D');
    await stack.syncAll([OPT_OUT]);
    await systems.profiles.create({ externalId: id, lastName: 'Second' });
    await stack.syncAll([OPT_OUT]);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
    expect(await optedOutOf(id)).toEqual([true, true]);
    await systems.profiles.remove(first);
    await stack.syncAll([OPT_OUT]);
    expect(await optedOutOf(id)).toEqual([true]);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
    expect(await stack.optOutStatus()).toMatchObject({ now: { due: 0 } });
  });

  test('an opt-in of a second profile is told, and does not travel', async () => {
    const { systems } = stack;
    const id = await optedOut(3);
    await systems.sandbox.advance('P1D');
    await stack.syncAll([OPT_OUT]);
    const second = await systems.profiles.create({
      externalId: id,
      lastName: 'Second',
      blackListEmail: true,
    });
    await systems.profiles.update(second, { blackListEmail: false });
    await stack.syncAll([OPT_OUT]);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
    expect((await stack.starter('parked', OPT_OUT, '--json')).out).toContain('DUPLICATE_IN_CAMPAIGN');
    await systems.profiles.remove(second);
    await stack.starter('redrive', '--id', id);
    await stack.syncAll([OPT_OUT]);
    expect(await optedOutOf(id)).toEqual([true]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { due: 0 } });
  });

  test('of two profiles that are met together each is opted out', async () => {
    const { systems } = stack;
    const id = ids[4] ?? '';
    await systems.profiles.update(await profileOf(systems, id), { blackListEmail: true });
    const second = await systems.profiles.create({ externalId: id, lastName: 'Second' });
    await stack.syncAll([OPT_OUT]);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
    expect(await optedOutOf(id)).toEqual([true, true]);
    await systems.profiles.remove(second);
    await stack.starter('redrive', '--id', id);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { due: 0 } });
  });

  test('a profile that takes the place of another has not opted in', async () => {
    const { systems } = stack;
    const id = await optedOut(1);
    await systems.profiles.remove(await profileOf(systems, id));
    await systems.profiles.create({ externalId: id, lastName: 'Made by hand' });
    await stack.syncAll([OPT_OUT]);
    expect((await profileOf(systems, id)).blackListEmail).toBe(true);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
  });

  test('a contact that becomes due while a page passes it stays due', async () => {
    const { systems } = stack;
    const other = ids[2] ?? '';
    await systems.sandbox.faults([
      { system: 'campaign', method: 'POST', path: '/profileAndServicesExt', kind: 'latency', ms: 3_000 },
      { system: 'campaign', method: 'PATCH', path: '/profileAndServicesExt', kind: 'latency', ms: 6_000 },
    ]);
    await systems.sandbox.resetStats();
    const id = await systems.contacts.create({ lastname: 'Meanwhile', donotemail: false });
    const created = stack.syncAll([CONTACT]);
    const isRead = async (): Promise<boolean> =>
      Object.keys((await systems.sandbox.stats()).dynamics.byRoute).some((route) =>
        route.startsWith('GET contacts'),
      );
    await expect.poll(isRead, { timeout: 20_000 }).toBe(true);
    // Too late for the creation, and passed by the flow of opt-outs while there is no profile yet.
    await systems.contacts.update(id, { donotemail: true });
    await systems.contacts.update(other, { donotemail: true });
    const passed = stack.syncAll([OPT_OUT]);
    await Promise.all([created, passed]);
    await stack.syncAll([OPT_OUT]);
    expect((await profileOf(systems, id)).blackListEmail).toBe(true);
    expect(await differences(systems)).toEqual([]);
  });
});
