import { beforeAll, describe, expect, it } from 'vitest';
import { codeOf, idIn, label, messageOf, stringColumn, useApi } from './support.js';

const api = useApi();
const JSON_BACK = { prefer: 'return=representation' };

beforeAll(async () => {
  await api.defineTable('new_Thing', {}, [
    stringColumn('new_Code'),
    {
      '@odata.type': 'Microsoft.Dynamics.CRM.IntegerAttributeMetadata',
      SchemaName: 'new_Part',
      DisplayName: label('Part'),
      RequiredLevel: { Value: 'None' },
    },
  ]);
  for (const [name, columns] of [
    ['new_CodeKey', ['new_code']],
    ['new_PartKey', ['new_code', 'new_part']],
  ] as const) {
    await api.succeed('POST', "EntityDefinitions(LogicalName='new_thing')/Keys", {
      SchemaName: name,
      KeyAttributes: columns,
      DisplayName: label(name),
    });
  }
  await api.advance('PT1M');
});

describe('an alternate key', () => {
  it('makes and changes a row, and its address keeps the key’s form', async () => {
    for (const [body, status] of [
      [{ new_name: 'made' }, 204],
      [{ new_name: 'changed' }, 204],
    ] as const) {
      const answer = await api.call('PATCH', "new_things(new_code='U-1')", body);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('odata-entityid')).toBe(`${api.base}new_things(new_code='U-1')`);
    }
    expect((await api.get("new_things(new_code='u-1')?$select=new_name,new_code")).json).toMatchObject({
      new_name: 'changed',
      new_code: 'U-1',
    });
  });

  it('tells creation from change by 201 or 200 with a representation and an ETag', async () => {
    for (const status of [201, 200]) {
      const answer = await api.call('PATCH', "new_things(new_code='U-2')", { new_name: 'x' }, JSON_BACK);
      expect(answer.status).toBe(status);
      expect(answer.headers.get('etag')).toBe(String(answer.json['@odata.etag']));
    }
  });

  it('has its column in the body win on creation, and ignored on change', async () => {
    const made = await api.call('PATCH', "new_things(new_code='U-3')", { new_code: 'U-3b' }, JSON_BACK);
    expect(made.json['new_code']).toBe('U-3b');
    const changed = await api.call(
      'PATCH',
      "new_things(new_code='U-3b')",
      { new_code: 'other', new_name: 'y' },
      JSON_BACK,
    );
    expect([changed.status, changed.json['new_code'], changed.json['new_name']]).toEqual([200, 'U-3b', 'y']);
  });

  it('of several parts, encoded, with quotes doubled, finds its row', async () => {
    await api.succeed('POST', 'new_things', { new_code: "O'K ä", new_part: 5, new_name: 'parts' });
    const answer = await api.get(
      `new_things(new_part=5,new_code='${encodeURIComponent("O''K ä")}')?$select=new_name`,
    );
    expect(answer.json['new_name']).toBe('parts');
  });

  it('without a row is a 404 of its own', async () => {
    const answer = await api.get("new_things(new_code='none')");
    expect([answer.status, codeOf(answer)]).toEqual([404, '0x80060891']);
    expect(messageOf(answer)).toBe(
      'A record with the specified key values does not exist in new_thing entity',
    );
    expect((await api.call('PATCH', "new_things(new_code='none')", {}, { 'if-match': '*' })).status).toBe(
      404,
    );
  });

  it('is unique: a second row with its value is refused with 412', async () => {
    await api.succeed('POST', 'new_things', { new_code: 'once' });
    const again = await api.call('POST', 'new_things', { new_code: 'ONCE' });
    expect([again.status, codeOf(again)]).toEqual([412, '0x80060892']);
    const other = await api.create('new_things', { new_code: 'twice' });
    expect(codeOf(await api.call('PATCH', `new_things(${other})`, { new_code: 'once' }))).toBe('0x80060892');
    await api.succeed('POST', 'new_things', { new_name: 'no code' });
    await api.succeed('POST', 'new_things', { new_name: 'no code either' });
  });

  it('names a row in a binding', async () => {
    await api.succeed('POST', 'RelationshipDefinitions', {
      '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      SchemaName: 'new_thing_contact',
      ReferencedEntity: 'new_thing',
      ReferencingEntity: 'contact',
      Lookup: {
        '@odata.type': 'Microsoft.Dynamics.CRM.LookupAttributeMetadata',
        SchemaName: 'new_ThingId',
        DisplayName: label('Thing'),
      },
    });
    const thing = await api.create('new_things', { new_code: 'bound' });
    const id = await api.create('contacts', {
      lastname: 'x',
      'new_ThingId@odata.bind': "/new_things(new_code='bound')",
    });
    expect((await api.get(`contacts(${id})`)).json['_new_thingid_value']).toBe(thing);
    const absent = await api.call('POST', 'contacts', {
      'new_ThingId@odata.bind': "/new_things(new_code='unbound')",
    });
    expect([absent.status, codeOf(absent)]).toEqual([404, '0x80060891']);
  });

  it('with a character that the web server refuses in a path cannot be used there', async () => {
    for (const code of ['a%2Fb', 'a%3Ab', 'a%26b', 'a%3Fb']) {
      await api.succeed('POST', 'new_things', { new_code: decodeURIComponent(code) });
      expect((await api.get(`new_things(new_code='${code}')`)).status).toBeGreaterThanOrEqual(400);
    }
  });

  it('does not stand in for an id: an id still finds the row', async () => {
    const id = await api.create('new_things', { new_code: 'both' });
    const answer = await api.call('PATCH', `new_things(new_thingid=${id})`, { new_name: 'by id' });
    expect(idIn(answer.headers.get('odata-entityid') ?? '')).toBe(id);
  });
});
