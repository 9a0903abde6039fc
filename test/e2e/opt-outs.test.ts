import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { startStack, type Stack } from '../support/stack.js';
import { contactOf, differences, optOutDocument, profileOf } from '../support/opt-outs.js';

const OPT_OUT = 'opt-out';

describe.sequential('opt-outs, both ways', () => {
  let stack: Stack;
  let ids: string[];
  beforeAll(async () => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 40,
      document: optOutDocument(),
    });
    await stack.syncAll(['ingress/contact']);
    await stack.syncAll([OPT_OUT]);
    ids = (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
  }, 120_000);
  afterAll(() => stack.stop());

  test('profiles come to Campaign with the flags of their contacts', async () => {
    expect(await differences(stack.systems)).toEqual([]);
    expect(await stack.optOutStatus()).toMatchObject({ outcome: 'in-sync', now: { due: 0 } });
  });

  test('an opt-out of Dynamics reaches Campaign in one call, and nothing comes back', async () => {
    const { systems } = stack;
    const [id = ''] = ids;
    await systems.contacts.update(id, { donotemail: true });
    await systems.sandbox.resetStats();
    await stack.syncAll([OPT_OUT]);
    expect((await profileOf(systems, id)).blackListEmail).toBe(true);
    expect(await stack.optOutStatus()).toMatchObject({ toCampaign: 1, toDynamics: 0, parked: 0 });
    await stack.syncAll([OPT_OUT]);
    const { byRoute } = (await systems.sandbox.stats()).campaign;
    const writes = Object.entries(byRoute).filter(([route]) => route.startsWith('PATCH'));
    expect(writes).toEqual([[expect.any(String), { '200': 1 }]]);
    expect((await contactOf(systems, id)).donotemail).toBe(true);
  });

  test('an opt-out of Campaign reaches Dynamics', async () => {
    const { systems } = stack;
    const [, id = ''] = ids;
    await systems.profiles.update(await profileOf(systems, id), { blackListPhone: true, blackListFax: true });
    await stack.syncAll([OPT_OUT]);
    expect(await contactOf(systems, id)).toMatchObject({ donotphone: true, followemail: false });
    expect(await stack.optOutStatus()).toMatchObject({ toCampaign: 0, toDynamics: 2, parked: 0 });
  });

  test('so does an opt-in, either way', async () => {
    const { systems } = stack;
    const [one = '', two = ''] = ids;
    // Later than the tolerance of clocks after the opt-outs.
    await systems.sandbox.advance('PT10M');
    await systems.contacts.update(two, { donotphone: false });
    await systems.profiles.update(await profileOf(systems, one), { blackListEmail: false });
    await stack.syncAll([OPT_OUT]);
    expect((await profileOf(systems, two)).blackListPhone).toBe(false);
    expect((await contactOf(systems, one)).donotemail).toBe(false);
    expect(await differences(systems)).toEqual([]);
  });
});
