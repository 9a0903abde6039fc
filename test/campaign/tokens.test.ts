import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { campaignOf, errorOf, payload, resource } from './scripted-campaign.js';

const created = { status: 201, body: { PKey: '@a' } };
const expired = { status: 401, body: { error_code: '401013', message: 'Oauth token is not valid' } };

test('a token is minted by the documented request, once for all calls', async () => {
  const { campaign, identity, server } = await campaignOf(() => created);
  await Promise.all([1, 2, 3].map(() => campaign.create(resource, payload)));
  expect(identity.arrived).toHaveLength(1);
  expect(identity.arrived[0]).toMatchObject({
    method: 'POST',
    url: '/ims/token/v3',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  expect(Object.fromEntries(new URLSearchParams(identity.arrived[0]?.body))).toEqual({
    grant_type: 'client_credentials',
    client_id: 'client',
    client_secret: 'top-secret',
    scope: 'openid,campaign_sdk',
  });
  expect(new Set(server.arrived.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer token-1']),
  );
});

test('a new token is minted before the old one ends', async () => {
  const { campaign, clock, identity } = await campaignOf(() => created);
  await campaign.create(resource, payload);
  await clock.sleep(86_399_000 - 301_000);
  await campaign.create(resource, payload);
  expect(identity.arrived).toHaveLength(1);
  await clock.sleep(1_000);
  await campaign.create(resource, payload);
  expect(identity.arrived).toHaveLength(2);
});

test('a refused token is renewed once, for all calls that it was refused to', async () => {
  const { campaign, identity } = await campaignOf(({ headers }) =>
    headers.authorization === 'Bearer token-1' ? expired : created,
  );
  const answers = await Promise.all([1, 2, 3].map(() => campaign.create(resource, payload)));
  expect(answers).toEqual([1, 2, 3].map(() => ({ kind: 'accepted' })));
  expect(identity.arrived).toHaveLength(2);
});

test('a token that is refused again stops the flow', async () => {
  const { campaign, server } = await campaignOf(() => expired);
  expect(await errorOf(campaign.create(resource, payload))).toMatchObject({
    code: 'CAMPAIGN_CREDENTIALS',
    class: 'stop',
  });
  expect(server.arrived).toHaveLength(2);
});

test.each([
  ['a wrong secret', 401, 'invalid_client'],
  ['a bad scope', 400, 'invalid_scope'],
])('%s stops the flow and shows only its code', async (_name, status, error) => {
  const { campaign, server } = await campaignOf(
    () => created,
    {},
    () => ({ status, body: { error, error_description: 'client_secret top-secret is wrong' } }),
  );
  const thrown = await errorOf(campaign.create(resource, payload));
  expect(thrown).toMatchObject({ code: 'CAMPAIGN_CREDENTIALS', evidence: { vendorCode: error, status } });
  expect(inspect(thrown, { depth: 20, showHidden: true })).not.toContain('top-secret');
  expect(server.arrived).toEqual([]);
});

test.each([
  ['a throttle', { status: 429, headers: { 'Retry-After': '3' } }, [3_000]],
  ['an outage', { status: 503 }, [375]],
  ['a reset', { break: 'reset' as const }, [375]],
  ['an answer that is no token', { body: '<html>' }, [375]],
])('%s of IMS is absorbed', async (_name, fault, waits) => {
  const { campaign, clock } = await campaignOf(
    () => created,
    {},
    (count) => (count === 1 ? fault : { body: { access_token: 't', expires_in: 1000 } }),
  );
  expect(await campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
  expect(clock.waits).toEqual(waits);
});

test('an IMS that stays away is an outage, not a wrong secret', async () => {
  const { campaign } = await campaignOf(
    () => created,
    {},
    () => ({ status: 500 }),
  );
  expect(await errorOf(campaign.create(resource, payload))).toMatchObject({
    code: 'CAMPAIGN_UNREACHABLE',
    evidence: { subject: 'Adobe IMS', status: 500 },
  });
});
