import { afterEach, describe, expect, it } from 'vitest';
import { list, text, useSandbox, type Json } from '../core/support.js';

const sandbox = useSandbox();
const EXT = '/profileAndServicesExt';

afterEach(() => sandbox.succeed('DELETE', 'limits'));

const post = (path: string, body: unknown) => sandbox.campaign('POST', path, body);
const get = (path: string) => sandbox.campaign('GET', path);
const patch = (path: string, body: unknown) => sandbox.campaign('PATCH', path, body);
const limits = (campaign: object) => sandbox.succeed('PUT', 'limits', { campaign });
const v8 = () => limits({ edition: 'v8' });

async function created(path: string, body: object): Promise<Json> {
  const answer = await post(path, body);
  if (answer.status !== 201) throw new Error(answer.text);
  return answer.json;
}
const inUri = (record: Json | undefined, resource: string): string =>
  `${EXT}/${resource}/${encodeURIComponent(text(record?.['PKey']))}`;
const found = async (path: string): Promise<Json[]> => list((await get(path)).json['content']);

describe('the resources that come with the sandbox', () => {
  it('stand under the endpoint that their links give them, each under one only', async () => {
    const names = async (path: string) => (await found(path)).map((each) => text(each['apiName']));
    const extended = await names(`${EXT}/`);
    expect(extended).toEqual(
      expect.arrayContaining(['cusOrder', 'cusOrderLine', 'cusShipment', 'cusSubscription']),
    );
    expect(extended).toEqual(expect.arrayContaining(['cusEvent', 'cusEventAttendance', 'orgUnitBase']));
    expect(await names('/customResources/')).toEqual(['cusStore']);
    expect((await get('/customResources/cusOrder')).status).toBe(404);
  });

  it('say the types and lengths of their fields, and where their links lead', async () => {
    const { json } = await get(`${EXT}/resourceType/cusOrder`);
    const fields = json['content'];
    expect(fields?.['cusCrmId']).toMatchObject({ type: 'string', length: '36', category: 'custom' });
    expect(fields?.['cusTotal']).toMatchObject({ type: 'double' });
    expect(fields?.['cusItems']).toMatchObject({ type: 'long' });
    expect(fields?.['cusOrderedOn']).toMatchObject({ type: 'datetime' });
    expect(fields?.['cusDeliveryDate']).toMatchObject({ type: 'date' });
    expect(fields?.['cusIsGift']).toMatchObject({ type: 'boolean' });
    expect(Object.keys(fields?.['cusChannel']?.['values'] ?? {})).toEqual([
      'unknown',
      'web',
      'store',
      'telephone',
    ]);
    expect(fields?.['cusProfile']).toMatchObject({ type: 'link', resTarget: 'profile' });
  });

  it('have a filter by key and one by the time of change, as address templates', async () => {
    for (const resource of [`${EXT}/cusOrder`, `${EXT}/cusEventAttendance`, '/customResources/cusStore']) {
      const { json } = await get(`${resource}/metadata`);
      const filters = (await get(text(json['filters']?.['href']))).json;
      expect(text(filters['bycrmid']?.['data'])).toMatch(/\/bycrmid\?crmid_parameter=\$value$/);
      expect(text(filters['bymodifiedsince']?.['data'])).toMatch(/\/bymodifiedsince\?lm_parameter=\$value$/);
    }
  });
});

