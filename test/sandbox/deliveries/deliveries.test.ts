import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { list, text, useSandbox, type Json } from '../core/support.js';
import { addProfiles, eventOf, linkOf, readAll, readJournal } from '../journal/support.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });
const PROFILES = '/profileAndServicesExt/profile';

beforeEach(() => addProfiles(sandbox, 20));
afterEach(async () => {
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
});

const send = async (request: object) => (await sandbox.succeed('POST', 'deliveries', request)).json;
const events = async () => (await readAll(sandbox)).map(({ event }) => eventOf(event as Json));
const of = (metric: string, all: ReturnType<typeof eventOf>[]) =>
  all.filter(({ metrics }) => metrics.includes(`xdm:${metric}`));
const now = async () => Date.parse(text((await sandbox.control('GET', 'clock')).json['now']));

describe('a delivery', () => {
  it('reports what it made, and its events are in the journal', async () => {
    const report = await send({
      profiles: 20,
      opens: 0.4,
      clicks: 0.1,
      bounces: 0.1,
      delivery: 'DM190',
      campaign: 'CMP12',
      label: 'Spring',
    });
    expect(report).toMatchObject({
      delivery: 'DM190',
      campaign: 'CMP12',
      label: 'Spring',
      profiles: 20,
      sends: 20,
      opens: 8,
      clicks: 2,
      bounces: 2,
      journal: { entries: 32, duplicates: 0 },
    });
    const all = await events();
    const counts = ['sends', 'opens', 'clicks', 'nonDeliverables'].map((metric) => of(metric, all).length);
    expect(counts).toEqual([20, 8, 2, 2]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(32);
    for (const { delivery, campaign } of all) {
      expect(delivery).toEqual({
        'xdm:id': report['deliveryId'],
        'xdm:deliveryName': 'DM190',
        'xdm:deliveryLabel': 'Spring',
      });
      expect(campaign?.['xdm:campaignName']).toBe('CMP12');
    }
  });

  it('goes to the first profiles that have an email and may be contacted', async () => {
    const patch = (key: string, body: object) => sandbox.campaign('PATCH', `${PROFILES}/${key}`, body);
    await patch('p1', { email: '' });
    await patch('p2', { blackList: true });
    await patch('p3', { blackListEmail: true });
    const denied = new Set(['p1', 'p2', 'p3']);
    expect(await send({ profiles: 5 })).toMatchObject({ profiles: 5, sends: 5 });
    const reached = (await events()).map(({ externalId }) => text(externalId));
    expect(reached.some((id) => denied.has(id))).toBe(false);
    expect(await send({ profiles: 1000 })).toMatchObject({ profiles: 17, sends: 17 });
  });

  it('happens in a likely order, in whole seconds, and is over now', async () => {
    await send({ profiles: 20, opens: 0.5, clicks: 0.3, bounces: 0.2 });
    const endMs = await now();
    const all = await events();
    expect(all.map(({ atMs }) => atMs)).toEqual(all.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    for (const { atMs } of all) {
      expect(atMs).toBeLessThanOrEqual(endMs);
      expect(atMs).toBeGreaterThan(endMs - 3_700_000);
    }
    const at = (metric: string, log: number) => of(metric, all).find((event) => event.log === log)?.atMs;
    const clicks = of('clicks', all);
    expect(clicks).toHaveLength(6);
    for (const { log, atMs } of clicks) {
      expect(at('opens', log)).toBeLessThan(atMs);
      expect(at('sends', log)).toBeLessThan(at('opens', log) ?? 0);
    }
    const bounces = of('nonDeliverables', all);
    expect(bounces).toHaveLength(4);
    for (const { log, atMs } of bounces) {
      expect(at('sends', log)).toBeLessThan(atMs);
      expect(at('opens', log)).toBeUndefined();
    }
  });

  it('has a click tell its link, and a bounce its reason and what it takes back', async () => {
    await send({ profiles: 20, clicks: 0.2, bounces: 0.2, links: 2 });
    const all = await events();
    for (const { link, source } of of('clicks', all)) {
      expect(text(link?.['xdm:url'])).toMatch(/^https:\/\/shop\.example\//);
      expect(text(link?.['xdm:id'])).toMatch(/^\d+$/);
      expect(source).toBe('pipelined-trackinglogd');
    }
    for (const bounce of of('nonDeliverables', all)) {
      expect(bounce.message).toMatchObject({
        'xdm:quarantine': true,
        'xdm:reason': expect.stringMatching(/^(unknown_user|disabled|refused)$/) as string,
      });
      expect(bounce.mutation).toMatchObject({ 'xdm:directMarketing': { 'xdm:sends': { 'xdm:value': 1 } } });
      expect(bounce.source).toBe('pipelined-inMail');
    }
    expect(of('sends', all).every(({ mutation, source }) => !mutation && source === 'pipelined-mta')).toBe(
      true,
    );
  });

  it('counts passing failures, test addresses and strangers apart', async () => {
    const report = await send({ profiles: 20, softBounces: 0.1, proofs: 2, seeds: 3, withoutExternalId: 4 });
    expect(report).toMatchObject({ sends: 18, softBounces: 2, proofs: 2, seeds: 3, withoutExternalId: 4 });
    const all = await events();
    const is = (flag: string) => all.filter(({ message }) => String(message?.[flag]) === 'true');
    expect(is('xdm:proofMember')).toHaveLength(2);
    expect(is('xdm:seedMember')).toHaveLength(3);
    expect(is('xdm:seedMember').every(({ externalId }) => /^p\d+$/.test(text(externalId)))).toBe(true);
    expect(all.filter(({ externalId }) => externalId === undefined)).toHaveLength(4);
    const soft = of('bounces', all);
    expect(soft).toHaveLength(2);
    expect(of('sends', all).some(({ log }) => soft.some((bounce) => bounce.log === log))).toBe(false);
  });

  it('puts who unsubscribes on the denylist for email, with its stamp', async () => {
    expect(await send({ profiles: 20, unsubscribes: 0.1 })).toMatchObject({ unsubscribes: 2, opens: 2 });
    const gone = of('unsubscriptions', await events()).map(({ externalId }) => text(externalId));
    expect(gone).toHaveLength(2);
    for (const id of gone) {
      const { json } = await sandbox.campaign('GET', `${PROFILES}/${id}`);
      expect(json['blackListEmail']).toBe(true);
      expect(text(json['blackListEmailLastModified'])).not.toBe('');
    }
    expect(await send({ profiles: 20 })).toMatchObject({ sends: 18 });
  });

  it('is in the marketing history of who got it', async () => {
    await send({ profiles: 1, label: 'Spring' });
    const [profile] = list((await sandbox.campaign('GET', PROFILES)).json['content']);
    const history = `/profileAndServices/history/${encodeURIComponent(text(profile?.['PKey']))}`;
    const { json } = await sandbox.campaign('GET', history);
    expect(json['countBroadLogEvents']).toBe(1);
    const sent = await sandbox.campaign('GET', text(json['events']?.['href']));
    expect(list(sent.json['content'])).toMatchObject([
      { category: 'email', label: 'Spring', type: 'outbound' },
    ]);
  });
});

it('the same state and the same request make the same people open', async () => {
  const openers = async () => {
    await send({ profiles: 20, opens: 0.3, clicks: 0.1 });
    const all = await events();
    return [...of('opens', all), ...of('clicks', all)].map(({ externalId, id }) => [text(externalId), id]);
  };
  const first = await openers();
  await sandbox.succeed('POST', 'reset', {});
  sandbox.forgetTokens();
  await addProfiles(sandbox, 20);
  expect((await openers()).map(([, id]) => id)).toEqual(first.map(([, id]) => id));
});

it('a mirror page is told unless the tenant keeps it back', async () => {
  await send({ profiles: 1 });
  expect(text((await events())[0]?.message?.['xdm:mirrorPageID'])).toMatch(/^https:/);
  await sandbox.succeed('PUT', 'limits', { campaign: { journal: { mirrorPageId: false } } });
  expect((await events())[0]?.message).not.toHaveProperty('xdm:mirrorPageID');
});

it('many messages are made in one go, and read in pages', async () => {
  const report = await send({ profiles: 0, withoutExternalId: 30_000 });
  expect(report['journal']).toEqual({ entries: 30_000, duplicates: 0 });
  const page = await readJournal(sandbox, '?limit=500');
  expect(page.json['_page']?.['count']).toBe(500);
  expect((await readJournal(sandbox, linkOf(page, 'next'))).json['_page']?.['count']).toBe(500);
});

it('a request that is wrong is refused with every fault, and sends nothing', async () => {
  const answer = await sandbox.control('POST', 'deliveries', {
    profiles: -1,
    opens: 2,
    over: 'soon',
    often: 1,
  });
  expect(answer.status).toBe(400);
  expect(list(answer.json['errors'])).toHaveLength(4);
  expect((await readJournal(sandbox)).status).toBe(204);
});
