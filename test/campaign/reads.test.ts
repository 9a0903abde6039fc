import { describe, expect, test } from 'vitest';
import { scriptedServer } from '../support/http-server.js';
import {
  ABSENT,
  address,
  byFilter,
  campaignOf,
  errorOf,
  GENERIC,
  oops,
  resource,
} from './scripted-campaign.js';

describe('a look-up', () => {
  test.each([
    ['a flat record', { externalId: 'k-1' }],
    ['a record in a list, as one page of the documentation has it', { content: [{ externalId: 'k-1' }] }],
  ])('finds %s', async (_name, body) => {
    const { campaign } = await campaignOf(() => ({ body }));
    expect(await campaign.find(resource, address)).toEqual({ kind: 'found', record: { externalId: 'k-1' } });
  });

  test("is absent by Campaign's own words only", async () => {
    const absent = await campaignOf(() => ({ status: 404, body: ABSENT }));
    expect(await absent.campaign.find(resource, address)).toEqual({ kind: 'absent' });
    const other = await campaignOf(() => ({ status: 404, body: `${GENERIC}Error rc=-2003` }));
    expect((await errorOf(other.campaign.find(resource, address))).code).toBe('CAMPAIGN_RESOURCE_UNKNOWN');
  });

  test.each([
    ['resets', { break: 'reset' as const }],
    ["the gateway's stumbles", oops(500)],
    ['answers that are no record', { body: '<html>' }],
  ])('that meets only %s says nothing about the record', async (_name, answer) => {
    const { campaign, server } = await campaignOf(() => answer);
    expect((await errorOf(campaign.find(resource, address))).code).toBe('CAMPAIGN_UNREACHABLE');
    expect(server.arrived).toHaveLength(5);
  });

  test("by a filter uses the parameter of the filter's template, encoded", async () => {
    const { campaign, server } = await campaignOf(() => ({ body: { content: [] } }));
    const filters = { byCrmId: { name: 'byCrmId', template: 'https://x/profile/byCrmId?crmId=$value' } };
    const key = 'a&b=c #é';
    expect(await campaign.find({ ...resource, filters }, { ...byFilter, key })).toEqual({ kind: 'absent' });
    expect(server.arrived[0]?.url).toBe(
      `/acme/campaign/profileAndServicesExt/profile/byCrmId?crmId=${encodeURIComponent(key)}`,
    );
  });
});

describe('a list', () => {
  test('asks for pagination always and follows next.href verbatim', async () => {
    const { campaign, server } = await campaignOf(({ url, headers }) => {
      if (url.includes('_lineStart')) return { body: { content: [{ externalId: '2' }] } };
      const self = `http://${headers.host}/acme/campaign/profileAndServicesExt/profile`;
      return {
        body: {
          content: [{ externalId: '1' }],
          next: { href: `${self}?_lineStart=%40opaque%3D` },
          count: { href: `${self}/_count?_forcePagination=true` },
        },
      };
    });
    const first = await campaign.list(resource, { lineCount: 1 });
    expect(server.arrived[0]?.url).toBe(
      '/acme/campaign/profileAndServicesExt/profile?_lineCount=1&_forcePagination=true',
    );
    expect(first.countLink).toContain('/_count?_forcePagination=true');
    const second = await campaign.list(resource, { lineCount: 1, link: first.nextLink ?? '' });
    expect(second).toEqual({ records: [{ externalId: '2' }] });
    expect(server.arrived[1]?.url).toContain('?_lineStart=%40opaque%3D');
  });

  test('repeats a read that broke off', async () => {
    const page = { body: { content: [{ externalId: '1' }] } };
    const { campaign } = await campaignOf((_request, count) =>
      count === 1 ? { ...page, break: 'truncate' } : count === 2 ? { break: 'reset' } : page,
    );
    expect(await campaign.list(resource, { lineCount: 1 })).toEqual({ records: [{ externalId: '1' }] });
  });

  test('never takes an answer without a list for an empty one', async () => {
    const { campaign } = await campaignOf(() => ({ body: {} }));
    expect((await errorOf(campaign.list(resource, { lineCount: 1 }))).code).toBe('CAMPAIGN_UNREACHABLE');
  });

  test('whose next link is its own ends instead of looping', async () => {
    const { campaign, server } = await campaignOf(({ url, headers }) => ({
      body: { content: [], next: { href: `http://${headers.host}${url}` } },
    }));
    const link = `${server.url}/acme/campaign/profileAndServicesExt/profile?_lineStart=1`;
    expect((await errorOf(campaign.list(resource, { lineCount: 1, link }))).code).toBe(
      'CAMPAIGN_LIST_TRUNCATED',
    );
  });

  test.each([400, 500])('on a wrong tenant (%i, again and again) stops the flow', async (status) => {
    const { campaign } = await campaignOf(() => oops(status));
    expect(await errorOf(campaign.list(resource, { lineCount: 1 }))).toMatchObject({
      code: 'CAMPAIGN_TENANT_WRONG',
      class: 'stop',
    });
  });

  test('goes on after a single stumble of the gateway', async () => {
    const { campaign } = await campaignOf((_request, count) =>
      count === 1 ? oops(500) : { body: { content: [] } },
    );
    expect(await campaign.list(resource, { lineCount: 1 })).toEqual({ records: [] });
  });

  test('never takes its token to another origin', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: {} }));
    const elsewhere = await scriptedServer(() => ({ body: { content: [] } }));
    const link = `${elsewhere.url}/acme/campaign/x`;
    expect((await errorOf(campaign.list(resource, { lineCount: 1, link }))).code).toBe(
      'CAMPAIGN_TENANT_WRONG',
    );
    expect([...elsewhere.arrived, ...server.arrived]).toEqual([]);
  });

  test('follows no redirect', async () => {
    const elsewhere = await scriptedServer(() => ({ body: { content: [] } }));
    const { campaign } = await campaignOf(() => ({ status: 302, headers: { Location: elsewhere.url } }));
    expect((await errorOf(campaign.list(resource, { lineCount: 1 }))).code).toBe('CAMPAIGN_UNREACHABLE');
    expect(elsewhere.arrived).toEqual([]);
  });

  test('beyond the size limit is not loaded again and again', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: { content: ['x'.repeat(200_000)] } }));
    expect((await errorOf(campaign.list(resource, { lineCount: 1 }))).code).toBe('CAMPAIGN_UNREACHABLE');
    expect(server.arrived).toHaveLength(1);
  });
});

describe('a count', () => {
  test('follows the link of the list, or asks the resource', async () => {
    const { campaign, server } = await campaignOf(() => ({ body: { count: 26 } }));
    expect(await campaign.count(resource, `${server.url}/acme/campaign/p/_count?a=1`)).toBe(26);
    expect(await campaign.count(resource, undefined)).toBe(26);
    expect(server.arrived.map(({ url }) => url)).toEqual([
      '/acme/campaign/p/_count?a=1',
      '/acme/campaign/profileAndServicesExt/profile/_count',
    ]);
  });
  test('is never made up', async () => {
    const { campaign } = await campaignOf(() => ({ body: { count: null } }));
    expect((await errorOf(campaign.count(resource, undefined))).code).toBe('CAMPAIGN_UNREACHABLE');
  });
});
