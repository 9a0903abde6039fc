import { describe, expect, test } from 'vitest';
import { createCampaign, type Address, type ResourceMetadata } from '../../src/campaign/client.js';
import { SyncError } from '../../src/errors.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

const resource: ResourceMetadata = {
  name: 'profile',
  path: 'profileAndServicesExt/profile',
  fields: {},
  filters: {},
};
const address: Address = { keyField: 'externalId', key: 'k-1', by: { kind: 'url' } };
const payload = { externalId: 'k-1', firstName: 'Ada' };

async function campaignOf(answer: (request: Arrived, count: number) => Scripted, timeLimitMs = 2_000) {
  let tokens = 0;
  const identity = await scriptedServer(() => {
    tokens += 1;
    return { body: { access_token: `token-${tokens}`, token_type: 'bearer', expires_in: 86_399 } };
  });
  const server = await scriptedServer(answer);
  const clock = jumpingClock();
  const campaign = createCampaign({
    url: `${server.url}/acme/campaign`,
    edition: 'standard',
    clientId: 'client',
    clientSecret: 'secret',
    scopes: 'openid',
    tokenEndpoint: `${identity.url}/ims/token/v3`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs,
    maxResponseBytes: 100_000,
    patienceMs: 60_000,
    clock,
  });
  return { campaign, server, identity, clock };
}
const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof SyncError ? error.code : error),
  );

describe('a create', () => {
  test('sends the documented request and is accepted on 201', async () => {
    const { campaign, server } = await campaignOf(() => ({ status: 201, body: { PKey: '@a', ...payload } }));
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived[0]).toMatchObject({
      method: 'POST',
      url: '/acme/campaign/profileAndServicesExt/profile',
      headers: { authorization: 'Bearer token-1', 'x-api-key': 'client' },
    });
    expect(JSON.parse(server.arrived[0]?.body ?? '')).toEqual(payload);
  });

  test.each([
    ['a reset', { break: 'reset' as const }],
    ['a truncated answer', { status: 201, body: { PKey: '@a' }, break: 'truncate' as const }],
    ['an unknown 500', { status: 500, body: 'Something went wrong' }],
    [
      'a 502 of the gateway',
      {
        status: 502,
        body: { code: 502, message: 'Oops. Something went wrong. Check your URI and try again.' },
      },
    ],
    ['silence beyond its time limit', { break: 'silence' as const }],
  ])('after %s is unknown and is not repeated', async (_name, scripted) => {
    const { campaign, server } = await campaignOf(() => scripted, 200);
    expect(await campaign.create(resource, payload)).toMatchObject({ kind: 'unknown' });
    expect(server.arrived).toHaveLength(1);
  });

  test('is repeated after a 429, exactly when Retry-After says', async () => {
    const { campaign, server, clock } = await campaignOf((_request, count) =>
      count === 1
        ? { status: 429, headers: { 'Retry-After': '7' }, body: {} }
        : { status: 201, body: { PKey: '@a' } },
    );
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived).toHaveLength(2);
    expect(clock.waits).toEqual([7_000]);
  });

  test('that is throttled beyond patience is thrown with the time to come back', async () => {
    const { campaign } = await campaignOf(() => ({
      status: 429,
      headers: { 'Retry-After': '600' },
      body: {},
    }));
    await expect(campaign.create(resource, payload)).rejects.toMatchObject({
      code: 'CAMPAIGN_THROTTLED',
      evidence: { retryAfterMs: 600_000 },
    });
  });

  test.each([
    [
      'bad enumeration',
      500,
      "RST-360011 An error has occurred - please contact your administrator.\nThe value 'x' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field",
      { kind: 'refused', code: 'CHOICE_UNKNOWN', field: 'gender' },
    ],
    [
      'unknown field',
      500,
      "'cusShoe' property is not valid for the 'profile' resource.",
      { kind: 'refused', code: 'FIELD_UNKNOWN', field: 'cusShoe' },
    ],
    [
      'read-only field',
      500,
      "Cannot update the 'age' property that is read-only",
      { kind: 'refused', code: 'FIELD_UNKNOWN', field: 'age' },
    ],
    [
      'duplicate key',
      500,
      "A 'Profiles' with the same key 'B' already exists. PGS-220000 PostgreSQL error: ERROR: duplicate key value violates unique constraint \"x\" DETAIL: Key (sname)=(B) already exists.",
      { kind: 'duplicate' },
    ],
    ['no JSON', 500, "'@x' is not a valid constant", { kind: 'refused', code: 'CAMPAIGN_REFUSED' }],
  ])('refused for %s says so and names no value', async (_name, status, body, expected) => {
    const { campaign } = await campaignOf(() => ({ status, body }));
    expect(await campaign.create(resource, payload)).toEqual(expected);
  });

  test('renews the token once on 401, and then gives up with its code', async () => {
    const expired = { status: 401, body: { error_code: '401013', message: 'Oauth token is not valid' } };
    const once = await campaignOf((_request, count) =>
      count === 1 ? expired : { status: 201, body: { PKey: '@a' } },
    );
    expect(await once.campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
    expect(once.server.arrived.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
    const always = await campaignOf(() => expired);
    expect(await codeOf(always.campaign.create(resource, payload))).toBe('CAMPAIGN_CREDENTIALS');
    expect(always.server.arrived).toHaveLength(2);
  });

  test('is not sent when the caller forbids the call', async () => {
    const { campaign, server } = await campaignOf(() => ({ status: 201, body: {} }));
    const forbidden = new SyncError('LEASE_LOST');
    const beforeCall = (): never => {
      throw forbidden;
    };
    expect(await codeOf(campaign.create(resource, payload, { beforeCall }))).toBe('LEASE_LOST');
    expect(server.arrived).toEqual([]);
  });
});

