import { expect, test } from 'vitest';
import { items, startMetadata, type Json } from './service.js';

test('finds a table by logical name, by metadata id and by filter, with its keys to everything else', async () => {
  const service = await startMetadata();
  const byName = await service.get(
    "EntityDefinitions(LogicalName='contact')?$select=EntitySetName,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled,IsActivity",
  );
  expect(byName.status).toBe(200);
  expect(byName.body).toMatchObject({
    EntitySetName: 'contacts',
    PrimaryIdAttribute: 'contactid',
    PrimaryNameAttribute: 'fullname',
    ChangeTrackingEnabled: true,
    IsActivity: false,
  });
  const id = byName.body['MetadataId'];
  const byId = await service.get(`EntityDefinitions(${String(id).toUpperCase()})?$select=LogicalName`);
  expect(byId.body).toMatchObject({ LogicalName: 'contact', MetadataId: id });
  const filtered = await service.get(
    `EntityDefinitions?%24select=LogicalName%2CMetadataId&%24filter=LogicalName+eq+%27contact%27`,
  );
  expect(items(filtered.body)).toEqual([{ LogicalName: 'contact', MetadataId: id }]);
});

test('filters tables by managed properties and by flags', async () => {
  const service = await startMetadata();
  const untrackable = await service.get(
    'EntityDefinitions?$select=LogicalName&$filter=CanChangeTrackingBeEnabled/Value eq false',
  );
  const names = items(untrackable.body).map((item) => item['LogicalName']);
  expect(names).toContain('audit');
  expect(names).not.toContain('contact');
  const tracked = await service.get(
    'EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true',
  );
  expect(items(tracked.body).map((item) => item['LogicalName'])).toContain('contact');
});

test('has all 223 columns of contact, each with its type, in uncast form', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName,AttributeType,RequiredLevel,IsValidForUpdate,ColumnNumber",
  );
  const columns = items(body);
  expect(columns).toHaveLength(223);
  expect(new Set(columns.map((column) => column['ColumnNumber'])).size).toBe(223);
  for (const column of columns)
    expect(column['@odata.type']).toMatch(/^#Microsoft\.Dynamics\.CRM\.\w+Metadata$/);
  expect(columns.find((column) => column['LogicalName'] === 'lastname')).toMatchObject({
    '@odata.type': '#Microsoft.Dynamics.CRM.StringAttributeMetadata',
    AttributeType: 'String',
    RequiredLevel: { Value: 'ApplicationRequired' },
  });
});

test('filters columns by enumeration, written with and without its namespace', async () => {
  const service = await startMetadata();
  const path =
    "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName&$filter=AttributeType eq ";
  const qualified = await service.get(`${path}Microsoft.Dynamics.CRM.AttributeTypeCode'Picklist'`);
  const bare = await service.get(`${path}'Picklist'`);
  expect(items(qualified.body)).toHaveLength(23);
  expect(bare.body['value']).toEqual(qualified.body['value']);
});

test('gives the options of choices in every language when cast and expanded', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet",
  );
  const gender = items(body).find((column) => column['LogicalName'] === 'gendercode') as Json;
  expect(gender['GlobalOptionSet']).toBeNull();
  const options = (gender['OptionSet'] as Json)['Options'] as Json[];
  expect(options.map((option) => option['Value'])).toEqual([1, 2]);
  expect(options[1]?.['Label']).toMatchObject({
    UserLocalizedLabel: { Label: 'Female', LanguageCode: 1033 },
    LocalizedLabels: [
      { Label: 'Female', LanguageCode: 1033 },
      { Label: 'Weiblich', LanguageCode: 1031 },
    ],
  });
});

test('gives a two-valued column a true and a false option', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='donotbulkemail')/Microsoft.Dynamics.CRM.BooleanAttributeMetadata?$select=LogicalName&$expand=OptionSet",
  );
  expect(body['OptionSet']).toMatchObject({
    TrueOption: { Value: 1, Label: { UserLocalizedLabel: { Label: 'Do Not Allow' } } },
    FalseOption: { Value: 0, Label: { UserLocalizedLabel: { Label: 'Allow' } } },
  });
});

test('tells to which state a status belongs', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.StatusAttributeMetadata?$select=LogicalName&$expand=OptionSet($select=Options)",
  );
  const options = (items(body)[0] as { OptionSet: { Options: Json[] } }).OptionSet.Options;
  expect(options.map((option) => [option['Value'], option['State']])).toEqual([
    [1, 0],
    [2, 1],
  ]);
});

