import { beforeAll, describe, expect, it } from 'vitest';
import { list, text, useSandbox } from '../core/support.js';

const sandbox = useSandbox({ model: { version: 1, withDefaults: false } });
const EXT = '/profileAndServicesExt';

const FIELD_KEYS = [
  'PKey', 'apiName', 'category', 'dataPolicy', 'desc', 'displayFormat', 'help', 'label', 'lazyLoaded', 'length',
  'mandatory', 'metadata', 'privacy', 'queryable', 'readOnly', 'resName', 'resType', 'sortable', 'type',
]; // prettier-ignore

beforeAll(async () => {
  await sandbox.succeed('PUT', 'data-model', {
    resources: [
      {
        name: 'cusAccount',
        schema: 'cus:cusAccount',
        label: 'Accounts',
        endpoints: ['customResources'],
        keys: ['cusCrmId'],
        identificationKey: 'cusCrmId',
        fields: {
          cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
          label: { type: 'string', label: 'Label', length: 60 },
          cusEmployees: { type: 'long', label: 'Employees' },
          cusRevenue: { type: 'double', label: 'Revenue' },
        },
      },
      {
        name: 'cusOrder',
        schema: 'cus:cusOrder',
        label: 'Orders',
        endpoints: ['profileAndServicesExt'],
        keys: ['cusCrmId'],
        identificationKey: 'cusCrmId',
        fields: {
          cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
          cusBuyer: { type: 'link', label: 'Buyer', target: 'profile' },
          cusAccountId: { type: 'string', label: 'Account id', length: 36 },
          cusAccount: {
            type: 'link',
            label: 'Account',
            target: 'cusAccount',
            join: { field: 'cusAccountId', targetField: 'cusCrmId' },
            cardinality: '1',
          },
        },
      },
      { name: 'profile', fields: { cusSegment: { type: 'string', label: 'Segment', length: 10 } } },
    ],
  });
});

describe('metadata', () => {
  it('describes every field with the keys of the real system, lengths as text', async () => {
    const { json } = await sandbox.campaign('GET', `${EXT}/resourceType/profile`);
    expect(Object.keys(json)).toEqual(
      expect.arrayContaining(['PKey', 'apiName', 'content', 'filters', 'href', 'schema', 'type']),
    );
    const email = json['content']?.['email'];
    expect(Object.keys(email ?? {}).toSorted()).toEqual(FIELD_KEYS.toSorted());
    expect(email).toMatchObject({ apiName: 'email', length: '128', readOnly: false, sortable: true });
    expect(json['content']?.['age']).toMatchObject({ readOnly: true });
    expect(Object.keys(json['content']?.['gender']?.['values'] ?? {})).toEqual(['unknown', 'male', 'female']);
    expect(json['content']?.['subscriptions']).toMatchObject({ resTarget: 'subscription' });
    expect((await sandbox.campaign('GET', `${EXT}/profile/metadata`)).json).toEqual(json);
  });

  it('gives the filters as address templates with the parameter’s own name', async () => {
    const { json } = await sandbox.campaign('GET', `${EXT}/resourceType/profile`);
    const filters = (await sandbox.campaign('GET', text(json['filters']?.['href']))).json;
    expect(text(filters['bymodifiedsince']?.['data'])).toMatch(
      /\/profile\/bymodifiedsince\?lm_parameter=\$value$/,
    );
    expect(Object.keys(filters)).toEqual(expect.arrayContaining(['byText', 'byEmail', 'byexternalid']));
  });

  it('lists what an endpoint offers', async () => {
    const names = async (path: string) =>
      list((await sandbox.campaign('GET', path)).json['content']).map((each) => text(each['apiName']));
    expect(await names(`${EXT}/`)).toEqual(['profile', 'service', 'cusOrder']);
    expect(await names('/customResources')).toEqual(['cusAccount']);
  });
});

describe('custom fields', () => {
  it('exist under the extended endpoint only', async () => {
    const created = await sandbox.campaign('POST', `${EXT}/profile`, {
      externalId: 'ext',
      cusSegment: 'gold',
    });
    expect(created.json['cusSegment']).toBe('gold');
    const plain = await sandbox.campaign('GET', '/profileAndServices/profile/ext');
    expect(plain.status).toBe(200);
    expect(plain.json['cusSegment']).toBeUndefined();
    const refused = await sandbox.campaign('PATCH', '/profileAndServices/profile/ext', { cusSegment: 'x' });
    expect(refused.text).toContain("'cusSegment' property is not valid");
  });
});

