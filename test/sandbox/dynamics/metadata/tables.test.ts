import { expect, test } from 'vitest';
import {
  activity,
  attribute,
  declaredIn,
  items,
  label,
  startMetadata,
  table,
  type Json,
  type MetadataService,
} from './service.js';

const options = (...labels: string[]): Json => ({
  OptionSet: {
    '@odata.type': 'Microsoft.Dynamics.CRM.OptionSetMetadata',
    IsGlobal: false,
    Options: labels.map((text, index) => ({ Value: 100_000_000 + index, Label: label(text) })),
  },
});

const EVERY_TYPE: Json[] = [
  attribute('String', 'new_Code', { MaxLength: 40, FormatName: { Value: 'Text' } }),
  attribute('Memo', 'new_Story', { MaxLength: 4000 }),
  attribute('Integer', 'new_Amount', { MinValue: 0, MaxValue: 100 }),
  attribute('BigInt', 'new_Big'),
  attribute('Decimal', 'new_Rate', { Precision: 4, MinValue: -5, MaxValue: 5 }),
  attribute('Double', 'new_Weight', { Precision: 3 }),
  attribute('Money', 'new_Price', { Precision: 2 }),
  attribute('Boolean', 'new_Done', {
    DefaultValue: true,
    OptionSet: {
      TrueOption: { Value: 1, Label: label('Finished') },
      FalseOption: { Value: 0, Label: label('Open') },
    },
  }),
  attribute('Picklist', 'new_Kind', options('Small', 'Large')),
  attribute('MultiSelectPicklist', 'new_Colors', options('Red', 'Green')),
  attribute('DateTime', 'new_Day', { Format: 'DateOnly', DateTimeBehavior: { Value: 'DateOnly' } }),
  attribute('DateTime', 'new_Moment', { Format: 'DateAndTime' }),
  attribute('Image', 'new_Picture', { MaxSizeInKB: 512 }),
  attribute('File', 'new_Letter', { MaxSizeInKB: 1024 }),
];

async function makeTable(service: MetadataService, schemaName = 'new_Thing'): Promise<void> {
  const made = await service.send('POST', 'EntityDefinitions', table(schemaName));
  expect([made.status, made.body]).toEqual([204, {}]);
}

const definition = (logicalName: string, rest = '') =>
  `EntityDefinitions(LogicalName='${logicalName}')${rest}`;

