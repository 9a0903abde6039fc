import { describe, expect, it } from 'vitest';
import { call, text, useSandbox } from '../core/support.js';

const sandbox = useSandbox();
const PROFILES = '/profileAndServicesExt/profile';

describe('the gateway', () => {
  it('refuses a missing or unknown token with 401 and 401013', async () => {
    for (const authorization of [{}, { authorization: 'Bearer nonsense' }]) {
      const answer = await call('GET', `${sandbox.ready.campaign}${PROFILES}`, undefined, {
        'x-api-key': sandbox.ready.credentials.adobeClientId,
        ...(authorization as Record<string, string>),
      });
      expect(answer.status).toBe(401);
      expect(answer.json).toEqual({ error_code: '401013', message: 'Oauth token is not valid' });
    }
  });

  it('refuses an unknown API key with 403', async () => {
    expect((await sandbox.campaign('GET', PROFILES, undefined, { 'x-api-key': 'someone-else' })).status).toBe(
      403,
    );
  });

  it('refuses a token without the tenant’s product profile with 403023', async () => {
    await sandbox.control('PUT', 'limits', { campaign: { nonMember: true } });
    const answer = await sandbox.campaign('GET', PROFILES);
    await sandbox.control('DELETE', 'limits');
    expect(answer.status).toBe(403);
    expect(answer.json['error_code']).toBe('403023');
  });

  it('answers a wrong tenant, or an address outside of the APIs, with 500 and its own JSON', async () => {
    for (const url of [
      sandbox.ready.campaign.replace('sandbox', 'acme') + PROFILES,
      `${sandbox.ready.campaign}/nonsense/profile`,
    ]) {
      const answer = await sandbox.campaign('GET', url);
      expect(answer.status).toBe(500);
      expect(answer.json).toEqual({
        code: 500,
        message: 'Oops. Something went wrong. Check your URI and try again.',
      });
    }
  });

  it('throttles above the requests per second that the limits allow', async () => {
    await sandbox.control('PUT', 'limits', { campaign: { requestsPerSecond: 3 } });
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => sandbox.campaign('GET', `${PROFILES}/_count`)),
    );
    await sandbox.control('DELETE', 'limits');
    const throttled = answers.filter((answer) => answer.status === 429);
    expect(throttled.length).toBeGreaterThanOrEqual(3);
    expect(throttled[0]?.headers.get('retry-after')).toBe('1');
    expect(throttled[0]?.json['error_code']).toBe('429050');
  });
});

describe('the engine', () => {
  it('answers an unknown resource and a path with too much in it with 404, in text', async () => {
    for (const path of [
      '/profileAndServicesExt/nonsense',
      '/profileAndServicesExt//profile',
      `${PROFILES}/a/b/c/d`,
    ]) {
      const answer = await sandbox.campaign('GET', path);
      expect(answer.status).toBe(404);
      expect(answer.text).toMatch(/^RST-360011 /);
    }
  });

  it('answers a stray trailing comma with 500', async () => {
    expect((await sandbox.campaign('GET', `${PROFILES}/a,`)).status).toBe(500);
  });
});

it('the journal is empty: 204 with the time to wait and the next address, for a valid token', async () => {
  const answer = await sandbox.campaign('GET', sandbox.ready.journal, undefined, {
    'x-ims-org-id': sandbox.ready.credentials.adobeOrgId,
  });
  expect(answer.status).toBe(204);
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(answer.headers.get('link')).toContain('rel="next"');
  expect((await call('GET', sandbox.ready.journal, undefined, {})).status).toBe(401);
});

it('an address that cannot be decoded is answered in the engine’s form', async () => {
  for (const path of [`${PROFILES}/%zz`, `${PROFILES}/%E0%A4`]) {
    const answer = await sandbox.campaign('GET', path);
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('rc=-2003');
  }
});

it('an address outside of everything is answered in the gateway’s form', async () => {
  const answer = await call('GET', `${new URL(sandbox.ready.campaign).origin}/nowhere`, undefined, {});
  expect([answer.status, text(answer.json['message'])]).toEqual([
    500,
    'Oops. Something went wrong. Check your URI and try again.',
  ]);
});