test('distinguishes a date from a time of day that is shown as a date', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior,Format",
  );
  const named = new Map(items(body).map((column) => [column['LogicalName'], column]));
  expect(named.get('birthdate')).toMatchObject({
    DateTimeBehavior: { Value: 'DateOnly' },
    Format: 'DateOnly',
  });
  expect(named.get('lastusedincampaign')).toMatchObject({
    DateTimeBehavior: { Value: 'UserLocal' },
    Format: 'DateOnly',
  });
});

test('names the navigation properties of contact with their exact case', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='contact')/ManyToOneRelationships?$select=ReferencingEntityNavigationPropertyName,ReferencedEntity&$filter=ReferencingAttribute eq 'parentcustomerid'",
  );
  expect(
    items(body).map((entry) => [entry['ReferencedEntity'], entry['ReferencingEntityNavigationPropertyName']]),
  ).toEqual([
    ['account', 'parentcustomerid_account'],
    ['contact', 'parentcustomerid_contact'],
  ]);
});

test('names what deleting an account does to its contacts, and the timeline of a contact', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='account')/OneToManyRelationships?$filter=SchemaName eq 'contact_customer_accounts'",
  );
  expect(items(body)[0]?.['CascadeConfiguration']).toMatchObject({ Delete: 'Cascade' });
  const tasks = await service.get("RelationshipDefinitions(SchemaName='Contact_Tasks')");
  expect(tasks.body['ReferencingEntityNavigationPropertyName']).toBe('regardingobjectid_contact_task');
});

test('refuses properties that the declared type does not have', async () => {
  const service = await startMetadata();
  const uncast = await service.get("EntityDefinitions(LogicalName='contact')/Attributes?$select=MaxLength");
  expect(uncast.status).toBe(400);
  expect(uncast.body['error']).toMatchObject({
    message:
      "Could not find a property named 'MaxLength' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'.",
  });
  const filter = await service.get("EntityDefinitions?$filter=Logicalname eq 'contact'");
  expect(filter.status).toBe(400);
  const cast = await service.get(
    "EntityDefinitions(LogicalName='contact')/Attributes/Microsoft.Dynamics.CRM.EnumAttributeMetadata",
  );
  expect(cast.status).toBe(404);
});

test('answers 404 for tables and columns that do not exist', async () => {
  const service = await startMetadata();
  for (const path of [
    "EntityDefinitions(LogicalName='new_nothing')",
    'EntityDefinitions(00000000-0000-0000-0000-000000000001)',
    "EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='new_nothing')",
    "RelationshipDefinitions(SchemaName='new_nothing')",
    "GlobalOptionSetDefinitions(Name='new_nothing')",
  ]) {
    const { status, body } = await service.get(path);
    expect([path, status]).toEqual([path, 404]);
    expect((body['error'] as Json)['message']).not.toBe('');
  }
});

test('expands columns, keys and relationships of many tables in one call', async () => {
  const service = await startMetadata();
  const { body } = await service.get(
    "EntityDefinitions?$select=LogicalName&$expand=Attributes($select=LogicalName,AttributeType;$filter=AttributeType ne 'Virtual'),Keys($select=KeyAttributes)",
  );
  const contact = items(body).find((entry) => entry['LogicalName'] === 'contact') as Json;
  expect((contact['Attributes'] as Json[]).length).toBe(222);
  expect(contact['Keys']).toEqual([]);
});

test('says which bulk actions a table offers, as limits and metadata have it', async () => {
  const service = await startMetadata();
  const listed = () =>
    [...service.records.rows('sdkmessagefilter')]
      .filter(({ values }) => values['primaryobjecttypecode'] === 'contact')
      .map(({ values }) => String(values['name']))
      .sort();
  expect(listed()).toEqual(['CreateMultiple contact', 'UpdateMultiple contact']);
  service.limits.merge({ dynamics: { bulkActions: { contact: [] } } });
  // The record protocol is served by the same application; its reads bring the rows up to date.
  await service.get("sdkmessagefilters?$filter=primaryobjecttypecode eq 'contact'");
  expect(listed()).toEqual([]);
});

test('shows the change tracking retention that is in force on the organisation', async () => {
  const service = await startMetadata();
  const days = () => [...service.records.rows('organization')][0]?.values['expirechangetrackingindays'];
  expect(days()).toBe(7);
  service.limits.merge({ dynamics: { deltaRetentionDays: 30 } });
  await service.get('organizations');
  expect(days()).toBe(30);
});

test('lists the languages that are available and those in use', async () => {
  const service = await startMetadata();
  expect((await service.get('RetrieveProvisionedLanguages')).body['RetrieveProvisionedLanguages']).toEqual([
    1033, 1031,
  ]);
  expect((await service.get('RetrieveAvailableLanguages()')).body['LocaleIds']).toContain(1036);
});