test('makes a table with columns of every type, a key and relationships, alike in $metadata and definitions', async () => {
  const service = await startMetadata();
  await makeTable(service);
  for (const column of EVERY_TYPE) {
    const added = await service.send('POST', definition('new_thing', '/Attributes'), column);
    expect([column['SchemaName'], added.status]).toEqual([column['SchemaName'], 204]);
    expect(added.entityId).toMatch(/\/EntityDefinitions\([0-9a-f-]{36}\)\/Attributes\([0-9a-f-]{36}\)$/);
  }
  const oneToMany = await service.send('POST', 'RelationshipDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
    SchemaName: 'new_contact_things',
    ReferencedEntity: 'contact',
    ReferencedAttribute: 'contactid',
    ReferencingEntity: 'new_thing',
    CascadeConfiguration: { Delete: 'Restrict' },
    Lookup: attribute('Lookup', 'new_Contact'),
  });
  expect(oneToMany.status).toBe(204);
  const manyToMany = await service.send('POST', 'RelationshipDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata',
    SchemaName: 'new_thing_accounts',
    Entity1LogicalName: 'new_thing',
    Entity2LogicalName: 'account',
    IntersectEntityName: 'new_thing_account',
  });
  expect(manyToMany.status).toBe(204);
  const key = await service.send('POST', definition('new_thing', '/Keys'), {
    SchemaName: 'new_CodeKey',
    KeyAttributes: ['new_code'],
    DisplayName: label('Code'),
  });
  expect(key.status).toBe(204);
  service.clock.advance(service.limits.current().dynamics.keyActivationMs);

  const csdl = await service.text('$metadata');
  const declared = declaredIn(csdl, 'new_thing');
  expect(Object.fromEntries(declared.properties)).toMatchObject({
    new_thingid: 'Edm.Guid',
    new_name: 'Edm.String',
    new_code: 'Edm.String',
    new_story: 'Edm.String',
    new_amount: 'Edm.Int32',
    new_big: 'Edm.Int64',
    new_rate: 'Edm.Decimal',
    new_weight: 'Edm.Double',
    new_price: 'Edm.Decimal',
    new_price_base: 'Edm.Decimal',
    new_done: 'Edm.Boolean',
    new_kind: 'Edm.Int32',
    new_colors: 'Edm.String',
    new_day: 'Edm.Date',
    new_moment: 'Edm.DateTimeOffset',
    new_letter: 'Edm.Guid',
    new_picture: 'Edm.Binary',
    _new_contact_value: 'Edm.Guid',
    _ownerid_value: 'Edm.Guid',
    _transactioncurrencyid_value: 'Edm.Guid',
    statecode: 'Edm.Int32',
    versionnumber: 'Edm.Int64',
  });
  expect(declared.navigation.get('new_Contact')).toBe('mscrm.contact');
  expect(declaredIn(csdl, 'contact').navigation.get('new_contact_things')).toBe(
    'Collection(mscrm.new_thing)',
  );
  expect(declared.navigation.get('new_thing_accounts')).toBe('Collection(mscrm.account)');
  expect(csdl).toContain('<EntitySet Name="new_things" EntityType="mscrm.new_thing">');
  expect(csdl).toContain('<PropertyValue Property="Name" PropertyPath="new_code" />');

  const { body } = await service.get(
    definition('new_thing', '?$select=EntitySetName&$expand=Attributes,Keys,ManyToOneRelationships'),
  );
  expect(body['EntitySetName']).toBe('new_things');
  const columns = body['Attributes'] as Json[];
  for (const { SchemaName: schemaName, '@odata.type': type } of EVERY_TYPE) {
    expect(columns.find((column) => column['SchemaName'] === schemaName)?.['@odata.type']).toBe(
      `#${String(type)}`,
    );
  }
  expect(body['Keys']).toMatchObject([{ KeyAttributes: ['new_code'], EntityKeyIndexStatus: 'Active' }]);
  expect(body['ManyToOneRelationships']).toContainEqual(
    expect.objectContaining({
      SchemaName: 'new_contact_things',
      ReferencingEntityNavigationPropertyName: 'new_Contact',
      ReferencedEntityNavigationPropertyName: 'new_contact_things',
      CascadeConfiguration: expect.objectContaining({ Delete: 'Restrict' }) as unknown,
    }),
  );
});

test('makes an activity with its columns, its parties and a regarding property for each table with activities', async () => {
  const service = await startMetadata();
  expect((await service.send('POST', 'EntityDefinitions', activity('new_MailEvent'))).status).toBe(204);
  const { body } = await service.get(
    definition(
      'new_mailevent',
      '?$select=IsActivity,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled',
    ),
  );
  expect(body).toMatchObject({
    IsActivity: true,
    PrimaryIdAttribute: 'activityid',
    PrimaryNameAttribute: 'subject',
    ChangeTrackingEnabled: true,
  });
  const { properties, navigation } = declaredIn(await service.text('$metadata'), 'new_mailevent');
  expect(properties.get('activityid')).toBe('Edm.Guid');
  expect(properties.get('subject')).toBe('Edm.String');
  expect(properties.get('_regardingobjectid_value')).toBe('Edm.Guid');
  expect(navigation.get('regardingobjectid_contact_new_mailevent')).toBe('mscrm.contact');
  expect(navigation.get('new_mailevent_activity_parties')).toBe('Collection(mscrm.activityparty)');
  const offered = [...service.records.rows('sdkmessagefilter')].map(({ values }) => values['name']);
  expect(offered).toContain('CreateMultiple new_mailevent');
});

test('lets activities be about a new table that has activities', async () => {
  const service = await startMetadata();
  await service.send('POST', 'EntityDefinitions', activity('new_MailEvent'));
  await service.send('POST', 'EntityDefinitions', table('new_Visit', { HasActivities: true }));
  const { body } = await service.get(
    definition(
      'new_mailevent',
      "/Attributes(LogicalName='regardingobjectid')/Microsoft.Dynamics.CRM.LookupAttributeMetadata?$select=Targets",
    ),
  );
  expect(body['Targets']).toEqual(['account', 'contact', 'new_visit']);
  const { navigation } = declaredIn(await service.text('$metadata'), 'new_mailevent');
  expect(navigation.get('regardingobjectid_new_visit_new_mailevent')).toBe('mscrm.new_visit');
});

