import { describe, expect, test } from 'vitest';
import { scriptedServer } from '../support/http-server.js';
import { dynamicsOf, errorOf, refusal, table } from './scripted-dynamics.js';

const ID = '0a1b0000-0000-4000-8000-000000000001';
const read = { table, select: ['firstname'], pageSize: 1000 };
const row = { contactid: ID, firstname: 'Ada', versionnumber: 7 };
const deltaLink = '/api/data/v9.2/contacts?$deltatoken=7';

describe('a tracked read', () => {
  test('asks as documented, and tells rows, tombstones and links', async () => {
    const { dynamics, server } = await dynamicsOf(({ headers }) => ({
      headers: { Date: 'Tue, 24 Nov 2026 10:00:00 GMT' },
      body: `{"@odata.context":"c","@odata.deltaLink":"http://${headers.host}/api/data/v9.2/contacts?$deltatoken=919042%2108%2f22%2f2026","value":[
        {"@odata.etag":"W/\\"9\\"","contactid":"${ID.toUpperCase()}","firstname":"Ada","annualincome":20000.0000,"versionnumber":90071992547409931},
        {"@odata.context":"c/$deletedEntity","id":"${ID.toUpperCase()}","reason":"deleted"}]}`,
    }));
    const page = await dynamics.readTracked(read);
    expect(server.arrived[0]?.headers.prefer).toBe('odata.track-changes,odata.maxpagesize=1000');
    expect(server.arrived[0]?.url).toBe('/api/data/v9.2/contacts?$select=contactid,versionnumber,firstname');
    expect(page.changes).toMatchObject([
      { kind: 'row', id: ID, version: '90071992547409931', row: { firstname: 'Ada', annualincome: 20000 } },
      { kind: 'gone', id: ID },
    ]);
    expect(page.serverTime).toBe('2026-11-24T10:00:00.000Z');
    await dynamics.readTracked({ ...read, link: page.deltaLink ?? '' });
    expect(server.arrived[1]?.url, 'verbatim').toBe(
      '/api/data/v9.2/contacts?$deltatoken=919042%2108%2f22%2f2026',
    );
  });

  test('selects each column once', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({
      body: { value: [], '@odata.deltaLink': deltaLink },
    }));
    await dynamics.readTracked({ ...read, select: ['versionnumber', 'firstname', 'contactid'] });
    expect(server.arrived[0]?.url).toContain('$select=contactid,versionnumber,firstname');
  });

  test('takes a row with a column named reason for a row', async () => {
    const value = [{ ...row, reason: 'deleted' }];
    const { dynamics } = await dynamicsOf(() => ({ body: { value, '@odata.deltaLink': deltaLink } }));
    expect((await dynamics.readTracked(read)).changes).toMatchObject([{ kind: 'row' }]);
  });

  test.each([
    ['an expired token', refusal(400, '0x80044352'), 'DYNAMICS_TOKEN_EXPIRED'],
    ['an expired token with an unexpected status', refusal(500, '0x80044352'), 'DYNAMICS_TOKEN_EXPIRED'],
    ['a token that is gone', { status: 410, body: '' }, 'DYNAMICS_TOKEN_EXPIRED'],
    ['a malformed token', refusal(400, ''), 'DYNAMICS_TOKEN_EXPIRED'],
    ['a link that leads nowhere', { status: 404 }, 'DYNAMICS_TOKEN_EXPIRED'],
    ['a link that leads away', { status: 302, headers: { Location: '/sign-in' } }, 'DYNAMICS_UNREACHABLE'],
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
    ['a token that is refused twice', { status: 401 }, 'DYNAMICS_CREDENTIALS'],
  ])('of a link tells %s', async (_name, answer, code) => {
    const { dynamics, server } = await dynamicsOf(() => answer);
    const error = await errorOf(dynamics.readTracked({ ...read, link: server.url + deltaLink }));
    expect(error.code).toBe(code);
    expect(error.message).toContain('contact');
  });

  test('without a link tells a column that does not exist, and never an expired token', async () => {
    const message = "Could not find a property named 'shoesize' on type 'Microsoft.Dynamics.CRM.contact'.";
    const { dynamics } = await dynamicsOf(() => refusal(400, '0x80060888', message));
    const error = await errorOf(dynamics.readTracked(read));
    expect(error.code).toBe('DYNAMICS_REQUEST_REFUSED');
    expect(error.message).toContain('shoesize');
  });

  test('that leaves no way to go on was no tracked read', async () => {
    const { dynamics } = await dynamicsOf(() => ({ body: { value: [row] } }));
    expect((await errorOf(dynamics.readTracked(read))).code).toBe('DYNAMICS_TRACKING_OFF');
    const link = { ...read, link: deltaLink };
    expect((await errorOf(dynamics.readTracked(link))).code).toBe('DYNAMICS_UNREACHABLE');
  });

  test.each([
    ['no list', { '@odata.deltaLink': deltaLink }],
    ['a row without an id', { value: [{ versionnumber: 1 }], '@odata.deltaLink': deltaLink }],
    ['a row without a version', { value: [{ contactid: ID }], '@odata.deltaLink': deltaLink }],
    ['a row that is none', { value: [null], '@odata.deltaLink': deltaLink }],
  ])('never takes for a page what has %s', async (_name, body) => {
    const { dynamics } = await dynamicsOf(() => ({ body }));
    expect((await errorOf(dynamics.readTracked(read))).code).toBe('DYNAMICS_UNREACHABLE');
  });

  test('never follows a link to another origin', async () => {
    const { dynamics } = await dynamicsOf(() => ({ body: { value: [] } }));
    const elsewhere = await scriptedServer(() => ({ body: { value: [] } }));
    const link = `${elsewhere.url}/api/data/v9.2/contacts`;
    const error = await errorOf(dynamics.readTracked({ ...read, link }));
    expect(error).toMatchObject({ code: 'DYNAMICS_REQUEST_REFUSED', class: 'stop' });
    expect(elsewhere.arrived).toEqual([]);
  });

  test('whose next link repeats itself ends instead of looping', async () => {
    const { dynamics, server } = await dynamicsOf(({ url, headers }) => ({
      body: { value: [], '@odata.nextLink': `http://${headers.host}${url}` },
    }));
    const link = `${server.url}/api/data/v9.2/contacts?$skiptoken=1`;
    expect((await errorOf(dynamics.readTracked({ ...read, link }))).code).toBe('DYNAMICS_TOKEN_EXPIRED');
    expect(server.arrived).toHaveLength(1);
  });
});

