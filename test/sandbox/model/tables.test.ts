import { describe, expect, it } from 'vitest';
import { list, pluck, text, useApi, valuesOf, type Json } from '../dynamics/support.js';

const CONTACTS = 300;
const api = useApi({ contacts: CONTACTS });

const rowsOf = async (set: string, query = ''): Promise<Json[]> => valuesOf(await api.get(`${set}${query}`));
const count = async (path: string): Promise<number> => Number((await api.get(`${path}/$count`)).text);

describe('the tables that come with the sandbox', () => {
  it('are custom tables with change tracking, and labels in two languages', async () => {
    const answer = await api.get(
      'EntityDefinitions?$filter=IsCustomEntity eq true and IsIntersect eq false&$select=LogicalName,EntitySetName,ChangeTrackingEnabled,DisplayName',
    );
    const tables = Object.fromEntries(valuesOf(answer).map((table) => [text(table['LogicalName']), table]));
    expect(Object.keys(tables).toSorted()).toEqual([
      'new_event',
      'new_eventattendance',
      'new_order',
      'new_orderline',
      'new_shipment',
      'new_store',
      'new_subscription',
    ]);
    for (const table of Object.values(tables)) {
      expect(table['ChangeTrackingEnabled']).toBe(true);
      const labels = list(table['DisplayName']?.['LocalizedLabels']);
      expect(labels.map((label) => Number(label['LanguageCode']))).toEqual([1033, 1031]);
    }
  });

  it('have every type of column', async () => {
    const answer = await api.get(
      "EntityDefinitions(LogicalName='new_order')/Attributes?$select=LogicalName,AttributeType,AttributeTypeName",
    );
    const types = new Map(
      valuesOf(answer).map((column) => [
        text(column['LogicalName']),
        text(column['AttributeTypeName']?.['Value']),
      ]),
    );
    expect(Object.fromEntries([...types].filter(([name]) => name.startsWith('new_')))).toMatchObject({
      new_orderid: 'UniqueidentifierType',
      new_name: 'StringType',
      new_note: 'MemoType',
      new_items: 'IntegerType',
      new_trackingnumber: 'BigIntType',
      new_weight: 'DecimalType',
      new_score: 'DoubleType',
      new_total: 'MoneyType',
      new_total_base: 'MoneyType',
      new_isgift: 'BooleanType',
      new_priority: 'PicklistType',
      new_channel: 'PicklistType',
      new_services: 'MultiSelectPicklistType',
      new_orderedon: 'DateTimeType',
      new_contactid: 'LookupType',
      new_payerid: 'CustomerType',
    });
    expect([types.get('statecode'), types.get('statuscode')]).toEqual(['StateType', 'StatusType']);
  });

  it('have the three kinds of date', async () => {
    const answer = await api.get(
      "EntityDefinitions(LogicalName='new_order')/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior",
    );
    const behaviors = Object.fromEntries(
      valuesOf(answer).map((column) => [text(column['LogicalName']), column['DateTimeBehavior']?.['Value']]),
    );
    expect(behaviors).toMatchObject({
      new_orderedon: 'UserLocal',
      new_deliverydate: 'DateOnly',
      new_storeopening: 'TimeZoneIndependent',
    });
  });

  it('take a choice from a global one, with labels in both languages', async () => {
    const { json } = await api.get(
      "EntityDefinitions(LogicalName='new_order')/Attributes(LogicalName='new_channel')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=GlobalOptionSet",
    );
    const labels = list(json['GlobalOptionSet']?.['Options']).map((option) =>
      list(option['Label']?.['LocalizedLabels']).map((label) => text(label['Label'])),
    );
    expect(labels).toEqual([
      ['Web shop', 'Webshop'],
      ['Store', 'Filiale'],
      ['Telephone', 'Telefon'],
    ]);
  });

  it('can be addressed by an alternate key at once', async () => {
    const { status, json } = await api.get("new_orders(new_number='O-7')?$select=new_number");
    expect([status, text(json['new_number'])]).toEqual([200, 'O-7']);
  });

  it('lead from a shipment up to the contact', async () => {
    const [shipment] = await rowsOf(
      'new_shipments',
      '?$top=1&$filter=new_orderlineid/new_orderid/new_contactid/contactid ne null&$expand=new_orderlineid($select=new_name;$expand=new_orderid($select=new_number;$expand=new_contactid($select=fullname)))',
    );
    const order = shipment?.['new_orderlineid']?.['new_orderid'];
    expect(text(order?.['new_number'])).toMatch(/^O-\d+$/);
    expect(text(order?.['new_contactid']?.['contactid'])).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('link contacts and stores many to many', async () => {
    const stores = await rowsOf(
      'new_stores',
      '?$select=new_code&$expand=new_contact_store($select=contactid)',
    );
    const links = stores.flatMap((store) => list(store['new_contact_store']));
    expect(links).toHaveLength(Math.ceil(CONTACTS * 0.3));
  });
});

describe('their rows', () => {
  it('are in proportion to the contacts', async () => {
    expect(await count('contacts')).toBe(CONTACTS);
    expect(await count('new_orders')).toBe(CONTACTS);
    expect(await count('new_orderlines')).toBe(360);
    expect(await count('new_shipments')).toBe(180);
    expect(await count('new_subscriptions')).toBe(150);
    expect(await count('new_eventattendances')).toBe(150);
    expect(await count('new_stores')).toBe(9);
    expect(await count('new_events')).toBe(9);
  });

  it('try what a receiver makes of them: four digits, long texts, emoji, nulls, no parent, inactive ones', async () => {
    const orders = await rowsOf('new_orders');
    const share = (holds: (order: Json) => boolean) => orders.filter(holds).length / orders.length;
    expect(orders.some(({ new_total }) => /\.\d{4}$/.test(text(new_total)))).toBe(true);
    expect(orders.some(({ new_note }) => text(new_note).length === 4000)).toBe(true);
    expect(orders.some(({ new_note }) => /\p{Emoji_Presentation}/u.test(text(new_note)))).toBe(true);
    expect(orders.some(({ new_name }) => /\p{Script=Arabic}/u.test(text(new_name)))).toBe(true);
    expect(share((order) => (order['_new_contactid_value'] as unknown) === null)).toBeGreaterThan(0.01);
    expect(share((order) => (order['new_total'] as unknown) === null)).toBeGreaterThan(0);
    expect(share((order) => Number(order['statecode']) === 1)).toBeGreaterThan(0);
    expect(share((order) => Number(order['statecode']) === 1)).toBeLessThan(0.1);
    for (const order of orders) {
      const suits = Number(order['statecode']) === 1 ? [2, 100_000_001] : [1, 100_000_000];
      expect(suits).toContain(Number(order['statuscode']));
    }
  });

  it('are the same for the same seed after a reset, and others for another', async () => {
    const ids = async () => pluck(await api.get('new_orders?$select=new_orderid'), 'new_orderid');
    const before = await ids();
    await api.caller.succeed('POST', 'reset', { contacts: CONTACTS, seed: 2 });
    api.caller.forgetTokens();
    expect(await ids()).not.toEqual(before);
    await api.caller.succeed('POST', 'reset', { contacts: CONTACTS, seed: 1 });
    api.caller.forgetTokens();
    expect(await ids()).toEqual(before);
  });
});

describe('change tracking of a custom table', () => {
  it('tells of a changed and of a deleted row', async () => {
    const first = await api.get('new_stores?$select=new_name', { prefer: 'odata.track-changes' });
    const [changed = '', deleted = ''] = pluck(first, 'new_storeid');
    await api.succeed('PATCH', `new_stores(${changed})`, { new_name: 'Ōsaka' });
    await api.succeed('DELETE', `new_stores(${deleted})`);
    const delta = await api.follow(first.json['@odata.deltaLink']);
    expect(valuesOf(delta)).toMatchObject([{ new_name: 'Ōsaka' }, { id: deleted, reason: 'deleted' }]);
  });
});

describe('deleting a parent', () => {
  it('takes the link out of a contact’s orders, and the lines with an order', async () => {
    const contact = await api.create('contacts', { lastname: 'Buyer' });
    const order = await api.create('new_orders', {
      new_name: 'Deleted with its lines',
      'new_contactid@odata.bind': `/contacts(${contact})`,
    });
    const line = await api.create('new_orderlines', { 'new_orderid@odata.bind': `/new_orders(${order})` });
    const shipment = await api.create('new_shipments', {
      'new_orderlineid@odata.bind': `/new_orderlines(${line})`,
    });
    await api.succeed('DELETE', `contacts(${contact})`);
    expect((await api.get(`new_orders(${order})`)).json['_new_contactid_value']).toBeNull();
    await api.succeed('DELETE', `new_orders(${order})`);
    expect((await api.get(`new_orderlines(${line})`)).status).toBe(404);
    expect((await api.get(`new_shipments(${shipment})`)).json['_new_orderlineid_value']).toBeNull();
  });

  it('refuses a value that a column cannot hold, as for any table', async () => {
    const answer = await api.call('POST', 'new_orders', { new_number: 'x'.repeat(21) });
    expect([answer.status, text(answer.json['error']?.['code'])]).toEqual([400, '0x80044331']);
  });
});
