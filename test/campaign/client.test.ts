import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { SyncError } from '../../src/errors.js';
import {
  ABSENT,
  address,
  byFilter,
  campaignOf,
  errorOf,
  GENERIC,
  oops,
  payload,
  resource,
} from './scripted-campaign.js';

const created = { status: 201, body: { PKey: '@a', ...payload } };

describe('a create', () => {
  test('sends the documented request and is accepted on 201', async () => {
    const { campaign, server } = await campaignOf(() => created);
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived[0]).toMatchObject({
      method: 'POST',
      url: '/acme/campaign/profileAndServicesExt/profile',
      headers: {
        authorization: 'Bearer token-1',
        'x-api-key': 'client',
        'cache-control': 'no-cache',
        'content-type': 'application/json;charset=utf-8',
      },
    });
    expect(JSON.parse(server.arrived[0]?.body ?? '')).toEqual(payload);
  });

  test.each([
    ['a reset', { break: 'reset' as const }],
    ['a truncated answer', { status: 201, body: { PKey: '@a' }, break: 'truncate' as const }],
    ['a success that is no record', { status: 201, body: '<html>Welcome</html>' }],
    ['an unknown 500', { status: 500, body: 'Something went wrong' }],
    ['the generic 500', { status: 500, body: GENERIC }],
    [
      'a passing fault of the database',
      { status: 500, body: `${GENERIC}PGS-220000 PostgreSQL error: deadlock detected` },
    ],
    ['a 503', { status: 503, body: '' }],
    ["the gateway's 502", oops(502)],
    ["the gateway's 500, which may be a stumble", oops(500)],
    ["the gateway's 400", oops(400)],
    ['a redirect', { status: 302, headers: { Location: '/elsewhere' } }],
    ['silence beyond its time limit', { break: 'silence' as const }],
  ])('after %s is unknown and is not repeated', async (_name, scripted) => {
    const { campaign, server } = await campaignOf(() => scripted, { timeLimitMs: 200 });
    expect(await campaign.create(resource, payload)).toMatchObject({
      kind: 'unknown',
      error: { code: 'CAMPAIGN_ANSWER_UNKNOWN' },
    });
    expect(server.arrived).toHaveLength(1);
  });

  test('is repeated after a 429, exactly when Retry-After says', async () => {
    const { campaign, server, clock } = await campaignOf((_request, count) =>
      count === 1 ? { status: 429, headers: { 'Retry-After': '7' }, body: {} } : created,
    );
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived).toHaveLength(2);
    expect(clock.waits).toEqual([7_000]);
  });

  test('that is throttled beyond patience is thrown with the time to come back, and so is the next', async () => {
    const { campaign, server } = await campaignOf(() => ({ status: 429, headers: { 'Retry-After': '600' } }));
    const throttled = { code: 'CAMPAIGN_THROTTLED', evidence: { retryAfterMs: 600_000 } };
    expect(await errorOf(campaign.create(resource, payload))).toMatchObject(throttled);
    expect(await errorOf(campaign.update(resource, address, payload))).toMatchObject(throttled);
    expect(server.arrived).toHaveLength(1);
  });

  test('is tried again while no connection can be made, since nothing was sent', async () => {
    const { campaign, clock } = await campaignOf(() => created, { url: 'http://127.0.0.1:1/acme/campaign' });
    expect(await errorOf(campaign.create(resource, payload))).toMatchObject({
      code: 'CAMPAIGN_UNREACHABLE',
      evidence: { vendorCode: 'ECONNREFUSED' },
    });
    expect(clock.waits).toHaveLength(4);
  });

  test.each([
    [
      'bad enumeration',
      `${GENERIC}The value 'x' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field`,
      { code: 'CHOICE_UNKNOWN', field: 'gender' },
    ],
    [
      'unknown field',
      "'cusShoe' property is not valid for the 'profile' resource.",
      { code: 'FIELD_UNKNOWN', field: 'cusShoe' },
    ],
    [
      'unknown nested field',
      "'zipCode' property is not valid for the 'profile' resource.",
      { code: 'FIELD_UNKNOWN', field: 'location.zipCode' },
    ],
    [
      'read-only field',
      "Cannot update the 'age' property that is read-only",
      { code: 'FIELD_UNKNOWN', field: 'age' },
    ],
    [
      'a text that is too long',
      `${GENERIC}The value of the 'firstName' property exceeds the maximum length of 30 characters.`,
      { code: 'TEXT_TOO_LONG', field: 'firstName' },
    ],
    [
      'a text that is too long for the database',
      `${GENERIC}PGS-220000 PostgreSQL error: ERROR: value too long for type character varying(30)`,
      { code: 'TEXT_TOO_LONG' },
    ],
    [
      'a missing mandatory field',
      `${GENERIC}The 'cusShoe' field is mandatory`,
      { code: 'CAMPAIGN_REFUSED', field: 'cusShoe' },
    ],
    [
      'a PKey that is not valid',
      "'O5iR' attribute unknown (see definition of 'Profiles (nms:recipient)' schema).\nXTK-170036 Unable to parse expression '@id = @O5iR'.",
      { code: 'CAMPAIGN_REFUSED', vendorCode: 'XTK-170036' },
    ],
    ['no JSON', "'@x' is not a valid constant", { code: 'CAMPAIGN_REFUSED' }],
  ])('refused for %s says so', async (_name, body, expected) => {
    const { campaign } = await campaignOf(() => ({ status: 500, body }));
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'refused', ...expected });
  });

  test('of a key that exists is a duplicate, whatever the key is', async () => {
    const body =
      "A 'Profiles' with the same key 'a\nb' already exists. PGS-220000 PostgreSQL error: ERROR: duplicate key value violates unique constraint \"x\" DETAIL: Key (sname)=(B) already exists.";
    const { campaign } = await campaignOf(() => ({ status: 500, body }));
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'duplicate' });
  });

  test('never takes a value that the error quotes for a field', async () => {
    const body = `${GENERIC}The value 'Ada' property is not valid for the moment' is wrong`;
    const { campaign } = await campaignOf(() => ({ status: 500, body }));
    expect(await campaign.create(resource, payload)).toEqual({ kind: 'refused', code: 'FIELD_UNKNOWN' });
  });

  test('is not sent when the caller forbids the call', async () => {
    const { campaign, server } = await campaignOf(() => created);
    const beforeCall = (): never => {
      throw new SyncError('LEASE_LOST');
    };
    expect((await errorOf(campaign.create(resource, payload, { beforeCall }))).code).toBe('LEASE_LOST');
    expect(server.arrived).toEqual([]);
  });
});

