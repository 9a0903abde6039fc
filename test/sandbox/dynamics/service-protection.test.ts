import { beforeEach, describe, expect, it } from 'vitest';
import { codeOf, messageOf, useApi } from './support.js';

const api = useApi({ latencyMs: 100 });

beforeEach(async () => {
  await api.caller.succeed('POST', 'reset', { contacts: 0 });
  api.caller.forgetTokens();
});

const limits = (dynamics: object) => api.caller.succeed('PUT', 'limits', { dynamics });
const retryAfter = (headers: Headers) => Number(headers.get('retry-after'));

describe('service protection', () => {
  it('refuses requests beyond the number allowed in the window, and tells when to come again', async () => {
    await limits({ requests: 3 });
    for (let call = 0; call < 3; call++) expect((await api.get('WhoAmI')).status).toBe(200);
    const refused = await api.get('contacts');
    expect([refused.status, codeOf(refused)]).toEqual([429, '0x80072322']);
    expect(messageOf(refused)).toBe(
      'Number of requests exceeded the limit of 3 over time window of 300 seconds.',
    );
    expect(retryAfter(refused.headers)).toBeGreaterThan(290);
    expect(retryAfter(refused.headers)).toBeLessThanOrEqual(300);
    expect((await api.get('EntityDefinitions?$select=LogicalName')).status).toBe(429);
  });

  it('lets requests in again as the window slides', async () => {
    await limits({ requests: 2 });
    await api.get('WhoAmI');
    await api.advance('PT4M');
    await api.get('WhoAmI');
    const refused = await api.get('WhoAmI');
    expect(retryAfter(refused.headers)).toBeLessThanOrEqual(60);
    await api.advance('PT1M');
    expect((await api.get('WhoAmI')).status).toBe(200);
    expect((await api.get('WhoAmI')).status).toBe(429);
  });

  it('makes a client that comes too early wait longer', async () => {
    await limits({ requests: 1 });
    await api.get('WhoAmI');
    await api.get('WhoAmI');
    await api.advance('PT4M30S');
    const early = await api.get('WhoAmI');
    expect(retryAfter(early.headers)).toBe(31);
  });

  it('counts the user, not the token', async () => {
    await limits({ requests: 1 });
    await api.get('WhoAmI');
    api.caller.forgetTokens();
    expect((await api.get('WhoAmI')).status).toBe(429);
  });

  it('allows as much again on each web server', async () => {
    await limits({ requests: 2, webServers: 2 });
    for (let call = 0; call < 4; call++) expect((await api.get('WhoAmI')).status).toBe(200);
    expect((await api.get('WhoAmI')).status).toBe(429);
  });

  it('charges a bulk action for the time of its rows', async () => {
    await limits({ executionMs: 900, executionMsPerRow: 100 });
    const Targets = Array.from({ length: 10 }, (_item, n) => ({
      '@odata.type': 'Microsoft.Dynamics.CRM.contact',
      lastname: String(n),
    }));
    expect(
      (await api.call('POST', 'contacts/Microsoft.Dynamics.CRM.CreateMultiple', { Targets })).status,
    ).toBe(200);
    const refused = await api.get('WhoAmI');
    expect([refused.status, codeOf(refused)]).toEqual([429, '0x80072321']);
    expect(messageOf(refused)).toContain(
      'exceeded limit of 900 milliseconds over time window of 300 seconds.',
    );
    await api.advance('PT5M1S');
    expect((await api.get('WhoAmI')).status).toBe(200);
  });

  it('refuses what comes while too many requests are under way', async () => {
    await api.get('WhoAmI');
    await limits({ concurrency: 4 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => api.get('WhoAmI')));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.map(codeOf)).toEqual(Array.from({ length: 5 }, () => '0x80072326'));
    expect(refused.every(({ headers }) => retryAfter(headers) >= 1)).toBe(true);
    expect((await api.get('WhoAmI')).status).toBe(200);
  });

  it('counts refused calls under their route', async () => {
    await limits({ requests: 1 });
    await api.get('WhoAmI');
    await api.caller.succeed('POST', 'stats/reset');
    await api.get('contacts(00000000-0000-4000-8000-00000000dead)');
    expect((await api.caller.control('GET', 'stats')).json['dynamics']).toMatchObject({
      total: 1,
      rejectedRows: 0,
      byRoute: { 'GET contacts(id)': { '429': 1 } },
    });
  });
});
