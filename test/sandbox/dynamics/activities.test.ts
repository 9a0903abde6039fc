import { beforeAll, describe, expect, it } from 'vitest';
import { text } from '../core/support.js';
import { codeOf, list, pluck, stringColumn, useApi, valuesOf, type Json } from './support.js';

const api = useApi({ contacts: 4, model: { version: 1, withDefaults: false } });
const SET = 'new_mailevents';
const CREATE_MULTIPLE = `${SET}/Microsoft.Dynamics.CRM.CreateMultiple`;
const ABSENT = '99999999-9999-4999-8999-999999999999';
let contacts: string[];

beforeAll(async () => {
  await api.defineTable('new_MailEvent', { IsActivity: true, ChangeTrackingEnabled: true }, [
    stringColumn('new_Campaign'),
  ]);
  contacts = pluck(await api.get('contacts?$select=contactid'), 'contactid');
});

const id = (n: number) => `5d1f0000-0000-5000-8000-${String(n).padStart(12, '0')}`;
const regarding = (contact: string | undefined) => ({
  'regardingobjectid_contact_new_mailevent@odata.bind': `/contacts(${contact})`,
});
const event = (n: number, columns: object = {}) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.new_mailevent',
  activityid: id(n),
  subject: `event ${n}`,
  ...columns,
});
const createMultiple = (...Targets: object[]) => api.call('POST', CREATE_MULTIPLE, { Targets });
const subjects = async () => pluck(await api.get(`${SET}?$select=subject&$orderby=subject`), 'subject');

describe('CreateMultiple of a custom activity', () => {
  it('makes rows of the given ids, regarding their contact by either form of the property', async () => {
    const made = await createMultiple(
      event(1, regarding(contacts[0])),
      event(2, { 'regardingobjectid_contact@odata.bind': `/contacts(${contacts[0]})` }),
    );
    expect(made.json['Ids']).toEqual([id(1), id(2)]);
    const rows = valuesOf(await api.get(`${SET}?$select=subject,_regardingobjectid_value`));
    expect(rows.map((row) => text(row['_regardingobjectid_value']))).toEqual([contacts[0], contacts[0]]);
    const timeline = await api.get(`contacts(${contacts[0]})/Contact_ActivityPointers?$select=subject`);
    expect(pluck(timeline, 'subject')).toEqual(['event 1', 'event 2']);
  });

  it.each([
    ['a contact that does not exist', event(9, regarding(ABSENT)), 404, '0x80040217'],
    ['an id that is taken', event(1), 412, '0x80040237'],
    ['a text that is too long', event(9, { new_campaign: 'x'.repeat(51) }), 400, '0x80044331'],
    ['a column that is not there', event(9, { new_unknown: 1 }), 400, '0x80048d19'],
  ])('makes none when one has %s', async (_what, bad, status, code) => {
    const before = await subjects();
    const refused = await createMultiple(event(8, regarding(contacts[1])), bad);
    expect([refused.status, codeOf(refused)]).toEqual([status, code]);
    expect(await subjects()).toEqual(before);
  });

  it('is listed among the message filters, and gone from them where the limits take it away', async () => {
    const filters = () =>
      api.get(
        "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq 'CreateMultiple' and primaryobjecttypecode eq 'new_mailevent'",
      );
    expect(valuesOf(await filters())).toHaveLength(1);
    await api.caller.succeed('PUT', 'limits', { dynamics: { bulkActions: { new_mailevent: [] } } });
    expect(valuesOf(await filters())).toHaveLength(0);
    const refused = await createMultiple(event(7));
    expect([refused.status, codeOf(refused)]).toEqual([400, '0x80040800']);
    await api.caller.succeed('DELETE', 'limits');
  });
});

it('a batch that goes on after errors makes the good rows, and tells each bad one', async () => {
  const part = (body: object) =>
    [
      '--b',
      'Content-Type: application/http',
      'Content-Transfer-Encoding: binary',
      '',
      `POST /api/data/v9.2/${SET} HTTP/1.1`,
      'Content-Type: application/json',
      '',
      JSON.stringify(body),
      '',
    ].join('\r\n');
  const answer = await api.call(
    'POST',
    '$batch',
    `${part(event(20))}${part(event(1))}${part(event(21, regarding(ABSENT)))}${part(event(22))}--b--\r\n`,
    { 'content-type': 'multipart/mixed; boundary=b', prefer: 'odata.continue-on-error' },
  );
  expect(answer.status).toBe(200);
  expect([...answer.text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)).toEqual([
    '204',
    '412',
    '404',
    '204',
  ]);
  expect(await subjects()).toEqual(expect.arrayContaining(['event 20', 'event 22']));
});

it('rows that a batch writes take execution time like those of a bulk action', async () => {
  await api.caller.succeed('PUT', 'limits', { dynamics: { executionMs: 900, executionMsPerRow: 1000 } });
  await api.create(SET, event(30));
  const refused = await api.get('WhoAmI');
  expect([refused.status, codeOf(refused)]).toEqual([429, '0x80072321']);
  await api.caller.succeed('DELETE', 'limits');
});

it('a deleted contact takes its activities with it, as the relationship says', async () => {
  const [relationship] = valuesOf(
    await api.get(
      "EntityDefinitions(LogicalName='new_mailevent')/ManyToOneRelationships?$select=CascadeConfiguration&$filter=ReferencedEntity eq 'contact'",
    ),
  );
  expect(relationship?.['CascadeConfiguration']?.['Delete']).toBe('Cascade');
  await createMultiple(event(40, regarding(contacts[3])), event(41, regarding(contacts[2])));
  await api.succeed('DELETE', `contacts(${contacts[3]})`);
  expect((await api.get(`${SET}(${id(40)})`)).status).toBe(404);
  expect((await api.get(`${SET}(${id(41)})`)).status).toBe(200);
});

describe('the privileges of the application user', () => {
  const privileges = async (): Promise<Map<string, Json>> => {
    const userId = text((await api.get('WhoAmI')).json['UserId']);
    const { json } = await api.get(`systemusers(${userId})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges()`);
    return new Map(list(json['RolePrivileges']).map((each) => [text(each['PrivilegeName']), each]));
  };

  it('are those that the tables have, organisation-wide', async () => {
    const held = await privileges();
    for (const table of ['contact', 'new_mailevent']) {
      const definition = await api.get(`EntityDefinitions(LogicalName='${table}')?$select=Privileges`);
      const named = list(definition.json['Privileges']);
      expect(named).toHaveLength(8);
      for (const each of named)
        expect(held.get(text(each['Name']))).toMatchObject({
          Depth: 'Global',
          PrivilegeId: each['PrivilegeId'],
        });
    }
    expect(held.has('prvReadContact')).toBe(true);
    // Activities share theirs.
    expect(held.has('prvCreateActivity')).toBe(true);
    expect([...held.keys()].filter((name) => /mailevent/i.test(name))).toEqual([]);
  });

  it('lack the organisation-wide read that the limits take away', async () => {
    await api.caller.succeed('PUT', 'limits', { dynamics: { globalReadMissing: ['contact'] } });
    const held = await privileges();
    expect(text(held.get('prvReadContact')?.['Depth'])).toBe('Local');
    expect(text(held.get('prvWriteContact')?.['Depth'])).toBe('Global');
    const tracked = await api.get('contacts?$select=lastname', { prefer: 'odata.track-changes' });
    expect([tracked.status, codeOf(tracked)]).toEqual([403, '0x80040220']);
    await api.caller.succeed('DELETE', 'limits');
  });
});
