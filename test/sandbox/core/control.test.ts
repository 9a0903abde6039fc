import { afterEach, describe, expect, it } from 'vitest';
import { call, list, text, useSandbox } from './support.js';

const sandbox = useSandbox({ contacts: 40 });
const CONTACTS = '/api/data/v9.2/contacts';
const PROFILES = '/profileAndServicesExt/profile';

afterEach(async () => {
  await sandbox.control('DELETE', 'faults');
  await sandbox.control('DELETE', 'limits');
});

const contactIds = async () =>
  list((await sandbox.dynamics('GET', `${CONTACTS}?$select=contactid`)).json['value']).map((row) =>
    text(row['contactid']),
  );

describe('stats', () => {
  it('count calls by system, route and status, without ids', async () => {
    await sandbox.control('POST', 'stats/reset');
    await sandbox.campaign('POST', PROFILES, { externalId: 'counted' });
    await sandbox.campaign('PATCH', `${PROFILES}/counted`, { firstName: 'A' });
    await sandbox.campaign('PATCH', `${PROFILES}/nobody`, { firstName: 'A' });
    await sandbox.dynamics('GET', `${CONTACTS}?$select=contactid&$top=1`);
    const { json } = await sandbox.control('GET', 'stats');
    expect(json['campaign']).toMatchObject({
      total: 3,
      byRoute: { 'POST profile': { 201: 1 }, 'PATCH profile/key': { 200: 1, 404: 1 } },
      duplicates: 0,
    });
    expect(json['dynamics']).toMatchObject({
      total: 1,
      byRoute: { 'GET contacts': { 200: 1 } },
      batchParts: 0,
      bulkRows: 0,
    });
    await sandbox.succeed('PUT', 'faults', [{ system: 'dynamics', kind: 'throttle' }]);
    await sandbox.dynamics('PATCH', `${CONTACTS}(00000000-0000-4000-8000-000000000001)`, {});
    await sandbox.dynamics('GET', CONTACTS, undefined, { authorization: 'Bearer nonsense' });
    const refused = (await sandbox.control('GET', 'stats')).json['dynamics'];
    expect(refused).toMatchObject({
      total: 3,
      byRoute: { 'PATCH contacts(id)': { 429: 1 }, 'GET contacts': { 200: 1, 401: 1 } },
    });
    const empty = (await sandbox.control('POST', 'stats/reset')).json;
    expect([empty['campaign']?.['total'], empty['dynamics']?.['total']]).toEqual([0, 0]);
  });
});

describe('reset', () => {
  it('makes everything new: other organisation, no profiles, old tokens and PKeys unknown, same credentials', async () => {
    const organization = async () =>
      text((await sandbox.dynamics('GET', '/api/data/v9.2/WhoAmI')).json['OrganizationId']);
    const before = await organization();
    const profile = (await sandbox.campaign('POST', PROFILES, { externalId: 'old' })).json;
    await sandbox.control('PUT', 'limits', { campaign: { defaultLineCount: 3 } });
    const answer = await sandbox.control('POST', 'reset', { contacts: 7, seed: 5 });
    expect(answer.status).toBe(200);
    expect((await sandbox.dynamics('GET', CONTACTS)).status).toBe(401);
    sandbox.forgetTokens();
    expect(await organization()).not.toBe(before);
    expect(await contactIds()).toHaveLength(7);
    expect((await sandbox.campaign('GET', `${PROFILES}/_count`)).json).toEqual({ count: 0 });
    expect((await sandbox.campaign('GET', `${PROFILES}/${text(profile['PKey'])}`)).status).toBe(500);
    expect((await sandbox.control('GET', 'limits')).json['campaign']?.['defaultLineCount']).toBe(25);
  });

  it('with the same seed makes the same contacts, and with another seed others', async () => {
    const seeded = async (seed: number) => {
      await sandbox.control('POST', 'reset', { contacts: 20, seed });
      sandbox.forgetTokens();
      return (await contactIds()).toSorted();
    };
    const first = await seeded(3);
    expect(await seeded(4)).not.toEqual(first);
    expect(await seeded(3)).toEqual(first);
  });
});