describe('addressing', () => {
  it('is by PKey and by filter; a key in the URL is for profiles only', async () => {
    const store = await created('/customResources/cusStore', { cusCrmId: 's-1', cusName: 'Köln' });
    const byFilter = await found('/customResources/cusStore/bycrmid?crmid_parameter=s-1');
    expect(byFilter.map((each) => text(each['cusName']))).toEqual(['Köln']);
    const byPKey = await get(`/customResources/cusStore/${encodeURIComponent(text(store['PKey']))}`);
    expect(text(byPKey.json['cusCrmId'])).toBe('s-1');
    const byKey = await get('/customResources/cusStore/s-1');
    expect([byKey.status, byKey.text]).toEqual([
      404,
      expect.stringContaining("Unable to find document with path 'CusStore' from key 's-1:0'") as string,
    ]);
  });

  it('is by a key in the URL too where the limits say so', async () => {
    await created('/customResources/cusStore', { cusCrmId: 's-2' });
    await limits({ identificationKeys: { cusStore: 'cusCrmId' } });
    expect((await patch('/customResources/cusStore/s-2', { cusName: 'Leeds' })).status).toBe(200);
    expect((await get('/customResources/cusStore/s-2')).json['cusName']).toBe('Leeds');
    expect((await get(`${EXT}/profile/s-2`)).status).toBe(404);
  });

  it('finds nothing by a filter that is called without its parameter', async () => {
    await created('/customResources/cusStore', { cusCrmId: 's-3' });
    expect(await found('/customResources/cusStore/bycrmid')).toEqual([]);
  });

  it('finds what was modified since', async () => {
    const early = await created(`${EXT}/cusEvent`, { cusCrmId: 'e-early' });
    await created(`${EXT}/cusEvent`, { cusCrmId: 'e-other' });
    await sandbox.succeed('POST', 'clock', { advance: 'PT1H' });
    const since = text((await sandbox.control('GET', 'clock')).json['now']);
    await patch(inUri(early, 'cusEvent'), { cusCapacity: 9 });
    const changed = await found(`${EXT}/cusEvent/bymodifiedsince?lm_parameter=${encodeURIComponent(since)}`);
    expect(changed.map((each) => text(each['cusCrmId']))).toEqual(['e-early']);
  });
});

describe('keys', () => {
  it('refuse a second record with the same value', async () => {
    await created(`${EXT}/cusOrder`, { cusCrmId: 'twice' });
    const answer = await post(`${EXT}/cusOrder`, { cusCrmId: 'twice' });
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("A 'CusOrder' with the same key 'twice' already exists.");
  });

  it('accept and count it where the resource has no unique key', async () => {
    await limits({ uniqueKeys: { cusOrder: [] } });
    await created(`${EXT}/cusOrder`, { cusCrmId: 'thrice' });
    await created(`${EXT}/cusOrder`, { cusCrmId: 'thrice' });
    expect(await found(`${EXT}/cusOrder/bycrmid?crmid_parameter=thrice`)).toHaveLength(2);
    expect(Number((await sandbox.control('GET', 'stats')).json['campaign']?.['duplicates'])).toBe(1);
  });
});

describe('a link by a join', () => {
  it('is there as soon as both its ends are, whichever comes first', async () => {
    const order = await created(`${EXT}/cusOrder`, { cusCrmId: 'join-1', cusProfileId: 'late' });
    expect((await get(inUri(order, 'cusOrder'))).json['cusProfile']).toBeNull();
    await created(`${EXT}/profile`, { externalId: 'late', firstName: 'Ada', lastName: 'Byron' });
    expect((await get(inUri(order, 'cusOrder'))).json['cusProfile']).toMatchObject({ title: 'Ada Byron' });
  });

  it('hides a record of cardinality 1 whose parent is missing from reads, changes and deletion', async () => {
    const path = `${EXT}/cusSubscription`;
    const subscription = await created(path, { cusCrmId: 'inner-1', cusProfileId: 'inner' });
    const address = inUri(subscription, 'cusSubscription');
    const filter = `${path}/bycrmid?crmid_parameter=inner-1`;
    expect((await get(address)).status).toBe(404);
    expect((await patch(address, { cusName: 'x' })).status).toBe(404);
    expect((await sandbox.campaign('DELETE', address)).status).toBe(404);
    expect(await found(filter)).toEqual([]);
    const profile = await created(`${EXT}/profile`, { externalId: 'inner' });
    expect(await found(filter)).toHaveLength(1);
    expect((await patch(address, { cusName: 'x' })).status).toBe(200);
    await sandbox.campaign('DELETE', inUri(profile, 'profile'));
    expect((await get(address)).status).toBe(404);
  });
});

