import { expect, test } from 'vitest';
import { attribute, startMetadata, table, type Json } from './service.js';

const oneToMany = (details: Json = {}): Json => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
  SchemaName: 'new_contact_things',
  ReferencedEntity: 'contact',
  ReferencedAttribute: 'contactid',
  ReferencingEntity: 'new_thing',
  Lookup: attribute('Lookup', 'new_Contact'),
  ...details,
});

async function withTable() {
  const service = await startMetadata();
  await service.send('POST', 'EntityDefinitions', table('new_Thing'));
  return service;
}

test('brings its lookup column, and takes it along when it is deleted', async () => {
  const service = await withTable();
  const made = await service.send('POST', 'RelationshipDefinitions', oneToMany());
  const id = /RelationshipDefinitions\(([0-9a-f-]{36})\)$/.exec(made.entityId)?.[1] ?? '';
  const lookup = "EntityDefinitions(LogicalName='new_thing')/Attributes(LogicalName='new_contact')";
  expect(
    (await service.get(`${lookup}/Microsoft.Dynamics.CRM.LookupAttributeMetadata`)).body['Targets'],
  ).toEqual(['contact']);
  const found = await service.get("RelationshipDefinitions?$filter=SchemaName eq 'new_contact_things'");
  expect(found.body['value']).toMatchObject([
    {
      '@odata.type': '#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      MetadataId: id,
      ReferencedEntity: 'contact',
      CascadeConfiguration: { Delete: 'RemoveLink' },
    },
  ]);
  expect(
    (await service.send('DELETE', `RelationshipDefinitions(${id})`, undefined, { 'if-match': '*' })).status,
  ).toBe(204);
  expect((await service.get(lookup)).status).toBe(404);
});

test('goes with its lookup column', async () => {
  const service = await withTable();
  await service.send('POST', 'RelationshipDefinitions', oneToMany());
  await service.send(
    'DELETE',
    "EntityDefinitions(LogicalName='new_thing')/Attributes(LogicalName='new_contact')",
  );
  expect((await service.get("RelationshipDefinitions(SchemaName='new_contact_things')")).status).toBe(404);
});

test('is refused when a name is taken, a table is missing, or the lookup is left out', async () => {
  const service = await withTable();
  await service.send('POST', 'RelationshipDefinitions', oneToMany());
  const refused = async (details: Json) =>
    (
      await service.send(
        'POST',
        'RelationshipDefinitions',
        oneToMany({ SchemaName: 'new_other', ...details }),
      )
    ).status;
  expect(await refused({ SchemaName: 'new_contact_things', Lookup: attribute('Lookup', 'new_Second') })).toBe(
    400,
  );
  expect(await refused({})).toBe(400);
  expect(await refused({ ReferencedEntity: 'new_nothing', Lookup: attribute('Lookup', 'new_Second') })).toBe(
    400,
  );
  expect(await refused({ Lookup: undefined })).toBe(400);
  expect(
    await refused({
      Lookup: attribute('Lookup', 'new_Second'),
      ReferencingEntityNavigationPropertyName: 'new_Contact',
    }),
  ).toBe(400);
});

test('links many to many through an intersect table that cannot be tracked', async () => {
  const service = await withTable();
  const made = await service.send('POST', 'RelationshipDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata',
    SchemaName: 'new_thing_contacts',
    Entity1LogicalName: 'new_thing',
    Entity2LogicalName: 'contact',
    IntersectEntityName: 'new_thing_contact',
    Entity1NavigationPropertyName: 'new_contacts',
    Entity2NavigationPropertyName: 'new_things',
  });
  expect(made.status).toBe(204);
  const { body } = await service.get(
    "RelationshipDefinitions(SchemaName='new_thing_contacts')/Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata",
  );
  expect(body).toMatchObject({
    Entity1IntersectAttribute: 'new_thingid',
    Entity2IntersectAttribute: 'contactid',
    Entity1NavigationPropertyName: 'new_contacts',
    Entity2NavigationPropertyName: 'new_things',
  });
  const intersect = await service.get("EntityDefinitions(LogicalName='new_thing_contact')");
  expect(intersect.body).toMatchObject({ IsIntersect: true, CanChangeTrackingBeEnabled: { Value: false } });
  await service.send('DELETE', "RelationshipDefinitions(SchemaName='new_thing_contacts')");
  expect((await service.get("EntityDefinitions(LogicalName='new_thing_contact')")).status).toBe(404);
});

test('makes a customer column with a navigation property for each target', async () => {
  const service = await withTable();
  const made = await service.send('POST', 'CreateCustomerRelationships', {
    OneToManyRelationships: [
      { SchemaName: 'new_account_customer', ReferencedEntity: 'account', ReferencingEntity: 'new_thing' },
      { SchemaName: 'new_contact_customer', ReferencedEntity: 'contact', ReferencingEntity: 'new_thing' },
    ],
    Lookup: attribute('ComplexLookup', 'new_Customer'),
  });
  expect(made.status).toBe(200);
  expect(made.body['RelationshipIds']).toHaveLength(2);
  const { body } = await service.get(
    "EntityDefinitions(LogicalName='new_thing')/ManyToOneRelationships?$select=ReferencingEntityNavigationPropertyName&$filter=ReferencingAttribute eq 'new_customer'",
  );
  expect((body['value'] as Json[]).map((entry) => entry['ReferencingEntityNavigationPropertyName'])).toEqual([
    'new_Customer_account',
    'new_Customer_contact',
  ]);
});

test('changes its cascade with a PUT', async () => {
  const service = await withTable();
  await service.send('POST', 'RelationshipDefinitions', oneToMany());
  const path =
    "RelationshipDefinitions(SchemaName='new_contact_things')/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata";
  const { body: whole } = await service.get(path);
  const cascade = { ...(whole['CascadeConfiguration'] as Json), Delete: 'Cascade' };
  expect((await service.send('PUT', path, { ...whole, CascadeConfiguration: cascade })).status).toBe(204);
  expect((await service.get(path)).body['CascadeConfiguration']).toMatchObject({ Delete: 'Cascade' });
});