test.each([
  ['is not available offline', { IsAvailableOffline: false }, '0x8004F122'],
  ['allows mail merge', { IsMailMergeEnabled: { Value: true } }, '0x8004F124'],
  [
    'has another primary column',
    { Attributes: [attribute('String', 'new_Name', { IsPrimaryName: true })] },
    '0x80040216',
  ],
])('refuses an activity that %s', async (_reason, details, code) => {
  const service = await startMetadata();
  const refused = await service.send('POST', 'EntityDefinitions', activity('new_MailEvent', details));
  expect(refused.status).toBe(400);
  expect((refused.body['error'] as Json)['code']).toBe(code);
  expect((await service.get(definition('new_mailevent'))).status).toBe(404);
});

test('refuses names that are taken or have no prefix, tables without a primary column, and unknown types', async () => {
  const service = await startMetadata();
  await makeTable(service);
  const refused = async (path: string, body: Json) => (await service.send('POST', path, body)).status;
  expect(await refused('EntityDefinitions', table('new_THING'))).toBe(400);
  expect(await refused('EntityDefinitions', table('Thing'))).toBe(400);
  expect(await refused('EntityDefinitions', table('new_Other', { Attributes: [] }))).toBe(400);
  expect(await refused(definition('new_thing', '/Attributes'), attribute('String', 'new_NAME'))).toBe(400);
  expect(await refused(definition('new_thing', '/Attributes'), attribute('Color', 'new_Color'))).toBe(400);
  expect(await refused(definition('new_thing', '/Attributes'), attribute('Lookup', 'new_Who'))).toBe(400);
  expect(
    await refused(
      definition('new_thing', '/Attributes'),
      attribute('String', 'new_Long', { MaxLength: 5000 }),
    ),
  ).toBe(400);
});

test('switches change tracking on with a PUT of the whole definition, and never off again', async () => {
  const service = await startMetadata();
  await makeTable(service);
  const { body: whole } = await service.get(definition('new_thing'));
  expect(whole['ChangeTrackingEnabled']).toBe(false);
  const patched = await service.send('PATCH', definition('new_thing'), { ChangeTrackingEnabled: true });
  expect(patched.status).toBe(405);
  const headers = { 'MSCRM.MergeLabels': 'true' };
  const on = await service.send(
    'PUT',
    definition('new_thing'),
    { ...whole, ChangeTrackingEnabled: true },
    headers,
  );
  expect(on.status).toBe(204);
  expect((await service.get(definition('new_thing'))).body['ChangeTrackingEnabled']).toBe(true);
  const off = await service.send(
    'PUT',
    definition('new_thing'),
    { ...whole, ChangeTrackingEnabled: false },
    headers,
  );
  expect(off.status).toBe(400);
});

test('keeps labels of other languages when merging, and drops them otherwise', async () => {
  const service = await startMetadata();
  await makeTable(service);
  const { body: whole } = await service.get(definition('new_thing'));
  const german = {
    LocalizedLabels: [
      ...(label('Thing')['LocalizedLabels'] as Json[]),
      { Label: 'Ding', LanguageCode: 1031 },
    ],
  };
  const put = (displayName: Json, merge: string) =>
    service.send(
      'PUT',
      definition('new_thing'),
      { ...whole, DisplayName: displayName },
      { 'MSCRM.MergeLabels': merge },
    );
  const languages = async () => {
    const { body } = await service.get(definition('new_thing', '?$select=DisplayName'));
    return ((body['DisplayName'] as Json)['LocalizedLabels'] as Json[]).map((entry) => entry['Label']);
  };
  await put(german, 'false');
  await put(label('Object'), 'true');
  expect(await languages()).toEqual(['Object', 'Ding']);
  await put(label('Object'), 'false');
  expect(await languages()).toEqual(['Object']);
});

test('changes a column with a PUT, but not its type', async () => {
  const service = await startMetadata();
  await makeTable(service);
  await service.send(
    'POST',
    definition('new_thing', '/Attributes'),
    attribute('String', 'new_Code', { MaxLength: 40 }),
  );
  const path = definition('new_thing', "/Attributes(LogicalName='new_code')");
  const { body: whole } = await service.get(path);
  expect(
    (await service.send('PUT', path, { ...whole, MaxLength: 60, DisplayName: label('Our code') })).status,
  ).toBe(204);
  expect((await service.get(path)).body).toMatchObject({
    MaxLength: 60,
    DisplayName: { UserLocalizedLabel: { Label: 'Our code' } },
  });
  const retyped = { ...whole, '@odata.type': '#Microsoft.Dynamics.CRM.MemoAttributeMetadata' };
  expect((await service.send('PUT', path, retyped)).status).toBe(400);
});