describe('a link by PKey', () => {
  const lines = `${EXT}/cusOrderLine`;

  it('is set, shown with PKey, href and title, and cleared by null', async () => {
    const order = await created(`${EXT}/cusOrder`, { cusCrmId: 'pkey-1' });
    const line = await created(lines, { cusCrmId: 'pkey-1', cusOrder: { PKey: order['PKey'] } });
    const shown = (await get(inUri(line, 'cusOrderLine'))).json['cusOrder'];
    expect(Object.keys(shown ?? {}).toSorted()).toEqual(['PKey', 'href', 'title']);
    expect((await get(text(shown?.['href']))).json['cusCrmId']).toBe('pkey-1');
    await patch(inUri(line, 'cusOrderLine'), { cusOrder: null });
    expect((await get(inUri(line, 'cusOrderLine'))).json['cusOrder']).toBeNull();
  });

  it('reaches a unit of the organisation by PKey or by its key, under the extended endpoint only', async () => {
    const [unit] = await found(`${EXT}/orgUnitBase/`);
    const body = { orgUnit: { PKey: unit?.['PKey'] }, geoUnit: { PKey: 'dach' } };
    const profile = await created(`${EXT}/profile`, { externalId: 'unit', ...body });
    const shown = (await get(inUri(profile, 'profile'))).json;
    expect([shown['orgUnit']?.['title'], shown['geoUnit']?.['title']]).toEqual([
      'All',
      'Deutschland, Österreich, Schweiz',
    ]);
    expect((await get('/profileAndServices/profile/unit')).json['orgUnit']).toBeUndefined();
  });

  it('is left empty by ordinary attributes without a PKey', async () => {
    const line = await created(lines, { cusCrmId: 'pkey-2', cusOrder: { cusCrmId: 'pkey-1' } });
    expect((await get(inUri(line, 'cusOrderLine'))).json['cusOrder']).toBeNull();
  });

  it('refuses a PKey that is none, one of another resource, and one whose record is gone', async () => {
    const order = await created(`${EXT}/cusOrder`, { cusCrmId: 'pkey-3' });
    const profile = await created(`${EXT}/profile`, { externalId: 'pkey-3' });
    await sandbox.campaign('DELETE', inUri(order, 'cusOrder'));
    const line = (pkey: unknown) => post(lines, { cusCrmId: 'pkey-3', cusOrder: { PKey: pkey } });
    const [none, other, gone] = [await line('@nope'), await line(profile['PKey']), await line(order['PKey'])];
    expect([none.status, other.status, gone.status]).toEqual([500, 500, 404]);
    expect(none.text).toContain(
      "'nope' attribute unknown (see definition of 'Orders (cus:cusOrder)' schema)",
    );
    expect(gone.text).toContain("Unable to find document with path 'CusOrder'");
    expect(await found(`${lines}/bycrmid?crmid_parameter=pkey-3`)).toEqual([]);
  });
});

