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

  test('every decision is told, with its evidence, as lines, as CSV and as one document', async () => {
    const [id = ''] = ids;
    const lines = (await stack.starter('consent', 'export', '--id', id)).out.trim().split('\n');
    const decisions = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(decisions.at(-2)).toMatchObject({
      contactId: id,
      flag: 'blackListEmail',
      dynamics: true,
      agreedBefore: false,
      agreedAfter: true,
      rule: 'three-way',
      winner: 'dynamics',
      because: 'Dynamics changed',
      result: 'accepted',
    });
    expect(decisions.at(-1)).toMatchObject({
      dynamics: true,
      campaign: false,
      agreedBefore: true,
      agreedAfter: false,
      winner: 'campaign',
    });
    const csv = (await stack.starter('consent', 'export', '--id', id, '--format', 'csv')).out.trim();
    expect(csv.split('\n')).toHaveLength(decisions.length + 1);
    expect(csv.split('\n')[0]).toBe(
      'number,at,contactId,flag,dynamics,dynamicsAt,campaign,campaignAt,agreedBefore,agreedAfter,rule,winner,because,result,runId',
    );
    const all = JSON.parse((await stack.starter('consent', 'export', '--json')).out) as {
      decisions: { contactId: string }[];
    };
    expect(all.decisions.filter(({ contactId }) => contactId === id)).toHaveLength(decisions.length);
    const { out } = await stack.starter('explain', id, '--table', 'contact');
    // Without the breaks of lines that are over 80 columns long.
    const explained = out.replace(/\n {4,}(?=\S)/g, ' ');
    expect(explained).toMatch(/Opt-outs agreed\s+.*blackListEmail not opted out/);
    expect(explained).toContain('blackListEmail: Campaign changed; campaign holds: not opted out (accepted)');
  });

  test.each([
    [['consent', 'export', '--id', 'x'], 'is no id of Dynamics'],
    [['consent', 'import'], 'consent takes export'],
    [['consent', 'export', '--format', 'xml'], 'jsonl or csv'],
    [['resync', 'opt-out', '--rewrite'], 'neither --rewrite nor --since'],
  ])('%j is wrong use', async (argv, said) => {
    const { status, error } = await stack.starter(...argv);
    expect({ status, error }).toEqual({ status: 2, error: expect.stringContaining(said) as string });
  });

  test('a plan tells what a resync then does, and writes nothing', async () => {
    const { systems } = stack;
    const [, , three = '', four = ''] = ids;
    await systems.contacts.update(three, { donotemail: true });
    await systems.profiles.update(await profileOf(systems, four), { blackListPhone: true });
    const plan = JSON.parse((await stack.starter('plan', 'opt-out', '--json')).out) as {
      counts: { read: number; toCampaign: number; toDynamics: number; unchanged: number };
    };
    expect((await differences(systems)).toSorted()).toEqual(
      [`${three} blackListEmail`, `${four} blackListPhone`].toSorted(),
    );
    expect(plan).toMatchObject({
      counts: { read: ids.length * 3, toCampaign: 1, toDynamics: 1, parked: 0 },
      because: { 'Dynamics changed': 1, 'Campaign changed': 1 },
      samples: { toCampaign: [three], toDynamics: [four] },
    });
    expect((await stack.starter('plan', 'opt-out')).out).toContain('Nothing was written.');
    await stack.starter('resync', 'opt-out', '--wait');
    expect(await stack.optOutStatus()).toMatchObject({ toCampaign: 1, toDynamics: 1 });
    expect(await differences(systems)).toEqual([]);
  });

  test('of two profiles with one id an opt-out of either travels, an opt-in of neither, and it is told', async () => {
    const { systems } = stack;
    const [, , , , five = ''] = ids;
    await systems.profiles.update(await profileOf(systems, five), { blackListEmail: true });
    const twin = await systems.profiles.create({ externalId: five, lastName: 'Twin' });
    await stack.syncAll([OPT_OUT]);
    expect((await contactOf(systems, five)).donotemail).toBe(true);
    expect(await stack.optOutStatus()).toMatchObject({
      now: { failing: 1 },
      errors: { DUPLICATE_IN_CAMPAIGN: 1 },
    });
    expect((await stack.starter('parked', OPT_OUT)).out).toContain(five);
    await systems.profiles.remove(twin);
    await stack.starter('redrive', '--id', five);
    await stack.syncAll([OPT_OUT]);
    expect(await stack.optOutStatus()).toMatchObject({ now: { due: 0 }, errors: {} });
    expect(await differences(systems)).toEqual([]);
  });
});
