import { expect, test } from 'vitest';
import type { Scripted } from '../support/http-server.js';
import { campaignOf, errorOf, GENERIC, oops } from './scripted-campaign.js';

const missing: Scripted = { status: 404, body: `${GENERIC}Error rc=-2003` };
const content = {
  externalId: { apiName: 'externalId', type: 'string', length: '100', readOnly: false },
  age: { apiName: 'age', type: 'long', length: '0', readOnly: true },
  gender: {
    apiName: 'gender',
    type: 'byte',
    values: [{ name: 'unknown' }, { name: 'male' }, { name: 'female' }],
  },
  birthDate: { apiName: 'birthDate', type: 'date' },
  blackList: { apiName: 'blackList', type: 'boolean' },
  orgUnit: { apiName: 'orgUnit', type: 'link', resTarget: 'orgUnitBase' },
  subscriptions: { apiName: 'subscriptions', type: 'collection', resTarget: 'subscription' },
  location: { apiName: 'location', type: 'object', content: { city: { type: 'string', length: '255' } } },
};

test('a resource is described by its first endpoint, fields of nested objects by dotted path', async () => {
  const { campaign, server } = await campaignOf(({ url, headers }) =>
    url.endsWith('/filters')
      ? { body: { byCrmId: { data: '/profile/byCrmId?crm_parameter=$value', category: 'x' }, PKey: '@a' } }
      : {
          body: {
            name: 'profile',
            content,
            filters: { href: `http://${headers.host}/acme/campaign/profileAndServicesExt/profile/filters` },
          },
        },
  );
  expect(await campaign.resource('profile')).toEqual({
    name: 'profile',
    path: 'profileAndServicesExt/profile',
    fields: {
      externalId: { path: 'externalId', type: 'string', length: 100, readOnly: false },
      age: { path: 'age', type: 'integer', readOnly: true },
      gender: { path: 'gender', type: 'enumeration', values: ['unknown', 'male', 'female'], readOnly: false },
      birthDate: { path: 'birthDate', type: 'date', readOnly: false },
      blackList: { path: 'blackList', type: 'boolean', readOnly: false },
      orgUnit: { path: 'orgUnit', type: 'link', readOnly: false },
      subscriptions: { path: 'subscriptions', type: 'other', readOnly: false },
      'location.city': { path: 'location.city', type: 'string', length: 255, readOnly: false },
    },
    filters: { byCrmId: { name: 'byCrmId', template: '/profile/byCrmId?crm_parameter=$value' } },
  });
  expect(server.arrived[0]?.url).toBe('/acme/campaign/profileAndServicesExt/resourceType/profile');
});

test('a resource that is linked to no profile is found among the custom resources', async () => {
  const { campaign } = await campaignOf(({ url }) =>
    url.includes('/customResources/') ? { body: { content: { cusCrmId: { type: 'string' } } } } : missing,
  );
  expect(await campaign.resource('cusOrder')).toMatchObject({
    path: 'customResources/cusOrder',
    filters: {},
  });
});

test('a resource that no endpoint offers stops the flow', async () => {
  const { campaign } = await campaignOf(() => missing);
  expect(await errorOf(campaign.resource('cusOrder'))).toMatchObject({
    code: 'CAMPAIGN_RESOURCE_UNKNOWN',
    evidence: { subject: 'cusOrder' },
  });
});

test('a fault of the extended endpoint is not answered by the plain one, which lacks the custom fields', async () => {
  const { campaign } = await campaignOf(({ url }) =>
    url.includes('/profileAndServicesExt/') ? { status: 503 } : { body: { content } },
  );
  expect((await errorOf(campaign.resource('profile'))).code).toBe('CAMPAIGN_UNREACHABLE');
});

test('a wrong tenant stops the flow', async () => {
  const { campaign } = await campaignOf((_request, count) => oops(count === 1 ? 400 : 500));
  expect((await errorOf(campaign.resource('profile'))).code).toBe('CAMPAIGN_TENANT_WRONG');
});