test('the overlap asks for what was modified since, untracked and page by page', async () => {
  const nextLink = '/api/data/v9.2/contacts?$skiptoken=2';
  const { dynamics, server } = await dynamicsOf((_request, count) => ({
    body: { value: [row], ...(count === 1 && { '@odata.nextLink': nextLink }) },
  }));
  const since = '2026-11-24T09:45:00.000Z';
  expect(await dynamics.readModifiedSince({ ...read, since })).toMatchObject({
    changes: [{ kind: 'row', id: ID, version: '7' }],
    nextLink,
  });
  expect(server.arrived[0]?.headers.prefer).toBe('odata.maxpagesize=1000');
  expect(decodeURIComponent(server.arrived[0]?.url ?? '')).toBe(
    `/api/data/v9.2/contacts?$select=contactid,versionnumber,firstname&$filter=modifiedon ge ${since}`,
  );
  expect(await dynamics.readModifiedSince({ ...read, since, link: nextLink })).not.toHaveProperty('nextLink');
});

test('the sweep asks for keys only', async () => {
  const { dynamics, server } = await dynamicsOf(() => ({
    body: { value: [{ contactid: ID.toUpperCase() }] },
  }));
  expect(await dynamics.readKeys({ table, pageSize: 5000 })).toEqual({ ids: [ID] });
  expect(server.arrived[0]?.url).toBe('/api/data/v9.2/contacts?$select=contactid');
  expect(server.arrived[0]?.headers.prefer).toBe('odata.maxpagesize=5000');
});

