import { describe, expect, it } from 'vitest';
import { codeOf, idIn, list, messageOf, pluck, text, useApi, valuesOf } from './support.js';

const api = useApi();
const ABSENT = '00000000-0000-4000-8000-00000000dead';

describe('creating a row', () => {
  it('answers 204 with the address of the new row, under the host and version of the request', async () => {
    for (const version of ['v9.0', 'v9.1', 'v9.2']) {
      const answer = await api.caller.dynamics('POST', `/api/data/${version}/contacts`, {
        lastname: 'Okonkwo',
      });
      expect(answer.status).toBe(204);
      expect(answer.headers.get('odata-version')).toBe('4.0');
      const address = answer.headers.get('odata-entityid') ?? '';
      expect(address).toMatch(
        new RegExp(`^${api.caller.ready.dynamics}/api/data/${version}/contacts\\([0-9a-f-]{36}\\)$`),
      );
      const row = await api.get(`contacts(${idIn(address)})?$select=lastname`);
      expect(row.json['lastname']).toBe('Okonkwo');
    }
  });

  it('answers 201 with the row and without OData-EntityId when a representation is preferred', async () => {
    const answer = await api.call(
      'POST',
      'contacts?$select=fullname',
      { firstname: 'Ada', lastname: 'Meyer' },
      { prefer: 'return=representation' },
    );
    expect(answer.status).toBe(201);
    expect(answer.headers.get('odata-entityid')).toBeNull();
    expect(answer.headers.get('preference-applied')).toContain('return=representation');
    expect(answer.json['fullname']).toBe('Ada Meyer');
    expect(Object.keys(answer.json).sort()).toEqual([
      '@odata.context',
      '@odata.etag',
      'contactid',
      'fullname',
    ]);
  });

  it('fills the defaults, the owner and the times', async () => {
    const id = await api.create('contacts', { lastname: 'Default' });
    const me = text((await api.get('WhoAmI')).json['UserId']);
    const { json } = await api.get(`contacts(${id})`);
    expect(json).toMatchObject({
      statecode: 0,
      statuscode: 1,
      donotemail: false,
      donotbulkemail: false,
      followemail: true,
      marketingonly: false,
      _ownerid_value: me,
      _createdby_value: me,
      firstname: null,
      birthdate: null,
      fullname: 'Default',
    });
    expect(text(json['createdon'])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(json['modifiedon']).toBe(json['createdon']);
    expect(json['@odata.etag']).toBe(`W/"${text(json['versionnumber'])}"`);
  });

  it('takes the time of a migrated row', async () => {
    const id = await api.create('contacts', { lastname: 'Old', overriddencreatedon: '2019-03-04T00:00:00Z' });
    expect((await api.get(`contacts(${id})`)).json['createdon']).toBe('2019-03-04T00:00:00Z');
  });

  it('takes an id of the client’s, and refuses it a second time with 412', async () => {
    const contactid = '0A1B2C3D-0000-4000-8000-000000000001';
    expect(await api.create('contacts', { contactid, lastname: 'Own' })).toBe(contactid.toLowerCase());
    const again = await api.call('POST', 'contacts', { contactid, lastname: 'Own' });
    expect([again.status, codeOf(again)]).toEqual([412, '0x80040237']);
  });

  it('makes children and parents together with the row, or nothing', async () => {
    const id = await api.create('accounts', {
      name: 'Deep',
      primarycontactid: { lastname: 'Above' },
      contact_customer_accounts: [{ lastname: 'Below 1' }, { lastname: 'Below 2' }],
    });
    const read = await api.get(
      `accounts(${id})?$select=name&$expand=primarycontactid($select=lastname),contact_customer_accounts($select=lastname;$orderby=lastname desc)`,
    );
    expect(read.json['primarycontactid']).toMatchObject({ lastname: 'Above' });
    expect(list(read.json['contact_customer_accounts']).map((row) => row['lastname'])).toEqual([
      'Below 2',
      'Below 1',
    ]);
    const count = async () => (await api.get("contacts/$count?$filter=startswith(lastname,'Below')")).text;
    const before = await count();
    const refused = await api.call('POST', 'accounts', {
      name: 'Half',
      contact_customer_accounts: [{ lastname: 'Below 3' }, { gendercode: 99 }],
    });
    expect(refused.status).toBe(400);
    expect(await count()).toBe(before);
    expect((await api.get("accounts/$count?$filter=name eq 'Half'")).text).toBe('0');
  });
});

describe('changing a row', () => {
  it('changes what is named, clears what is null, and takes a new version and time', async () => {
    const id = await api.create('contacts', {
      firstname: 'Ines',
      lastname: 'Álvarez',
      jobtitle: 'Buyer',
      followemail: true,
    });
    const before = (await api.get(`contacts(${id})`)).json;
    await api.advance('PT1H');
    expect(
      (await api.call('PATCH', `contacts(${id})`, { jobtitle: null, donotemail: true, followemail: null }))
        .status,
    ).toBe(204);
    const after = (await api.get(`contacts(${id})`)).json;
    expect(after).toMatchObject({ firstname: 'Ines', jobtitle: null, donotemail: true, followemail: null });
    expect(Number(after['versionnumber'])).toBeGreaterThan(Number(before['versionnumber']));
    expect(
      Date.parse(text(after['modifiedon'])) - Date.parse(text(before['modifiedon'])),
    ).toBeGreaterThanOrEqual(3_600_000);
    expect(after['createdon']).toBe(before['createdon']);
  });

  it('makes an absent row, unless If-Match says it must be there', async () => {
    const refused = await api.call('PATCH', `contacts(${ABSENT})`, { lastname: 'New' }, { 'if-match': '*' });
    expect([refused.status, codeOf(refused)]).toEqual([404, '0x80040217']);
    const upserted = await api.call('PATCH', `contacts(${ABSENT})`, { lastname: 'New' });
    expect(upserted.status).toBe(204);
    expect(idIn(upserted.headers.get('odata-entityid') ?? '')).toBe(ABSENT);
    const insertOnly = await api.call(
      'PATCH',
      `contacts(${ABSENT})`,
      { lastname: 'Newer' },
      { 'if-none-match': '*' },
    );
    expect([insertOnly.status, messageOf(insertOnly)]).toEqual([
      412,
      'A record with matching key values already exists.',
    ]);
    expect((await api.get(`contacts(${ABSENT})`)).json['lastname']).toBe('New');
  });

  it('tells creation from update by the status of a representation', async () => {
    const path = 'contacts(00000000-0000-4000-8000-000000000201)';
    const prefer = { prefer: 'return=representation' };
    expect((await api.call('PATCH', path, { lastname: 'A' }, prefer)).status).toBe(201);
    const second = await api.call('PATCH', path, { lastname: 'B' }, prefer);
    expect([second.status, second.json['lastname']]).toEqual([200, 'B']);
  });

  it('checks the version that If-Match names, and takes `null` for no precondition', async () => {
    const id = await api.create('contacts', { lastname: 'Locked' });
    const etag = text((await api.get(`contacts(${id})`)).json['@odata.etag']);
    expect(
      (await api.call('PATCH', `contacts(${id})`, { lastname: 'One' }, { 'if-match': etag })).status,
    ).toBe(204);
    const stale = await api.call('PATCH', `contacts(${id})`, { lastname: 'Two' }, { 'if-match': etag });
    expect([stale.status, codeOf(stale)]).toEqual([412, '0x80060882']);
    const unconditional = await api.call(
      'PATCH',
      `contacts(${id})`,
      { lastname: 'Three' },
      { 'if-none-match': 'null' },
    );
    expect(unconditional.status).toBe(204);
  });

  it('writes and clears a single column', async () => {
    const id = await api.create('contacts', { lastname: 'Column' });
    expect((await api.call('PUT', `contacts(${id})/lastname`, { value: 'Byron' })).status).toBe(204);
    expect((await api.get(`contacts(${id})/lastname`)).json['value']).toBe('Byron');
    expect((await api.get(`contacts(${id})/lastname/$value`)).text).toBe('Byron');
    expect((await api.call('DELETE', `contacts(${id})/lastname`)).status).toBe(204);
    expect((await api.get(`contacts(${id})/lastname`)).status).toBe(204);
  });

  it('takes the first status reason of a new state, and refuses one of another state', async () => {
    const id = await api.create('contacts', { lastname: 'State' });
    const wrong = await api.call('PATCH', `contacts(${id})`, { statuscode: 2 });
    expect([wrong.status, codeOf(wrong)]).toEqual([400, '0x80048408']);
    await api.succeed('PATCH', `contacts(${id})`, { statecode: 1 });
    expect((await api.get(`contacts(${id})`)).json).toMatchObject({ statecode: 1, statuscode: 2 });
    await api.succeed('PATCH', `contacts(${id})`, { statecode: 0, statuscode: 1 });
    expect((await api.get(`contacts(${id})`)).json).toMatchObject({ statecode: 0, statuscode: 1 });
  });
});

describe('a payload', () => {
  const refused: [string, Record<string, unknown>, string][] = [
    ['an unknown property', { nosuchcolumn: 1 }, '0x80048d19'],
    ['a property in the wrong case', { LastName: 'x' }, '0x80048d19'],
    ['a text that is too long', { firstname: 'x'.repeat(51) }, '0x80044331'],
    ['a number for a text', { firstname: 5 }, '0x80048d19'],
    ['a text for a boolean', { donotemail: 'true' }, '0x80048d19'],
    ['an unknown option', { gendercode: 9 }, '0x8004431a'],
    ['an integer out of range', { numberofchildren: -1 }, '0x8004432f'],
    ['an amount out of range', { annualincome: -5 }, '0x80044330'],
    ['a time for a date', { birthdate: '1990-02-17T00:00:00Z' }, '0x80048d19'],
    ['a day that does not exist', { birthdate: '1990-02-30' }, '0x80048d19'],
    ['a bad GUID', { contactid: 'abc' }, '0x80048d19'],
    ['a lookup by its read-only property', { _parentcustomerid_value: ABSENT }, '0x80060888'],
    [
      'a navigation property in the wrong case',
      { 'ParentCustomerId_Account@odata.bind': `/accounts(${ABSENT})` },
      '0x80048d19',
    ],
    [
      'a row of the wrong table',
      { 'parentcustomerid_account@odata.bind': `/contacts(${ABSENT})` },
      '0x80048d19',
    ],
  ];
  it.each(refused)('with %s is refused', async (_what, body, code) => {
    const answer = await api.call('POST', 'contacts', { lastname: 'Refused', ...body });
    expect([answer.status, codeOf(answer)]).toEqual([400, code]);
    expect(messageOf(answer)).not.toBe('');
  });

  it('that points to an absent row is a 404', async () => {
    const body = {
      lastname: 'x',
      'parentcustomerid_account@odata.bind': '/accounts(00000000-0000-4000-8000-00000000beef)',
    };
    const answer = await api.call('POST', 'contacts', body);
    expect([answer.status, codeOf(answer)]).toEqual([404, '0x80040217']);
  });

  it('that is no JSON is refused', async () => {
    const answer = await api.call('POST', 'contacts', '{"lastname":');
    expect([answer.status, codeOf(answer)]).toEqual([400, '0x80048d19']);
  });

  it('keeps text as it is, an empty one as null, and counts characters up to the limit', async () => {
    const firstname = 'ŁÓDŹ 中文 '.padEnd(50, 'é');
    const id = await api.create('contacts', { firstname, lastname: 'O\'Brien "x" 🎉 مرحبا', jobtitle: '' });
    expect((await api.get(`contacts(${id})`)).json).toMatchObject({
      firstname,
      lastname: 'O\'Brien "x" 🎉 مرحبا',
      jobtitle: null,
    });
  });

  it('cannot set what the platform fills', async () => {
    const id = await api.create('contacts', {
      firstname: 'A',
      lastname: 'B',
      fullname: 'Someone else',
      versionnumber: 5,
    });
    const { json } = await api.get(`contacts(${id})`);
    expect(json['fullname']).toBe('A B');
    expect(Number(json['versionnumber'])).toBeGreaterThan(5);
  });

  it('counts refused rows in the statistics', async () => {
    await api.caller.succeed('POST', 'stats/reset');
    await api.call('POST', 'contacts', { gendercode: 9 });
    const { json } = await api.caller.control('GET', 'stats');
    expect(json['dynamics']).toMatchObject({
      total: 1,
      rejectedRows: 1,
      byRoute: { 'POST contacts': { '400': 1 } },
    });
  });
});

describe('lookups', () => {
  it('are set by binding, by id or absolute address, and cleared by null', async () => {
    const account = await api.create('accounts', { name: 'Northwind' });
    const id = await api.create('contacts', {
      lastname: 'Bound',
      'parentcustomerid_account@odata.bind': `/accounts(${account.toUpperCase()})`,
    });
    const read = async () =>
      (await api.get(`contacts(${id})`, { prefer: 'odata.include-annotations="*"' })).json;
    expect(await read()).toMatchObject({
      _parentcustomerid_value: account,
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'account',
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty':
        'parentcustomerid_account',
      '_parentcustomerid_value@OData.Community.Display.V1.FormattedValue': 'Northwind',
    });
    const other = await api.create('contacts', { lastname: 'Boss' });
    await api.succeed('PATCH', `contacts(${id})`, {
      'parentcustomerid_contact@odata.bind': `${api.base}contacts(${other})`,
    });
    expect(await read()).toMatchObject({
      '_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname': 'contact',
    });
    await api.succeed('PATCH', `contacts(${id})`, { 'parentcustomerid_contact@odata.bind': null });
    expect(await read()).toMatchObject({ _parentcustomerid_value: null });
  });

  it('are cut, or take their row along, when the row they point to is deleted', async () => {
    const contact = await api.create('contacts', { lastname: 'Primary' });
    const account = await api.create('accounts', {
      name: 'Left',
      'primarycontactid@odata.bind': `/contacts(${contact})`,
    });
    await api.succeed('DELETE', `contacts(${contact})`);
    expect((await api.get(`accounts(${account})`)).json['_primarycontactid_value']).toBeNull();
    const child = await api.create('contacts', {
      lastname: 'Dragged',
      'parentcustomerid_account@odata.bind': `/accounts(${account})`,
    });
    await api.succeed('DELETE', `accounts(${account})`);
    expect((await api.get(`contacts(${child})`)).status).toBe(404);
  });

  it('are read, set and cut as references', async () => {
    const account = await api.create('accounts', { name: 'Referenced' });
    const id = await api.create('contacts', { lastname: 'Referrer' });
    const path = `contacts(${id})/parentcustomerid_account/$ref`;
    expect((await api.get(path)).status).toBe(204);
    expect((await api.call('PUT', path, { '@odata.id': `${api.base}accounts(${account})` })).status).toBe(
      204,
    );
    expect((await api.get(path)).json['@odata.id']).toBe(`${api.base}accounts(${account})`);
    expect((await api.get(`contacts(${id})/parentcustomerid_account?$select=name`)).json['name']).toBe(
      'Referenced',
    );
    expect(
      pluck(await api.get(`accounts(${account})/contact_customer_accounts?$select=lastname`), 'lastname'),
    ).toEqual(['Referrer']);
    expect((await api.call('DELETE', path)).status).toBe(204);
    expect((await api.get(path)).status).toBe(204);
    const collection = `accounts(${account})/contact_customer_accounts`;
    expect((await api.call('POST', `${collection}/$ref`, { '@odata.id': `contacts(${id})` })).status).toBe(
      204,
    );
    expect((await api.get(`${collection}/$count`)).text).toBe('1');
    expect((await api.call('DELETE', `${collection}(${id})/$ref`)).status).toBe(204);
    expect((await api.get(`${collection}/$count`)).text).toBe('0');
  });

  it('get new rows through the other side', async () => {
    const account = await api.create('accounts', { name: 'Parent' });
    const answer = await api.call('POST', `accounts(${account})/contact_customer_accounts`, {
      lastname: 'Child',
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('odata-entityid')).toMatch(/\/contacts\(/);
    expect(
      pluck(await api.get(`accounts(${account})/contact_customer_accounts`), '_parentcustomerid_value'),
    ).toEqual([account]);
  });
});

describe('deleting a row', () => {
  it('answers 204, then 404', async () => {
    const id = await api.create('contacts', { lastname: 'Deleted' });
    expect((await api.call('DELETE', `contacts(${id})`)).status).toBe(204);
    const again = await api.call('DELETE', `contacts(${id})`);
    expect([again.status, codeOf(again)]).toEqual([404, '0x80040217']);
    expect((await api.get(`contacts(${id})`)).status).toBe(404);
  });

  it('is refused with 405 by a restricting relationship, and spreads along a cascading one', async () => {
    await api.defineTable('new_Parent');
    for (const [name, cascade] of [
      ['new_Restricted', 'Restrict'],
      ['new_Cascaded', 'Cascade'],
    ] as const) {
      await api.defineTable(name);
      await api.succeed('POST', 'RelationshipDefinitions', {
        '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
        SchemaName: `new_parent_${name}`,
        ReferencedEntity: 'new_parent',
        ReferencingEntity: name.toLowerCase(),
        CascadeConfiguration: {
          Delete: cascade,
          Assign: 'NoCascade',
          Merge: 'NoCascade',
          Reparent: 'NoCascade',
          Share: 'NoCascade',
          Unshare: 'NoCascade',
        },
        Lookup: {
          '@odata.type': 'Microsoft.Dynamics.CRM.LookupAttributeMetadata',
          SchemaName: 'new_ParentId',
          DisplayName: { LocalizedLabels: [{ Label: 'Parent', LanguageCode: 1033 }] },
        },
      });
    }
    const held = await api.create('new_parents', { new_name: 'held' });
    const holder = await api.create('new_restricteds', {
      new_name: 'holder',
      'new_ParentId@odata.bind': `/new_parents(${held})`,
    });
    const dragged = await api.create('new_cascadeds', {
      new_name: 'dragged',
      'new_ParentId@odata.bind': `/new_parents(${held})`,
    });
    const refused = await api.call('DELETE', `new_parents(${held})`);
    expect([refused.status, codeOf(refused)]).toEqual([405, '0x80040227']);
    expect((await api.get(`new_cascadeds(${dragged})`)).status).toBe(200);
    await api.succeed('DELETE', `new_restricteds(${holder})`);
    await api.succeed('DELETE', `new_parents(${held})`);
    expect((await api.get(`new_cascadeds(${dragged})`)).status).toBe(404);
  });
});

describe('merging', () => {
  const reference = (contactid: string) => ({ '@odata.type': 'Microsoft.Dynamics.CRM.contact', contactid });

  it('deactivates the loser, which points to the winner, and moves what pointed to it', async () => {
    const winner = await api.create('contacts', { lastname: 'Winner' });
    const loser = await api.create('contacts', { lastname: 'Loser' });
    const child = await api.create('contacts', {
      lastname: 'Child',
      'parentcustomerid_contact@odata.bind': `/contacts(${loser})`,
    });
    const tracked = await api.get('contacts?$select=lastname', { prefer: 'odata.track-changes' });
    const answer = await api.call('POST', 'Merge', {
      Target: reference(winner),
      Subordinate: reference(loser),
      UpdateContent: { '@odata.type': 'Microsoft.Dynamics.CRM.contact', jobtitle: 'Kept' },
      PerformParentingChecks: false,
    });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect((await api.get(`contacts(${loser})`)).json).toMatchObject({
      statecode: 1,
      statuscode: 2,
      merged: true,
      _masterid_value: winner,
    });
    expect((await api.get(`contacts(${child})`)).json['_parentcustomerid_value']).toBe(winner);
    expect((await api.get(`contacts(${winner})`)).json['jobtitle']).toBe('Kept');
    const changes = await api.follow(tracked.json['@odata.deltaLink']);
    expect(pluck(changes, 'contactid').toSorted()).toEqual([winner, loser, child].toSorted());
  });

  it('of a contact with itself, with none or with another table’s row is refused, and changes nothing', async () => {
    const one = await api.create('contacts', { lastname: 'One' });
    const account = await api.create('accounts', { name: 'Shop' });
    const gone = '00000000-0000-4000-8000-00000000901e';
    const merge = (Target: object, Subordinate: unknown) =>
      api.call('POST', 'Merge', { Target, Subordinate, PerformParentingChecks: false });
    const statuses = [
      await merge(reference(one), reference(one)),
      await merge(reference(one), {
        '@odata.type': 'Microsoft.Dynamics.CRM.account',
        accountid: account,
      }),
      await merge(reference(one), undefined),
      await merge(reference(one), reference(gone)),
    ].map(({ status }) => status);
    expect(statuses).toEqual([400, 400, 400, 404]);
    expect((await api.get(`contacts(${one})`)).json).toMatchObject({ statecode: 0, merged: false });
  });
});

describe('activities', () => {
  it('are about a contact by either form of the regarding property, and have parties', async () => {
    await api.defineTable('new_MailEvent', {
      IsActivity: true,
      ActivityTypeMask: 1,
      IsAvailableOffline: true,
      ChangeTrackingEnabled: true,
    });
    const contact = await api.create('contacts', { lastname: 'Regarded' });
    const ids: string[] = [];
    for (const property of ['regardingobjectid_contact_new_mailevent', 'regardingobjectid_contact']) {
      ids.push(
        await api.create('new_mailevents', {
          subject: property,
          [`${property}@odata.bind`]: `/contacts(${contact})`,
          new_mailevent_activity_parties: [
            { 'partyid_contact@odata.bind': `/contacts(${contact})`, participationtypemask: 2 },
          ],
        }),
      );
    }
    const read = await api.get(
      `new_mailevents?$filter=_regardingobjectid_value eq ${contact}&$expand=new_mailevent_activity_parties($select=participationtypemask,_partyid_value)`,
      { prefer: 'odata.include-annotations="Microsoft.Dynamics.CRM.lookuplogicalname"' },
    );
    expect(pluck(read, 'activityid').sort()).toEqual([...ids].sort());
    for (const row of valuesOf(read)) {
      expect(row['_regardingobjectid_value@Microsoft.Dynamics.CRM.lookuplogicalname']).toBe('contact');
      expect(list(row['new_mailevent_activity_parties'])).toMatchObject([
        { participationtypemask: 2, _partyid_value: contact },
      ]);
    }
    expect(
      pluck(
        await api.get(
          `activitypointers?$filter=_regardingobjectid_value eq ${contact}&$select=activitytypecode`,
        ),
        'activitytypecode',
      ),
    ).toEqual(['new_mailevent', 'new_mailevent']);
  });
});