describe('an update', () => {
  test('addresses the record by its encoded key and leaves the key out of the body', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: { PKey: '@a', href: 'x' } }));
    const odd = { ...address, key: `a?b#c%d'é🌸` };
    expect(await campaign.update(resource, odd, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived[0]?.url).toBe(
      `/acme/campaign/profileAndServicesExt/profile/${encodeURIComponent(odd.key)}`,
    );
    expect(JSON.parse(server.arrived[0]?.body ?? '')).toEqual({ firstName: 'Ada' });
  });
  test("is absent only by Campaign's own words for an absent document", async () => {
    const own =
      "RST-360011 An error has occurred - please contact your administrator.\nUnable to find document with path 'Profile' from key 'k-1'";
    const { campaign } = await campaignOf(() => ({ status: 404, body: own }));
    expect(await campaign.update(resource, address, payload)).toEqual({ kind: 'absent' });
    const other = await campaignOf(() => ({ status: 404, body: 'RST-360011 Error rc=-2003' }));
    expect(await codeOf(other.campaign.update(resource, address, payload))).toBe('CAMPAIGN_RESOURCE_UNKNOWN');
  });
  test('whose key no URL can carry is refused without a call', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: {} }));
    expect(await campaign.update(resource, { ...address, key: 'a/b' }, payload)).toMatchObject({
      kind: 'refused',
      field: 'externalId',
    });
    expect(server.arrived).toEqual([]);
  });
  test('through a filter that finds two records touches neither', async () => {
    const { campaign, server } = await campaignOf(() => ({
      body: { content: [{ externalId: 'k-1' }, { externalId: 'k-1' }] },
    }));
    const filtered: Address = { ...address, by: { kind: 'filter', name: 'byCrmId' } };
    expect(await campaign.update(resource, filtered, payload)).toEqual({ kind: 'several' });
    expect(server.arrived.map(({ method }) => method)).toEqual(['GET']);
  });
});

describe('a list', () => {
  test('asks for pagination always and follows next.href verbatim', async () => {
    const { campaign, server } = await campaignOf(({ url, headers }) =>
      url.includes('_lineStart')
        ? { body: { content: [{ externalId: '2' }] } }
        : {
            body: {
              content: [{ externalId: '1' }],
              next: {
                href: `http://${headers.host}/acme/campaign/profileAndServicesExt/profile?_lineStart=%40opaque%3D`,
              },
            },
          },
    );
    const first = await campaign.list(resource, { lineCount: 1 });
    expect(server.arrived[0]?.url).toContain('_forcePagination=true');
    const second = await campaign.list(resource, { lineCount: 1, link: first.nextLink ?? '' });
    expect(second).toEqual({ records: [{ externalId: '2' }] });
    expect(server.arrived[1]?.url).toContain('_lineStart=%40opaque%3D');
  });
  test('repeats a read that broke off', async () => {
    const page = { body: { content: [{ externalId: '1' }] } };
    const { campaign } = await campaignOf((_request, count) =>
      count === 1 ? { ...page, break: 'truncate' } : count === 2 ? { break: 'reset' } : page,
    );
    expect(await campaign.list(resource, { lineCount: 1 })).toEqual({ records: [{ externalId: '1' }] });
  });
  test('never takes its token to another origin', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: {} }));
    const elsewhere = await scriptedServer(() => ({ body: {} }));
    await codeOf(campaign.list(resource, { lineCount: 1, link: `${elsewhere.url}/acme/campaign/x` }));
    expect([...elsewhere.arrived, ...server.arrived]).toEqual([]);
  });
  test('follows no redirect', async () => {
    const elsewhere = await scriptedServer(() => ({ body: { content: [] } }));
    const { campaign } = await campaignOf(() => ({ status: 302, headers: { Location: elsewhere.url } }));
    expect(await codeOf(campaign.list(resource, { lineCount: 1 }))).toBe('CAMPAIGN_UNREACHABLE');
    expect(elsewhere.arrived).toEqual([]);
  });
});

test.each([
  [
    'the wrong secret',
    { status: 401, body: { error: 'invalid_client', error_description: 'x' } },
    'CAMPAIGN_CREDENTIALS',
  ],
  ['a bad scope', { status: 400, body: { error: 'invalid_scope' } }, 'CAMPAIGN_CREDENTIALS'],
])('%s stops with a code that says what to do', async (_name, answer, code) => {
  const identity = await scriptedServer(() => answer);
  const campaign = createCampaign({
    url: `${identity.url}/acme/campaign`,
    edition: 'standard',
    clientId: 'client',
    clientSecret: 'secret',
    scopes: 'openid',
    tokenEndpoint: `${identity.url}/ims/token/v3`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 1_000,
    maxResponseBytes: 1_000,
    patienceMs: 1_000,
    clock: jumpingClock(),
  });
  expect(await codeOf(campaign.create(resource, payload))).toBe(code);
});

test('an unreachable host is told as such, and nothing was written', async () => {
  const { campaign } = await campaignOf(() => ({ body: {} }));
  const identity = await scriptedServer(() => ({ body: { access_token: 't', expires_in: 1000 } }));
  const unreachable = createCampaign({
    url: 'http://127.0.0.1:9/acme/campaign',
    edition: 'standard',
    clientId: 'client',
    clientSecret: 'secret',
    scopes: 'openid',
    tokenEndpoint: identity.url,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 1_000,
    maxResponseBytes: 1_000,
    patienceMs: 60_000,
    clock: jumpingClock(),
  });
  expect(campaign).toBeDefined();
  expect(await codeOf(unreachable.create(resource, payload))).toBe('CAMPAIGN_UNREACHABLE');
});