describe('an update', () => {
  test('addresses the record by its encoded key and leaves the key out of the body', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: { PKey: '@a', href: 'x' } }));
    const key = `a?b#c%d'é🌸 +&=`;
    expect(await campaign.update(resource, { ...address, key }, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived[0]?.url).toBe(
      `/acme/campaign/profileAndServicesExt/profile/${encodeURIComponent(key)}`,
    );
    const { externalId: _key, ...rest } = payload;
    expect(JSON.parse(server.arrived[0]?.body ?? '')).toEqual(rest);
  });

  test("is absent only by Campaign's own words for an absent document, with their status", async () => {
    const { campaign } = await campaignOf(() => ({ status: 404, body: ABSENT }));
    expect(await campaign.update(resource, address, payload)).toEqual({ kind: 'absent' });
    const quoted = await campaignOf(() => ({ status: 500, body: ABSENT }));
    expect(await quoted.campaign.update(resource, address, payload)).toMatchObject({ kind: 'unknown' });
  });

  test.each([
    ['a malformed path', `${GENERIC}Error rc=-2003`],
    ['a page of a proxy', '<html>Not Found</html>'],
    ['the gateway', { error_code: '404000', message: 'no such service' }],
  ])('answered with 404 by %s is a fault of the request and never an absent record', async (_name, body) => {
    const { campaign } = await campaignOf(() => ({ status: 404, body }));
    expect((await errorOf(campaign.update(resource, address, payload))).code).toBe(
      'CAMPAIGN_RESOURCE_UNKNOWN',
    );
  });

  test.each([
    'a/b',
    'a\\b',
    '',
    '.',
    '..',
    '@a',
    'a\nb',
    'a.json',
    'metadata',
    '_count',
    'email',
    'byEmail',
    '\ud800',
  ])('whose key no URL can carry is refused without a call: %j', async (key) => {
    const { campaign, server } = await campaignOf(() => ({ body: {} }));
    const known = {
      ...resource,
      fields: { email: { path: 'email', type: 'string' as const, readOnly: false } },
      filters: { byEmail: { name: 'byEmail' } },
    };
    const expected = { kind: 'refused', code: 'CAMPAIGN_REFUSED', field: 'externalId' };
    expect(await campaign.update(known, { ...address, key }, payload)).toEqual(expected);
    expect(await campaign.remove(known, { ...address, key })).toEqual(expected);
    expect(await errorOf(campaign.find(known, { ...address, key }))).toMatchObject({
      code: 'CAMPAIGN_REFUSED',
      evidence: { field: 'externalId' },
    });
    expect(server.arrived).toEqual([]);
  });

  test('through a filter writes to the address of the record that has the very key', async () => {
    const { campaign, server } = await campaignOf(({ method, headers }) =>
      method === 'PATCH'
        ? { body: { PKey: '@b' } }
        : {
            body: {
              content: [
                { externalId: 'K-1', href: `http://${headers.host}/acme/campaign/x/@a` },
                { externalId: 'k-1', href: `http://${headers.host}/acme/campaign/x/@b%3D` },
                { externalId: 'k-10', href: `http://${headers.host}/acme/campaign/x/@c` },
              ],
            },
          },
    );
    expect(await campaign.update(resource, byFilter, payload)).toEqual({ kind: 'accepted' });
    expect(server.arrived.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'GET /acme/campaign/profileAndServicesExt/profile/byCrmId?externalId_parameter=k-1',
      'PATCH /acme/campaign/x/@b%3D',
    ]);
  });

  test('through a filter that finds two records with the key touches neither', async () => {
    const { campaign, server } = await campaignOf(() => ({
      body: { content: [{ externalId: 'k-1' }, { externalId: 'k-1' }] },
    }));
    expect(await campaign.update(resource, byFilter, payload)).toEqual({ kind: 'several' });
    expect(await campaign.remove(resource, byFilter)).toEqual({ kind: 'several' });
    expect(server.arrived.map(({ method }) => method)).toEqual(['GET', 'GET']);
  });

  test('never follows the address of a record to another origin', async () => {
    const { campaign, server } = await campaignOf(() => ({
      body: { content: [{ externalId: 'k-1', href: 'http://elsewhere.invalid/profile/@a' }] },
    }));
    expect((await errorOf(campaign.update(resource, byFilter, payload))).code).toBe('CAMPAIGN_TENANT_WRONG');
    expect(server.arrived).toHaveLength(1);
  });

  test('after a reset is unknown and is not repeated', async () => {
    const { campaign, server } = await campaignOf(() => ({ break: 'reset' }));
    expect(await campaign.update(resource, address, payload)).toMatchObject({ kind: 'unknown' });
    expect(server.arrived).toHaveLength(1);
  });
});

