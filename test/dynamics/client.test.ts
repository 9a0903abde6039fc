import { describe, expect, test } from 'vitest';
import { createDynamics, type TableMetadata } from '../../src/dynamics/client.js';
import { SyncError } from '../../src/errors.js';
import { createBudget } from '../../src/http/budget.js';
import { jumpingClock, scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

const table: TableMetadata = {
  logicalName: 'contact',
  entitySetName: 'contacts',
  primaryId: 'contactid',
  changeTracking: true,
  columns: {},
};
const ID = '0a1b0000-0000-4000-8000-000000000001';

async function dynamicsOf(
  answer: (request: Arrived, count: number) => Scripted,
  identityAnswer?: () => Scripted,
) {
  let tokens = 0;
  const identity = await scriptedServer(
    identityAnswer ??
      (() => {
        tokens += 1;
        return {
          body: {
            token_type: 'Bearer',
            expires_in: 3599,
            ext_expires_in: 3599,
            access_token: `token-${tokens}`,
          },
        };
      }),
  );
  const server = await scriptedServer(answer);
  const clock = jumpingClock();
  const dynamics = createDynamics({
    url: server.url,
    tenantId: 't1',
    clientId: 'client',
    clientSecret: 'secret',
    tokenEndpoint: `${identity.url}/t1/oauth2/v2.0/token`,
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 2_000,
    maxResponseBytes: 1_000_000,
    patienceMs: 60_000,
    clock,
  });
  return { dynamics, server, identity, clock };
}
const refusal = (status: number, code: string, message = 'x'): Scripted => ({
  status,
  body: { error: { code, message } },
});
const errorOf = (promise: Promise<unknown>): Promise<SyncError> =>
  promise.then(
    () => new SyncError('INTERNAL', { subject: 'it did not throw' }),
    (error: unknown) => (error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error })),
  );
const read = { table, select: ['firstname'], pageSize: 1000 };

describe('a tracked read', () => {
  test('asks as documented, and tells rows, tombstones and links', async () => {
    const { dynamics, server } = await dynamicsOf(({ headers }) => ({
      headers: { Date: 'Tue, 24 Nov 2026 10:00:00 GMT' },
      body: `{"@odata.context":"c","@odata.deltaLink":"http://${headers.host}/api/data/v9.2/contacts?$deltatoken=919042%2108%2f22%2f2026","value":[
        {"@odata.etag":"W/\\"9\\"","contactid":"${ID.toUpperCase()}","firstname":"Ada","versionnumber":90071992547409931},
        {"@odata.context":"c/$deletedEntity","id":"${ID}","reason":"deleted"}]}`,
    }));
    const page = await dynamics.readTracked(read);
    expect(server.arrived[0]?.headers.prefer).toBe('odata.track-changes,odata.maxpagesize=1000');
    expect(server.arrived[0]?.url).toBe('/api/data/v9.2/contacts?$select=contactid,versionnumber,firstname');
    expect(page.changes).toMatchObject([
      { kind: 'row', id: ID, version: '90071992547409931' },
      { kind: 'gone', id: ID },
    ]);
    expect(page.serverTime).toBe('2026-11-24T10:00:00.000Z');
    await dynamics.readTracked({ ...read, link: page.deltaLink ?? '' });
    expect(server.arrived[1]?.url, 'verbatim').toBe(
      '/api/data/v9.2/contacts?$deltatoken=919042%2108%2f22%2f2026',
    );
  });

  test.each([
    ['an expired token', refusal(400, '0x80044352'), 'DYNAMICS_TOKEN_EXPIRED'],
    ['a token that is gone', { status: 410, body: '' }, 'DYNAMICS_TOKEN_EXPIRED'],
    ['a malformed token', refusal(400, ''), 'DYNAMICS_TOKEN_EXPIRED'],
    [
      'a missing privilege',
      refusal(
        403,
        '0x80040220',
        'Principal user is missing prvReadContact privilege. Required Depth: Global',
      ),
      'DYNAMICS_PRIVILEGE_MISSING',
    ],
    ['a caller who is no member', refusal(403, '0x80072560'), 'DYNAMICS_NOT_A_MEMBER'],
    ['tracking that is off', refusal(400, '0x80072491'), 'DYNAMICS_TRACKING_OFF'],
  ])('of a link tells %s', async (_name, answer, code) => {
    const { dynamics, server } = await dynamicsOf(() => answer);
    const error = await errorOf(
      dynamics.readTracked({ ...read, link: `${server.url}/api/data/v9.2/contacts?$deltatoken=1` }),
    );
    expect(error.code).toBe(code);
    expect(error.message).toContain('contact');
  });

  test('without a link tells a column that does not exist', async () => {
    const { dynamics } = await dynamicsOf(() =>
      refusal(
        400,
        '0x80060888',
        "Could not find a property named 'shoesize' on type 'Microsoft.Dynamics.CRM.contact'.",
      ),
    );
    const error = await errorOf(dynamics.readTracked(read));
    expect(error.code).toBe('DYNAMICS_REQUEST_REFUSED');
    expect(error.message).toContain('shoesize');
  });

  test('never follows a link to another origin', async () => {
    const { dynamics } = await dynamicsOf(() => ({ body: { value: [] } }));
    const elsewhere = await scriptedServer(() => ({ body: { value: [] } }));
    await errorOf(dynamics.readTracked({ ...read, link: `${elsewhere.url}/api/data/v9.2/contacts` }));
    expect(elsewhere.arrived).toEqual([]);
  });

  test('whose next link repeats itself ends instead of looping', async () => {
    const { dynamics, server } = await dynamicsOf(({ url, headers }) => ({
      body: { value: [], '@odata.nextLink': `http://${headers.host}${url}` },
    }));
    const link = `${server.url}/api/data/v9.2/contacts?$skiptoken=1`;
    expect((await errorOf(dynamics.readTracked({ ...read, link }))).code).toBe('DYNAMICS_TOKEN_EXPIRED');
  });
});