describe('limits', () => {
  it('are merged into what is in force, and restored by DELETE', async () => {
    const merged = await sandbox.control('PUT', 'limits', { campaign: { bigTableThreshold: 5 } });
    expect(merged.json['campaign']).toMatchObject({ bigTableThreshold: 5, defaultLineCount: 25 });
    const further = await sandbox.control('PUT', 'limits', { dynamics: { bulkActions: { contact: [] } } });
    expect(further.json['campaign']?.['bigTableThreshold']).toBe(5);
    expect(further.json['dynamics']?.['bulkActions']).toEqual({ contact: [] });
    expect((await sandbox.control('DELETE', 'limits')).json['campaign']?.['bigTableThreshold']).toBe(100_000);
  });

  it('that are misspelt are refused with every fault listed', async () => {
    const answer = await sandbox.control('PUT', 'limits', {
      campaign: { bigTable: 5, deleteStatus: '204' },
      dynamic: {},
    });
    expect(answer.status).toBe(400);
    expect(answer.json['errors']).toHaveLength(3);
  });

  it('that are put back as they were read are taken', async () => {
    const { json } = await sandbox.control('GET', 'limits');
    const answer = await sandbox.control('PUT', 'limits', json);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual(json);
  });

  it.each([
    ['dynamics.bulkActions.contact', { dynamics: { bulkActions: { contact: true } } }],
    ['dynamics.bulkActions.contact.0', { dynamics: { bulkActions: { contact: ['createMultiple'] } } }],
    ['dynamics.bulkActions', { dynamics: { bulkActions: ['contact'] } }],
    ['dynamics.batchRefused', { dynamics: { batchRefused: 'account' } }],
    ['dynamics.globalReadMissing.0', { dynamics: { globalReadMissing: [1] } }],
    ['dynamics.maxPageSize', { dynamics: { maxPageSize: 0 } }],
    ['dynamics.requests', { dynamics: { requests: -1 } }],
    ['dynamics.deltaTokenFrom', { dynamics: { deltaTokenFrom: 'middle-page' } }],
    ['dynamics.nonMember', { dynamics: { nonMember: 'yes' } }],
    ['campaign.edition', { campaign: { edition: 'v7' } }],
    ['campaign.deleteStatus', { campaign: { deleteStatus: 202 } }],
    ['campaign.identificationKeys.profile', { campaign: { identificationKeys: { profile: ['email'] } } }],
    ['campaign.uniqueKeys.cusOrder', { campaign: { uniqueKeys: { cusOrder: 'cusCrmId' } } }],
    ['campaign.journal.duplicateShare', { campaign: { journal: { duplicateShare: 5 } } }],
    ['campaign.exports', { campaign: { exports: null } }],
    ['body', 5],
  ])('of a wrong shape are refused at %s, and change nothing', async (place, limits) => {
    const before = (await sandbox.control('GET', 'limits')).json;
    const answer = await sandbox.control('PUT', 'limits', limits);
    expect(answer.status).toBe(400);
    expect(list(answer.json['errors']).map(text)).toEqual([expect.stringMatching(`^${place}: `)]);
    expect((await sandbox.control('GET', 'limits')).json).toEqual(before);
  });
});

describe('the clock', () => {
  it('moves forward by a duration, and tokens age with it', async () => {
    expect((await sandbox.dynamics('GET', `${CONTACTS}?$top=1`)).status).toBe(200);
    const before = Date.parse(text((await sandbox.control('GET', 'clock')).json['now']));
    const after = Date.parse(
      text((await sandbox.control('POST', 'clock', { advance: 'P1DT1H' })).json['now']),
    );
    expect(after - before).toBeGreaterThanOrEqual(25 * 3_600_000);
    expect((await sandbox.dynamics('GET', `${CONTACTS}?$top=1`)).status).toBe(401);
    sandbox.forgetTokens();
    expect((await sandbox.dynamics('GET', `${CONTACTS}?$top=1`)).status).toBe(200);
  });

  it('refuses what is no duration', async () => {
    expect((await sandbox.control('POST', 'clock', { advance: 'one day' })).status).toBe(400);
  });
});

it('both systems tell the sandbox’s time in the Date header', async () => {
  await sandbox.control('POST', 'clock', { advance: 'P30D' });
  sandbox.forgetTokens();
  const nowMs = Date.parse(text((await sandbox.control('GET', 'clock')).json['now']));
  const answers = [
    await sandbox.dynamics('GET', `${CONTACTS}?$top=1`),
    await sandbox.dynamics('GET', '/api/data/v9.2/nowhere'),
    await sandbox.campaign('GET', `${PROFILES}/_count`),
    await call('POST', sandbox.ready.ims, undefined, {}),
  ];
  for (const { headers } of answers) {
    const toldMs = Date.parse(headers.get('date') ?? '');
    expect(toldMs).toBeGreaterThanOrEqual(nowMs - 1000);
    expect(toldMs).toBeLessThan(nowMs + 60_000);
  }
});

describe('bulk changes of contacts', () => {
  it('touch as many rows as asked for, and tell which', async () => {
    const before = await contactIds();
    const { json } = await sandbox.control('POST', 'contacts', { change: 3, create: 4, delete: 2 });
    const [changed, created, deleted] = ['changed', 'created', 'deleted'].map((name) =>
      list(json[name]).map(text),
    );
    expect([changed?.length, created?.length, deleted?.length]).toEqual([3, 4, 2]);
    const after = await contactIds();
    expect(after.toSorted()).toEqual(
      [...before.filter((id) => !deleted?.includes(id)), ...(created ?? [])].toSorted(),
    );
    expect(changed?.every((id) => after.includes(id))).toBe(true);
  });

  it('show in the change tracking of the protocol', async () => {
    const tracked = await sandbox.dynamics('GET', `${CONTACTS}?$select=lastname`, undefined, {
      prefer: 'odata.track-changes',
    });
    const { json } = await sandbox.control('POST', 'contacts', { change: 2, delete: 1 });
    const link = text(tracked.json['@odata.deltaLink']).replace(sandbox.ready.dynamics, '');
    const changes = list((await sandbox.dynamics('GET', link)).json['value']);
    const ids = changes.map((row) => text(row['contactid'] ?? row['id'])).toSorted();
    expect(ids).toEqual([...list(json['changed']), ...list(json['deleted'])].map(text).toSorted());
  });
});

it('what is unknown is said aloud', async () => {
  expect((await sandbox.control('POST', 'nonsense')).status).toBe(404);
  expect((await sandbox.control('PUT', 'faults', '{')).status).toBe(400);
});

it('the control desk answers on the Campaign port too', async () => {
  const origin = new URL(sandbox.ready.campaign).origin;
  const answer = await fetch(`${origin}/_sandbox/stats`);
  expect(answer.status).toBe(200);
});

it('an address that leads nowhere is answered in the form of the system on that port', async () => {
  const answer = await call('GET', `${sandbox.ready.dynamics}/nowhere`, undefined, {});
  expect(answer.status).toBe(404);
  expect(answer.json['error']).toMatchObject({ message: "Resource not found for the segment 'nowhere'." });
});