test('deletes a custom column with its values, and refuses what must stay', async () => {
  const service = await startMetadata();
  await makeTable(service);
  await service.send(
    'POST',
    definition('new_thing', '/Attributes'),
    attribute('String', 'new_Code', { MaxLength: 40 }),
  );
  const row = service.records.insert('new_thing', { new_code: 'A-1', new_name: 'one' });
  const path = definition('new_thing', "/Attributes(LogicalName='new_code')");
  expect((await service.send('DELETE', path, undefined, { 'if-match': '*' })).status).toBe(204);
  expect((await service.get(path)).status).toBe(404);
  await service.send('POST', definition('new_thing', '/Attributes'), attribute('String', 'new_Code'));
  expect(service.records.get('new_thing', row.id)?.values['new_code']).toBeUndefined();
  expect(
    (await service.send('DELETE', definition('new_thing', "/Attributes(LogicalName='new_name')"))).status,
  ).toBe(400);
  expect(
    (await service.send('DELETE', definition('contact', "/Attributes(LogicalName='lastname')"))).status,
  ).toBe(400);
});

test('deletes a custom table with its rows and relationships, unless a lookup needs it', async () => {
  const service = await startMetadata();
  await makeTable(service, 'new_Thing');
  await makeTable(service, 'new_Part');
  await service.send('POST', 'RelationshipDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
    SchemaName: 'new_thing_parts',
    ReferencedEntity: 'new_thing',
    ReferencingEntity: 'new_part',
    Lookup: attribute('Lookup', 'new_Thing'),
  });
  service.records.insert('new_part', { new_name: 'wheel' });
  const refused = await service.send('DELETE', definition('new_thing'));
  expect(refused.status).toBe(400);
  expect((refused.body['error'] as Json)['code']).toBe('0x8004f01f');
  expect((await service.send('DELETE', definition('new_part'), undefined, { 'if-match': '*' })).status).toBe(
    204,
  );
  expect((await service.send('DELETE', definition('new_thing'))).status).toBe(204);
  expect((await service.get(definition('new_part'))).status).toBe(404);
  expect((await service.get("RelationshipDefinitions(SchemaName='new_thing_parts')")).status).toBe(404);
  expect((await service.send('DELETE', definition('contact'))).status).toBe(400);
  await makeTable(service, 'new_Part');
  expect(service.records.count('new_part')).toBe(0);
});

test('makes several tables at once, with short column definitions, and adds them to a solution', async () => {
  const service = await startMetadata();
  service.records.insert('solution', { uniquename: 'maildelivery', friendlyname: 'Mail delivery' });
  const complex = (schemaName: string): Json => ({
    '@odata.type': 'Microsoft.Dynamics.CRM.ComplexEntityMetadata',
    SchemaName: schemaName,
    DisplayName: label(schemaName),
    DisplayCollectionName: label(schemaName),
    Attributes: [
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.ComplexStringAttributeMetadata',
        SchemaName: 'new_Name',
        IsPrimaryName: true,
      },
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.ComplexIntegerAttributeMetadata',
        SchemaName: 'new_Size',
        RequiredLevel: { Value: 'None' },
      },
    ],
  });
  const made = await service.send('POST', 'CreateEntities?SolutionUniqueName=maildelivery', {
    Entities: [complex('new_Box'), complex('new_Category')],
  });
  expect(made.status).toBe(200);
  expect(made.body['EntityIds']).toHaveLength(2);
  expect((await service.get(definition('new_box', '?$select=EntitySetName'))).body['EntitySetName']).toBe(
    'new_boxes',
  );
  expect(
    (await service.get(definition('new_category', '?$select=EntitySetName'))).body['EntitySetName'],
  ).toBe('new_categories');
  expect(service.records.count('solutioncomponent')).toBe(2);
  const unknown = await service.send('POST', 'EntityDefinitions', table('new_Lost'), {
    'MSCRM.SolutionUniqueName': 'nowhere',
  });
  expect(unknown.status).toBe(404);
  expect((await service.get(definition('new_lost'))).status).toBe(404);
});