describe('a transient fault', () => {
  test.each([
    [
      '429 with seconds',
      { status: 429, headers: { 'Retry-After': '7' }, body: { error: { code: '0x80072322', message: 'x' } } },
      [7_000],
    ],
    [
      '429 with a date',
      { status: 429, headers: { 'Retry-After': 'Tue, 24 Nov 2026 00:00:09 GMT' }, body: {} },
      [9_000],
    ],
    ['503', { status: 503, body: '' }, [375]],
    ['a reset', { break: 'reset' as const }, [375]],
    ['a truncated body', { body: { value: [], more: 'x'.repeat(100) }, break: 'truncate' as const }, [375]],
  ])('%s is absorbed', async (_name, fault, waits) => {
    const { dynamics, clock } = await dynamicsOf((_request, count) =>
      count === 1 ? fault : { body: { OrganizationId: 'o', UserId: 'u' } },
    );
    expect(await dynamics.whoAmI()).toEqual({ organizationId: 'o', userId: 'u' });
    expect(clock.waits).toEqual(waits);
  });

  test('that lasts longer than patience is thrown with its time', async () => {
    const { dynamics } = await dynamicsOf(() => ({
      status: 429,
      headers: { 'Retry-After': '300' },
      body: {},
    }));
    const error = await errorOf(dynamics.whoAmI());
    expect(error).toMatchObject({ code: 'DYNAMICS_THROTTLED', evidence: { retryAfterMs: 300_000 } });
  });
});

test('renews the token once on 401', async () => {
  const { dynamics, server } = await dynamicsOf((_request, count) =>
    count === 1 ? { status: 401 } : { body: { OrganizationId: 'o', UserId: 'u' } },
  );
  await dynamics.whoAmI();
  expect(server.arrived.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer token-1',
    'Bearer token-2',
  ]);
});

test.each([
  ['a wrong secret', 401, 'AADSTS7000215', 'invalid_client'],
  ['a wrong tenant', 400, 'AADSTS90002', 'invalid_request'],
])('%s stops with the code of Entra ID', async (_name, status, code, error) => {
  const { dynamics } = await dynamicsOf(
    () => ({ body: {} }),
    () => ({
      status,
      body: {
        error,
        error_description: `${code}: Invalid.`,
        error_codes: [Number(code.slice(6))],
        trace_id: 't',
        correlation_id: 'c',
        timestamp: 'now',
      },
    }),
  );
  expect(await errorOf(dynamics.whoAmI())).toMatchObject({
    code: 'DYNAMICS_CREDENTIALS',
    evidence: { vendorCode: code },
  });
});

test('an answer beyond the size limit is not taken', async () => {
  const { dynamics } = await dynamicsOf(() => ({ body: 'x'.repeat(1_100_000) }));
  expect((await errorOf(dynamics.whoAmI())).code).toBe('DYNAMICS_UNREACHABLE');
});

test('counts the changes behind a delta link', async () => {
  const { dynamics, server } = await dynamicsOf(() => ({ body: '\ufeff42' }));
  const deltaLink = `${server.url}/api/data/v9.2/contacts?$select=x&$deltatoken=9%21a`;
  expect(await dynamics.countChanges({ table, deltaLink })).toBe(42);
  expect(server.arrived[0]?.url).toBe('/api/data/v9.2/contacts/$count?$deltatoken=9%21a');
});