describe('custom resources', () => {
  it('stand at one endpoint, with their own key', async () => {
    const created = await sandbox.campaign('POST', '/customResources/cusAccount', {
      cusCrmId: 'a-1',
      label: 'Müller & Söhne',
      cusEmployees: 7,
    });
    expect(created.status).toBe(201);
    expect(created.json).toMatchObject({
      cusEmployees: 7,
      cusRevenue: 0,
      createdBy: expect.any(String) as string,
    });
    expect((await sandbox.campaign('GET', '/customResources/cusAccount/a-1')).json['label']).toBe(
      'Müller & Söhne',
    );
    expect(
      (await sandbox.campaign('POST', '/customResources/cusAccount', { cusCrmId: 'a-1' })).text,
    ).toContain('PGS-220000');
    expect((await sandbox.campaign('GET', `${EXT}/cusAccount/a-1`)).status).toBe(404);
  });

  it('set a link by PKey or by raw key, and show it with PKey, href and title', async () => {
    const profile = (
      await sandbox.campaign('POST', `${EXT}/profile`, {
        externalId: 'buyer',
        firstName: 'Ada',
        lastName: 'Byron',
      })
    ).json;
    await sandbox.campaign('POST', '/customResources/cusAccount', { cusCrmId: 'a-2' });
    const order = { cusCrmId: 'o-1', cusAccountId: 'a-2', cusBuyer: { PKey: profile['PKey'] } };
    const created = await sandbox.campaign('POST', `${EXT}/cusOrder`, order);
    expect(created.json['cusBuyer']).toBeNull();
    const read = (await sandbox.campaign('GET', `${EXT}/cusOrder/o-1`)).json;
    expect(read['cusBuyer']).toMatchObject({ title: 'Ada Byron' });
    expect((await sandbox.campaign('GET', text(read['cusBuyer']?.['href']))).json['externalId']).toBe(
      'buyer',
    );
    await sandbox.campaign('PATCH', `${EXT}/cusOrder/o-1`, { cusBuyer: null });
    await sandbox.campaign('PATCH', `${EXT}/cusOrder/o-1`, { cusBuyer: { PKey: 'buyer' } });
    expect((await sandbox.campaign('GET', `${EXT}/cusOrder/o-1`)).json['cusBuyer']).toMatchObject({
      title: 'Ada Byron',
    });
    const unknown = await sandbox.campaign('PATCH', `${EXT}/cusOrder/o-1`, { cusBuyer: { PKey: 'nobody' } });
    expect(unknown.status).toBe(404);
  });

  it('ignore ordinary attributes inside a link', async () => {
    await sandbox.campaign('POST', '/customResources/cusAccount', { cusCrmId: 'a-3' });
    const answer = await sandbox.campaign('POST', `${EXT}/cusOrder`, {
      cusCrmId: 'o-2',
      cusAccountId: 'a-3',
      cusBuyer: { firstName: 'Eve' },
    });
    expect(answer.status).toBe(201);
    expect((await sandbox.campaign('GET', `${EXT}/cusOrder/o-2`)).json['cusBuyer']).toBeNull();
  });

  it('hide a row whose inner-joined parent is missing, until the parent comes', async () => {
    const created = await sandbox.campaign('POST', `${EXT}/cusOrder`, {
      cusCrmId: 'o-3',
      cusAccountId: 'late',
    });
    expect(created.status).toBe(201);
    expect((await sandbox.campaign('GET', `${EXT}/cusOrder/o-3`)).status).toBe(404);
    expect((await sandbox.campaign('PATCH', `${EXT}/cusOrder/o-3`, { cusAccountId: 'x' })).status).toBe(404);
    await sandbox.campaign('POST', '/customResources/cusAccount', { cusCrmId: 'late' });
    expect((await sandbox.campaign('GET', `${EXT}/cusOrder/o-3`)).status).toBe(200);
  });
});

describe('subscriptions', () => {
  it('are added and removed through the collection of either side', async () => {
    const service = (
      await sandbox.campaign('POST', '/profileAndServices/service', {
        name: 'news',
        label: 'News',
        messageType: 'email',
      })
    ).json;
    const profile = (await sandbox.campaign('POST', `${EXT}/profile`, { externalId: 'subscriber' })).json;
    const collection = text(profile['subscriptions']?.['href']);
    expect((await sandbox.campaign('POST', collection, { service: { PKey: service['PKey'] } })).status).toBe(
      201,
    );
    const mine = list((await sandbox.campaign('GET', collection)).json['content']);
    expect(mine.map((each) => text(each['service']?.['title']))).toEqual(['News']);
    const theirs = list(
      (await sandbox.campaign('GET', text(service['subscriptions']?.['href']))).json['content'],
    );
    expect(theirs).toHaveLength(1);
    expect((await sandbox.campaign('DELETE', text(mine[0]?.['href']))).status).toBe(204);
    expect(list((await sandbox.campaign('GET', collection)).json['content'])).toEqual([]);
    expect((await sandbox.campaign('GET', `/profileAndServices/service/news`)).status).toBe(200);
  });
});

describe('the v8 edition', () => {
  it('answers an unreadable PKey with 404, an empty PATCH with 204, and refuses a change of the location', async () => {
    await sandbox.campaign('POST', `${EXT}/profile`, { externalId: 'v8', location: { city: 'Leeds' } });
    await sandbox.control('PUT', 'limits', { campaign: { edition: 'v8' } });
    const pkey = await sandbox.campaign('GET', `${EXT}/profile/@nope`);
    const empty = await sandbox.campaign('PATCH', `${EXT}/profile/v8`, {});
    const location = await sandbox.campaign('PATCH', `${EXT}/profile/v8`, { location: { zipCode: 'X' } });
    const single = await sandbox.campaign('GET', `/profileAndServices/profile/v8`);
    const history = await sandbox.campaign('GET', `/profileAndServices/history/v8`);
    await sandbox.control('DELETE', 'limits');
    expect([pkey.status, pkey.text]).toEqual([404, 'Unable to decrypt PKey. (PKey=@nope)']);
    expect(empty.status).toBe(204);
    expect(location.text).toContain("'zipCode' property is not valid for the 'profile' resource");
    expect(single.json['timeZone']).toBeUndefined();
    expect(text(single.json['href'])).toContain('/profile/@');
    expect(history.status).toBe(404);
    expect((await sandbox.campaign('GET', `/profileAndServices/history/v8`)).status).toBe(200);
  });
});