describe('rows by id', () => {
  const idOf = (index: number): string => `0a1b0000-0000-4000-8000-${String(index).padStart(12, '0')}`;

  test('are asked for by one filter; what is absent does not come back', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ body: { value: [row] } }));
    const ids = [ID, idOf(2)];
    expect(await dynamics.readByIds({ ...read, ids })).toMatchObject([{ kind: 'row', id: ID }]);
    expect(decodeURIComponent(server.arrived[0]?.url ?? '')).toContain(
      `$filter=Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=["${ID}","${idOf(2)}"])`,
    );
  });

  test('that are no ids are not asked for', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ body: { value: [] } }));
    expect(await dynamics.readByIds({ ...read, ids: [`${ID}"]) or true`, ''] })).toEqual([]);
    expect(server.arrived).toEqual([]);
  });

  const batchAnswer = (status: string, body: object, closing = '--batchresponse_1--\r\n') => ({
    headers: { 'Content-Type': 'multipart/mixed; boundary=batchresponse_1' },
    body:
      '--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n' +
      `HTTP/1.1 ${status}\r\nContent-Type: application/json; odata.metadata=minimal\r\nOData-Version: 4.0\r\n\r\n` +
      `${JSON.stringify(body)}\r\n${closing}`,
  });
  const hundred = { ...read, ids: Array.from({ length: 100 }, (_, index) => idOf(index)) };

  test('that make the address too long are asked for in one batch', async () => {
    const { dynamics, server } = await dynamicsOf(() => batchAnswer('200 OK', { value: [row] }));
    expect(await dynamics.readByIds(hundred)).toMatchObject([{ kind: 'row', id: ID }]);
    expect(server.arrived).toHaveLength(1);
    const [{ method, url, headers, body } = { method: '', url: '', headers: {}, body: '' }] = server.arrived;
    expect(`${method} ${url}`).toBe('POST /api/data/v9.2/$batch');
    const boundary =
      /^multipart\/mixed; boundary="([^"]+)"$/.exec(String(headers['content-type']))?.[1] ?? '-';
    const lines = body.split('\r\n');
    expect(lines.slice(0, 4)).toEqual([
      `--${boundary}`,
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
    ]);
    expect(lines[4]).toMatch(/^GET \/api\/data\/v9\.2\/contacts\?\$select=\S+ HTTP\/1\.1$/);
    for (const id of hundred.ids) expect(lines[4]).toContain(id);
    expect(lines.slice(-2)).toEqual([`--${boundary}--`, '']);
  });

  test('in a batch whose closing delimiter is a bare one are read as well', async () => {
    const { dynamics } = await dynamicsOf(() =>
      batchAnswer('200 OK', { value: [row] }, '--batchresponse_1\r\n'),
    );
    expect(await dynamics.readByIds(hundred)).toHaveLength(1);
  });

  test('that a batch refuses are refused with the reason of its part', async () => {
    const error = { code: '0x80040220', message: 'is missing prvReadContact privilege' };
    const { dynamics } = await dynamicsOf(() => batchAnswer('403 Forbidden', { error }));
    expect(await errorOf(dynamics.readByIds(hundred))).toMatchObject({
      code: 'DYNAMICS_PRIVILEGE_MISSING',
      evidence: { vendorCode: '0x80040220', subject: 'contact: prvReadContact' },
    });
  });

  test('in a batch that broke off, or whose part did, are asked for again', async () => {
    const whole = batchAnswer('200 OK', { value: [row] });
    const { dynamics, server } = await dynamicsOf((_request, count) =>
      count === 1
        ? { ...whole, body: whole.body.slice(0, 150) }
        : count === 2
          ? batchAnswer('503 Service Unavailable', {})
          : whole,
    );
    expect(await dynamics.readByIds(hundred)).toHaveLength(1);
    expect(server.arrived).toHaveLength(3);
  });
});

describe('the number of changes behind a delta link', () => {
  test('is asked for with the very token', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ body: '\ufeff42' }));
    const link = `${server.url}/api/data/v9.2/contacts?$select=x&$deltatoken=9%21a`;
    expect(await dynamics.countChanges({ table, deltaLink: link })).toBe(42);
    expect(server.arrived[0]?.url).toBe('/api/data/v9.2/contacts/$count?$deltatoken=9%21a');
  });
  test.each([
    ['refuses', refusal(400, '0x80060888')],
    ['answers no number', { body: 'many' }],
  ])('is unknown when the server %s', async (_name, answer) => {
    const { dynamics } = await dynamicsOf(() => answer);
    expect(await dynamics.countChanges({ table, deltaLink })).toBeUndefined();
  });
  test('is unknown when the link holds no token', async () => {
    const { dynamics, server } = await dynamicsOf(() => ({ body: '1' }));
    expect(await dynamics.countChanges({ table, deltaLink: '/api/data/v9.2/contacts' })).toBeUndefined();
    expect(server.arrived).toEqual([]);
  });
});