describe('on v8', () => {
  it('a custom filter answers to its REST name, and not to its own', async () => {
    await created(`${EXT}/cusOrder`, { cusCrmId: 'v8-1' });
    await v8();
    expect(await found(`${EXT}/cusOrder/crmid?crmid_parameter=v8-1`)).toHaveLength(1);
    expect((await get(`${EXT}/cusOrder/bycrmid?crmid_parameter=v8-1`)).status).toBe(404);
    expect(Object.keys((await get(`${EXT}/resourceType/cusOrder/filters`)).json)).toEqual([
      'crmid',
      'modifiedsince',
    ]);
    expect((await get(`${EXT}/profile/byEmail?email=none@shop.example`)).status).toBe(200);
  });

  it('a custom filter without a REST name cannot be called', async () => {
    const filter = {
      resource: 'cusOrder',
      name: 'bynumber',
      label: 'By number',
      conditions: [{ fields: ['cusNumber'], operator: '=', parameter: 'number_parameter' }],
    };
    await sandbox.succeed('PUT', 'data-model', { filters: [filter] });
    expect((await get(`${EXT}/cusOrder/bynumber?number_parameter=1`)).status).toBe(200);
    await v8();
    for (const name of ['bynumber', 'number'])
      expect((await get(`${EXT}/cusOrder/${name}?number_parameter=1`)).status).toBe(404);
  });

  it('an attribute inside a link is an error, unless it is what an answer shows of the link', async () => {
    const order = await created(`${EXT}/cusOrder`, { cusCrmId: 'v8-2' });
    await v8();
    const line = (cusOrder: object) => post(`${EXT}/cusOrderLine`, { cusCrmId: 'v8-2', cusOrder });
    expect((await line({ cusNumber: '7' })).text).toContain(
      "'cusNumber' property is not valid for the 'cusOrder' resource",
    );
    expect((await line({ PKey: order['PKey'], cusNumber: '7' })).status).toBe(500);
    const accepted = await line({ PKey: order['PKey'], href: 'https://mc.adobe.io/x', title: 'v8-2' });
    expect(accepted.status).toBe(201);
  });

  it('a POST echoes its links', async () => {
    const order = await created(`${EXT}/cusOrder`, { cusCrmId: 'v8-3' });
    const line = (key: string) => ({ cusCrmId: key, cusOrder: { PKey: order['PKey'] } });
    expect((await created(`${EXT}/cusOrderLine`, line('v8-3')))['cusOrder']).toBeNull();
    await v8();
    expect((await created(`${EXT}/cusOrderLine`, line('v8-4')))['cusOrder']).toMatchObject({
      PKey: expect.stringMatching(/^@/) as string,
    });
  });

  it('an unreadable PKey in a link is 404', async () => {
    await v8();
    const answer = await post(`${EXT}/cusOrderLine`, { cusCrmId: 'v8-5', cusOrder: { PKey: '@nope' } });
    expect([answer.status, answer.text]).toEqual([404, 'Unable to decrypt PKey. (PKey=@nope)']);
  });

  it('organizational units are gone', async () => {
    await v8();
    expect((await get(`${EXT}/orgUnitBase/`)).status).toBe(404);
    expect((await found(`${EXT}/`)).map((each) => text(each['apiName']))).not.toContain('orgUnitBase');
    const profile = await created(`${EXT}/profile`, { externalId: 'v8-unit' });
    expect(Object.keys(profile)).not.toContain('orgUnit');
    const answer = await post(`${EXT}/profile`, { externalId: 'v8-unit-2', orgUnit: { PKey: 'all' } });
    expect(answer.text).toContain("'orgUnit' property is not valid");
  });

  it('the location travels with a POST, and a PATCH of it is refused', async () => {
    await v8();
    const profile = await created(`${EXT}/profile`, { externalId: 'v8-place', location: { city: 'Leeds' } });
    expect(profile['location']?.['city']).toBe('Leeds');
    const answer = await patch(inUri(profile, 'profile'), { location: { city: 'York' } });
    expect([answer.status, answer.text]).toEqual([
      500,
      expect.stringContaining("'city' property is not valid for the 'profile' resource") as string,
    ]);
  });

  it('one field of all records comes with a count and the paging mark', async () => {
    await created(`${EXT}/cusOrder`, { cusCrmId: 'v8-6' });
    expect(Object.keys((await get(`${EXT}/cusOrder/cusCrmId`)).json)).not.toContain('count');
    await v8();
    expect((await get(`${EXT}/cusOrder/cusCrmId`)).json).toMatchObject({
      count: { href: expect.stringContaining('/_count') as string },
      serverSidePagination: true,
    });
  });

  it('the cap of calls per second answers with a plain 429', async () => {
    await limits({ edition: 'v8', requestsPerSecond: 1 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => get(`${EXT}/profile/_count`)));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.text).toBe('Too Many Requests');
    expect(refused?.headers.get('content-type')).toMatch(/^text\/plain/);
  });
});
