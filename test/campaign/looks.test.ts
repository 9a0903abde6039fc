import { describe, expect, test } from 'vitest';
import { byFilter, campaignOf, errorOf, oops, resource } from './scripted-campaign.js';

describe("the server's time", () => {
  test('is that of its answer', async () => {
    const { campaign, server } = await campaignOf(() => ({
      body: { content: [] },
      headers: { Date: 'Tue, 24 Nov 2026 08:00:09 GMT' },
    }));
    expect(await campaign.serverTime()).toBe('2026-11-24T08:00:09.000Z');
    expect(server.arrived[0]?.url).toBe('/acme/campaign/profileAndServicesExt/');
  });

  test('is unknown where the endpoint is not offered, and that is no fault', async () => {
    const { campaign } = await campaignOf(() => ({ status: 404, body: 'RST-360011 Error rc=-2003' }));
    expect(await campaign.serverTime()).toBeUndefined();
  });

  test.each([
    [
      { status: 403, body: { error_code: '403023', message: 'Profile is not valid' } },
      'CAMPAIGN_PROFILE_NOT_VALID',
    ],
    [
      { status: 401, body: { error_code: '401013', message: 'Oauth token is not valid' } },
      'CAMPAIGN_CREDENTIALS',
    ],
    [oops(500), 'CAMPAIGN_TENANT_WRONG'],
  ])('is not told to an account that is not let in: %o', async (answer, code) => {
    const { campaign } = await campaignOf(() => answer);
    expect((await errorOf(campaign.serverTime())).code).toBe(code);
  });
});

test('what a filter answers is told whole, also records that do not have the key', async () => {
  const { campaign } = await campaignOf(() => ({
    body: { content: [{ externalId: 'k-1' }, { externalId: 'k-10' }] },
  }));
  expect(await campaign.matches(resource, 'byCrmId', byFilter)).toEqual([
    { externalId: 'k-1' },
    { externalId: 'k-10' },
  ]);
});

test('a field that Campaign demands is marked', async () => {
  const { campaign } = await campaignOf(() => ({
    body: {
      content: {
        cusCode: { type: 'string', mandatory: 'true' },
        cusName: { type: 'string', mandatory: false },
      },
    },
  }));
  expect((await campaign.resource('cusOrder')).fields).toEqual({
    cusCode: { path: 'cusCode', type: 'string', readOnly: false, mandatory: true },
    cusName: { path: 'cusName', type: 'string', readOnly: false },
  });
});