test('keeps what was changed over a restart, and forgets it with a reset of the store', async () => {
  const first = await startMetadata();
  await makeTable(first);
  const second = await startMetadata(first.store);
  const found = await second.get(definition('new_thing', '?$select=ObjectTypeCode,MetadataId'));
  expect(found.body['ObjectTypeCode']).toBe(10_000);
  expect(found.body['MetadataId']).toBe(
    (await first.get(definition('new_thing', '?$select=MetadataId'))).body['MetadataId'],
  );
  first.store.reset();
  expect((await second.get(definition('new_thing'))).status).toBe(404);
  expect((await second.get(definition('contact', '?$select=LogicalName'))).status).toBe(200);
});

test('links with the host and version that the request used, and counts each call', async () => {
  const service = await startMetadata();
  const old = service.root.replace('v9.2', 'v9.0');
  const made = await fetch(`${old}EntityDefinitions`, {
    method: 'POST',
    body: JSON.stringify(table('new_Thing')),
  });
  expect(made.headers.get('odata-entityid')).toMatch(
    /^http:\/\/127\.0\.0\.1:\d+\/api\/data\/v9\.0\/EntityDefinitions\(/,
  );
  expect(made.headers.get('odata-version')).toBe('4.0');
  await service.get('EntityDefinitions?$select=LogicalName');
  expect(service.context.stats.snapshot()).toMatchObject({
    dynamics: { byRoute: { 'POST EntityDefinitions': { '204': 1 }, 'GET EntityDefinitions': { '200': 1 } } },
  });
});

test('reports changed and deleted metadata since a stamp, which expires after 90 days', async () => {
  const service = await startMetadata();
  const ask = (stamp?: string) => {
    const query = encodeURIComponent(
      JSON.stringify({
        Properties: { AllProperties: false, PropertyNames: ['LogicalName', 'Attributes'] },
        Criteria: {
          FilterOperator: 'And',
          Conditions: [
            {
              PropertyName: 'IsCustomEntity',
              ConditionOperator: 'Equals',
              Value: { Type: 'System.Boolean', Value: 'true' },
            },
          ],
        },
        AttributeQuery: { Properties: { AllProperties: false, PropertyNames: ['LogicalName'] } },
      }),
    );
    const since = stamp === undefined ? '' : `,ClientVersionStamp='${encodeURIComponent(stamp)}'`;
    return service.get(`RetrieveMetadataChanges(Query=@p1${since})?@p1=${query}`);
  };
  await makeTable(service, 'new_Old');
  const start = await ask();
  expect((start.body['EntityMetadata'] as Json[]).map((entry) => entry['LogicalName'])).toEqual(['new_old']);
  const stamp = String(start.body['ServerVersionStamp']);
  await makeTable(service, 'new_Fresh');
  await service.send('DELETE', definition('new_old'));
  const { body } = await ask(stamp);
  const [fresh, ...others] = body['EntityMetadata'] as Json[];
  expect(others).toEqual([]);
  expect(fresh).toMatchObject({ LogicalName: 'new_fresh' });
  expect(fresh?.['Attributes']).toContainEqual(expect.objectContaining({ LogicalName: 'new_freshid' }));
  expect(body['DeletedMetadata']).toMatchObject({ Keys: expect.arrayContaining(['Entity']) as unknown });
  service.clock.advance(91 * 86_400_000);
  const expired = await ask(stamp);
  expect([expired.status, (expired.body['error'] as Json)['code']]).toEqual([400, '0x80044352']);
});

test('lists all relationships of a table by its metadata id', async () => {
  const service = await startMetadata();
  const { body } = await service.get(definition('contact', '?$select=MetadataId'));
  const path = `EntityDefinitions(${String(body['MetadataId'])})`;
  const select = '?$select=SchemaName,ReferencedEntity,ReferencingEntity';
  expect(items((await service.get(`${path}/OneToManyRelationships${select}`)).body).length).toBeGreaterThan(
    3,
  );
  expect(items((await service.get(`${path}/ManyToOneRelationships${select}`)).body).length).toBeGreaterThan(
    8,
  );
  expect(items((await service.get(`${path}/ManyToManyRelationships`)).body)).toEqual([]);
  expect((await service.get(`${path}/ManyToManyRelationships${select}`)).status).toBe(400);
});
