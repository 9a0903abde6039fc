import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { dynamicsOf, errorOf, refusal, table, whoAmI } from './scripted-dynamics.js';

test('asks who it is, with the documented headers', async () => {
  const { dynamics, server } = await dynamicsOf(() => whoAmI);
  expect(await dynamics.whoAmI()).toEqual({ organizationId: 'o', userId: 'u' });
  expect(server.arrived[0]).toMatchObject({
    method: 'GET',
    url: '/api/data/v9.2/WhoAmI',
    headers: {
      authorization: 'Bearer token-1',
      accept: 'application/json',
      'odata-version': '4.0',
      'odata-maxversion': '4.0',
      'if-none-match': 'null',
    },
  });
});

test('never makes up an organisation', async () => {
  const { dynamics } = await dynamicsOf(() => ({ body: {} }));
  expect((await errorOf(dynamics.whoAmI())).code).toBe('DYNAMICS_UNREACHABLE');
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
    ['503 with seconds', { status: 503, headers: { 'Retry-After': '20' } }, [20_000]],
    ['408', { status: 408 }, [375]],
    ['a timeout of the database', refusal(500, '0x80044151', 'SQL timeout expired.'), [375]],
    ['a reset', { break: 'reset' as const }, [375]],
    ['a truncated body', { body: { value: [], more: 'x'.repeat(100) }, break: 'truncate' as const }, [375]],
    ['a page that is no JSON', { body: '<html>Sign in</html>' }, [375]],
    ['silence', { break: 'silence' as const }, [375]],
  ])('is absorbed: %s', async (_name, fault, waits) => {
    const { dynamics, clock } = await dynamicsOf((_request, count) => (count === 1 ? fault : whoAmI), {
      timeLimitMs: 200,
    });
    expect(await dynamics.whoAmI()).toEqual({ organizationId: 'o', userId: 'u' });
    expect(clock.waits).toEqual(waits);
  });

  test('that lasts longer than patience is thrown with its time, and holds back other calls', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ status: 429, headers: { 'Retry-After': '300' } }));
    const throttled = { code: 'DYNAMICS_THROTTLED', evidence: { retryAfterMs: 300_000 } };
    expect(await errorOf(dynamics.whoAmI())).toMatchObject(throttled);
    expect(await errorOf(dynamics.table('contact'))).toMatchObject(throttled);
    expect(server.arrived).toHaveLength(1);
  });

  test('that does not pass is told after five tries', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ status: 502 }));
    expect(await errorOf(dynamics.whoAmI())).toMatchObject({
      code: 'DYNAMICS_UNREACHABLE',
      evidence: { status: 502 },
    });
    expect(server.arrived).toHaveLength(5);
  });

  test('that no connection can be made is told as such', async () => {
    const { dynamics, clock } = await dynamicsOf(() => whoAmI, { url: 'http://127.0.0.1:1' });
    expect(await errorOf(dynamics.whoAmI())).toMatchObject({
      code: 'DYNAMICS_UNREACHABLE',
      evidence: { vendorCode: 'ECONNREFUSED' },
    });
    expect(clock.waits).toHaveLength(4);
  });
});

test('an answer beyond the size limit is not taken, nor loaded again', async () => {
  const { dynamics, server } = await dynamicsOf(() => ({ body: 'x'.repeat(1_100_000) }));
  expect((await errorOf(dynamics.whoAmI())).code).toBe('DYNAMICS_UNREACHABLE');
  expect(server.arrived).toHaveLength(1);
});

test.each([
  ['a caller who is no member', refusal(403, '0x80072560'), 'DYNAMICS_NOT_A_MEMBER'],
  [
    'a missing privilege',
    refusal(403, '0x80040220', 'is missing prvReadContact privilege'),
    'DYNAMICS_PRIVILEGE_MISSING',
  ],
  [
    'a missing privilege told in words only',
    refusal(400, '', 'missing prvReadContact'),
    'DYNAMICS_PRIVILEGE_MISSING',
  ],
  ['a refusal without a reason', { status: 403 }, 'DYNAMICS_PRIVILEGE_MISSING'],
  ['a request that is refused', refusal(400, '0x80060888'), 'DYNAMICS_REQUEST_REFUSED'],
])('%s is told at once', async (_name, answer, code) => {
  const { dynamics, server } = await dynamicsOf(() => answer);
  expect((await errorOf(dynamics.whoAmI())).code).toBe(code);
  expect(server.arrived).toHaveLength(1);
});

test('a redirect is not followed', async () => {
  const { dynamics, server } = await dynamicsOf(() => ({ status: 302, headers: { Location: '/elsewhere' } }));
  expect((await errorOf(dynamics.whoAmI())).code).toBe('DYNAMICS_UNREACHABLE');
  expect(server.arrived).toHaveLength(1);
});

test("an error names the vendor's code and request, the column, and no value", async () => {
  const { dynamics } = await dynamicsOf(() => ({
    ...refusal(
      400,
      '0x80060888',
      "Could not find a property named 'shoesize' on type 'Microsoft.Dynamics.CRM.contact'. Value: Ada",
    ),
    headers: { 'x-ms-service-request-id': 'r-1' },
  }));
  const error = await errorOf(dynamics.readTracked({ table, select: ['shoesize'], pageSize: 10 }));
  expect(error.evidence).toEqual({
    system: 'dynamics',
    status: 400,
    vendorCode: '0x80060888',
    requestId: 'r-1',
    subject: 'contact: shoesize',
  });
  expect(inspect(error, { depth: 20, showHidden: true })).not.toMatch(/Ada|token-1|top-secret/);
});

test('a call that its caller ends is not repeated', async () => {
  const slice = new AbortController();
  const { dynamics, server } = await dynamicsOf(() => {
    slice.abort(new Error('the slice ends'));
    return { status: 503 };
  });
  await expect(dynamics.whoAmI({ signal: slice.signal })).rejects.toThrow('the slice ends');
  expect(server.arrived).toHaveLength(1);
});
