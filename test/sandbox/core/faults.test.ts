import { afterEach, describe, expect, it } from 'vitest';
import { call, list, text, useSandbox } from './support.js';

const sandbox = useSandbox({ contacts: 10 });
const CONTACTS = '/api/data/v9.2/contacts';
const PROFILES = '/profileAndServicesExt/profile';

afterEach(async () => {
  await sandbox.control('DELETE', 'faults');
  sandbox.forgetTokens();
});

const arm = (...faults: object[]) => sandbox.succeed('PUT', 'faults', faults);
const profiles = () => sandbox.campaign('GET', `${PROFILES}/_count`);
const contacts = () => sandbox.dynamics('GET', `${CONTACTS}?$select=contactid`);

describe('which calls are hit', () => {
  it('one, unless times says more', async () => {
    await arm({ system: 'campaign', kind: 'status', status: 503 });
    expect([(await profiles()).status, (await profiles()).status]).toEqual([503, 200]);
    await arm({ system: 'campaign', kind: 'status', status: 503, times: 2 });
    expect([(await profiles()).status, (await profiles()).status, (await profiles()).status]).toEqual([
      503, 503, 200,
    ]);
  });

  it('those of the method and the path’s beginning, given with or without the API’s base', async () => {
    for (const path of ['/sandbox/campaign/profileAndServicesExt/profile', 'profileAndServicesExt/profile']) {
      await arm({ system: 'campaign', kind: 'status', status: 503, method: 'POST', path });
      expect((await profiles()).status).toBe(200);
      expect(
        (await sandbox.campaign('POST', '/profileAndServices/service', { name: `s${path.length}` })).status,
      ).toBe(201);
      expect((await sandbox.campaign('POST', PROFILES, {})).status).toBe(503);
    }
  });

  it('those of the other system are not', async () => {
    await arm({ system: 'dynamics', kind: 'status', status: 503 });
    expect((await profiles()).status).toBe(200);
    expect((await contacts()).status).toBe(503);
  });

  it('a share of them, without end', async () => {
    await arm({ system: 'campaign', kind: 'status', status: 503, share: 0.3 });
    const statuses: number[] = [];
    for (let round = 0; round < 100; round += 1) statuses.push((await profiles()).status);
    const hit = statuses.filter((status) => status === 503).length;
    expect(hit).toBeGreaterThan(12);
    expect(hit).toBeLessThan(50);
  });
});

describe('what a client sees', () => {
  it('throttle: 429 with Retry-After, in Dataverse’s words for the facet', async () => {
    await arm(
      { system: 'dynamics', kind: 'throttle', facet: 'time', retryAfter: 7 },
      { system: 'campaign', kind: 'throttle', retryAfter: 3 },
    );
    const dynamics = await contacts();
    expect([dynamics.status, dynamics.headers.get('retry-after')]).toEqual([429, '7']);
    expect(dynamics.json['error']).toMatchObject({ code: '0x80072321' });
    const campaign = await profiles();
    expect([campaign.status, campaign.headers.get('retry-after'), text(campaign.json['error_code'])]).toEqual(
      [429, '3', '429050'],
    );
  });

  it('status: the system’s own error form', async () => {
    await arm(
      { system: 'dynamics', kind: 'status', status: 500 },
      { system: 'campaign', kind: 'status', status: 500 },
    );
    expect(text((await contacts()).json['error']?.['message']).length).toBeGreaterThan(0);
    expect((await profiles()).text).toMatch(/^RST-360011 /);
  });

  it('latency: an answer that comes late', async () => {
    await arm({ system: 'campaign', kind: 'latency', ms: 120 });
    const startedMs = performance.now();
    expect((await profiles()).status).toBe(200);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(115);
  });

  it('reset: no answer, and nothing was done', async () => {
    await profiles();
    await arm({ system: 'campaign', kind: 'reset' });
    await expect(sandbox.campaign('POST', PROFILES, { externalId: 'reset' })).rejects.toThrow('fetch failed');
    expect((await sandbox.campaign('GET', `${PROFILES}/reset`)).status).toBe(404);
  });

  it('accepted-then-reset: no answer, yet it was done', async () => {
    await contacts();
    await profiles();
    await arm(
      { system: 'campaign', kind: 'accepted-then-reset' },
      { system: 'dynamics', kind: 'accepted-then-reset' },
    );
    await expect(sandbox.campaign('POST', PROFILES, { externalId: 'accepted' })).rejects.toThrow(
      'fetch failed',
    );
    await expect(sandbox.dynamics('POST', CONTACTS, { lastname: 'Accepted' })).rejects.toThrow(
      'fetch failed',
    );
    expect((await sandbox.campaign('GET', `${PROFILES}/accepted`)).status).toBe(200);
    const found = await sandbox.dynamics(
      'GET',
      `${CONTACTS}?$select=lastname&$filter=lastname eq 'Accepted'`,
    );
    expect(list(found.json['value'])).toHaveLength(1);
  });

  it('truncate: half of an answer', async () => {
    await contacts();
    await profiles();
    for (const request of [contacts, profiles]) {
      await arm({ system: 'campaign', kind: 'truncate' }, { system: 'dynamics', kind: 'truncate' });
      await expect(request()).rejects.toThrow('terminated');
    }
  });

  it('expire-token: 401 until a new token is fetched', async () => {
    for (const [system, request] of [['dynamics', contacts] as const, ['campaign', profiles] as const]) {
      await request();
      await arm({ system, kind: 'expire-token' });
      expect([(await request()).status, (await request()).status]).toEqual([401, 401]);
      sandbox.forgetTokens();
      expect((await request()).status).toBe(200);
    }
  });

  it('expire-token of Dataverse: a challenge that names the tenant and the resource', async () => {
    await contacts();
    await arm({ system: 'dynamics', kind: 'expire-token' });
    const challenge = (await contacts()).headers.get('www-authenticate');
    expect(challenge).toContain(
      `/${sandbox.ready.credentials.tenantId}/oauth2/authorize, resource_id=${sandbox.ready.dynamics}/`,
    );
  });

  it('expire-delta: only a read with a delta token', async () => {
    await arm({ system: 'dynamics', kind: 'expire-delta' });
    const tracked = await sandbox.dynamics('GET', `${CONTACTS}?$select=lastname`, undefined, {
      prefer: 'odata.track-changes',
    });
    expect(tracked.status).toBe(200);
    const link = text(tracked.json['@odata.deltaLink']).replace(sandbox.ready.dynamics, '');
    expect((await sandbox.dynamics('GET', link)).json['error']).toMatchObject({ code: '0x80044352' });
    expect((await sandbox.dynamics('GET', link)).status).toBe(200);
  });
});

it('calls to the control desk and the token endpoints are left alone', async () => {
  await arm(
    { system: 'dynamics', kind: 'status', status: 503, share: 1 },
    { system: 'campaign', kind: 'status', status: 503, share: 1 },
  );
  expect((await sandbox.control('GET', 'stats')).status).toBe(200);
  expect((await profiles()).status).toBe(503);
  expect((await call('POST', sandbox.ready.ims, undefined, {})).status).toBe(400);
});