describe('a removal', () => {
  test.each([
    ['200', { status: 200, body: {} }],
    ['204', { status: 204 }],
  ])('is accepted on %s', async (_name, answer) => {
    const { campaign, server } = await campaignOf(() => answer);
    expect(await campaign.remove(resource, address)).toEqual({ kind: 'accepted' });
    expect(server.arrived[0]).toMatchObject({ method: 'DELETE', body: '' });
  });
  test('of an absent record says so', async () => {
    const { campaign } = await campaignOf(() => ({ status: 404, body: ABSENT }));
    expect(await campaign.remove(resource, address)).toEqual({ kind: 'absent' });
  });
});

describe('on v8', () => {
  test('a location that cannot be changed is refused by name, not left out in silence', async () => {
    const { campaign, server } = await campaignOf(
      () => ({ status: 500, body: "'zipCode' property is not valid for the 'profile' resource." }),
      { edition: 'v8' },
    );
    expect(await campaign.update(resource, address, payload)).toEqual({
      kind: 'refused',
      code: 'FIELD_UNKNOWN',
      field: 'location.zipCode',
    });
    expect(JSON.parse(server.arrived[0]?.body ?? '')).toHaveProperty('location');
  });
  test('an address that no longer holds is not an absent record, although it comes with 404', async () => {
    const { campaign } = await campaignOf(
      () => ({ status: 404, body: 'Unable to decrypt PKey. (PKey=@abc)' }),
      {
        edition: 'v8',
      },
    );
    expect(await campaign.update(resource, address, payload)).toEqual({
      kind: 'refused',
      code: 'CAMPAIGN_REFUSED',
    });
  });
  test('an update without a body in its answer is accepted', async () => {
    const { campaign } = await campaignOf(() => ({ status: 204 }), { edition: 'v8' });
    expect(await campaign.update(resource, address, {})).toEqual({ kind: 'accepted' });
  });
});

test.each([
  ['403023', 'CAMPAIGN_PROFILE_NOT_VALID'],
  ['403000', 'CAMPAIGN_CREDENTIALS'],
])("the gateway's %s stops the flow", async (error_code, code) => {
  const { campaign } = await campaignOf(() => ({
    status: 403,
    body: { error_code, message: 'Profile is not valid' },
  }));
  expect(await errorOf(campaign.create(resource, payload))).toMatchObject({ code, class: 'stop' });
});

test('no error shows a value, a token or a secret', async () => {
  const faults = [
    { break: 'reset' as const },
    { status: 500, body: `boom ${JSON.stringify(payload)}` },
    { status: 403, body: { error_code: 'Ada', message: 'Ada' } },
    { status: 404, body: 'Ada' },
    { status: 429, headers: { 'Retry-After': '600' }, body: 'Ada' },
  ];
  for (const fault of faults) {
    const { campaign } = await campaignOf(() => fault);
    const outcome = await campaign.create(resource, payload).catch((error: unknown) => error);
    expect(inspect(outcome, { depth: 20, showHidden: true })).not.toMatch(/Ada|Leeds|token-1|top-secret/);
  }
});
