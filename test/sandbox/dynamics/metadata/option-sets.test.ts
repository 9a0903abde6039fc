import { expect, test } from 'vitest';
import { attribute, label, startMetadata, table, type Json, type MetadataService } from './service.js';

const GLOBAL = "GlobalOptionSetDefinitions(Name='new_size')";
const COLUMN =
  "EntityDefinitions(LogicalName='new_thing')/Attributes(LogicalName='new_size')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata?$select=LogicalName&$expand=OptionSet,GlobalOptionSet";

async function withGlobalOptionSet(): Promise<MetadataService> {
  const service = await startMetadata();
  const made = await service.send('POST', 'GlobalOptionSetDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.OptionSetMetadata',
    Name: 'new_size',
    DisplayName: label('Size'),
    IsGlobal: true,
    OptionSetType: 'Picklist',
    Options: [
      { Value: 1, Label: label('Small') },
      { Value: 2, Label: label('Large') },
    ],
  });
  expect(made.status).toBe(204);
  const id = /\(([0-9a-f-]{36})\)$/.exec(made.entityId)?.[1] ?? '';
  const column = attribute('Picklist', 'new_Size', {
    'GlobalOptionSet@odata.bind': `/GlobalOptionSetDefinitions(${id})`,
  });
  expect((await service.send('POST', 'EntityDefinitions', table('new_Thing', {}, [column]))).status).toBe(
    204,
  );
  return service;
}

const valuesOf = (optionSet: unknown): unknown[] =>
  ((optionSet as Json)['Options'] as Json[]).map((option) => option['Value']);

test('shares its options with the columns that are bound to it', async () => {
  const service = await withGlobalOptionSet();
  const { body } = await service.get(COLUMN);
  expect(body['GlobalOptionSet']).toMatchObject({ Name: 'new_size', IsGlobal: true });
  expect(valuesOf(body['OptionSet'])).toEqual([1, 2]);
  const inserted = await service.send('POST', 'InsertOptionValue', {
    OptionSetName: 'new_size',
    Value: 3,
    Label: label('Huge'),
  });
  expect(inserted.body['NewOptionValue']).toBe(3);
  expect(service.schema.table('new_thing')?.columns['new_size']?.options?.map(({ value }) => value)).toEqual([
    1, 2, 3,
  ]);
  expect(valuesOf((await service.get(COLUMN)).body['OptionSet'])).toEqual([1, 2, 3]);
});

test('stays while a column uses it', async () => {
  const service = await withGlobalOptionSet();
  expect((await service.send('DELETE', GLOBAL)).status).toBe(400);
  await service.send('DELETE', "EntityDefinitions(LogicalName='new_thing')");
  expect((await service.send('DELETE', GLOBAL)).status).toBe(204);
  expect((await service.get(GLOBAL)).status).toBe(404);
});

test('is found in the list of all, uncast with its type', async () => {
  const service = await withGlobalOptionSet();
  const { body } = await service.get('GlobalOptionSetDefinitions?$select=Name');
  expect(body['value']).toMatchObject([
    { '@odata.type': '#Microsoft.Dynamics.CRM.OptionSetMetadata', Name: 'new_size' },
  ]);
});

test("inserts, renames, orders and deletes a column's own options", async () => {
  const service = await startMetadata();
  const column = attribute('Picklist', 'new_Size', {
    OptionSet: { Options: [{ Value: 1, Label: label('Small') }] },
  });
  await service.send('POST', 'EntityDefinitions', table('new_Thing', {}, [column]));
  const target = { EntityLogicalName: 'new_thing', AttributeLogicalName: 'new_size' };
  const inserted = await service.send('POST', 'InsertOptionValue', { ...target, Label: label('Large') });
  expect(inserted.body['NewOptionValue']).toBe(100_000_000);
  const again = await service.send('POST', 'InsertOptionValue', {
    ...target,
    Value: 1,
    Label: label('Twin'),
  });
  expect(again.status).toBe(400);
  const german = { LocalizedLabels: [{ Label: 'Klein', LanguageCode: 1031 }] };
  await service.send('POST', 'UpdateOptionValue', { ...target, Value: 1, Label: german, MergeLabels: true });
  await service.send('POST', 'OrderOption', { ...target, Values: [100_000_000, 1] });
  const options = service.schema.table('new_thing')?.columns['new_size']?.options;
  expect(options).toMatchObject([
    { value: 100_000_000, labels: { 1033: 'Large' } },
    { value: 1, labels: { 1033: 'Small', 1031: 'Klein' } },
  ]);
  expect((await service.send('POST', 'DeleteOptionValue', { ...target, Value: 1 })).status).toBe(204);
  expect(valuesOf((await service.get(COLUMN)).body['OptionSet'])).toEqual([100_000_000]);
  expect((await service.send('POST', 'DeleteOptionValue', { ...target, Value: 1 })).status).toBe(400);
});

test('adds a status reason to a state', async () => {
  const service = await startMetadata();
  const inserted = await service.send('POST', 'InsertStatusValue', {
    EntityLogicalName: 'contact',
    AttributeLogicalName: 'statuscode',
    Value: 100,
    StateCode: 1,
    Label: label('Moved away'),
  });
  expect(inserted.body['NewOptionValue']).toBe(100);
  expect(service.schema.table('contact')?.columns['statuscode']?.options).toContainEqual(
    expect.objectContaining({ value: 100, state: 1 }),
  );
});

test('publishes without a body, and named tables with one', async () => {
  const service = await startMetadata();
  expect((await service.send('POST', 'PublishAllXml')).status).toBe(204);
  const xml = '<importexportxml><entities><entity>contact</entity></entities></importexportxml>';
  expect((await service.send('POST', 'PublishXml', { ParameterXml: xml })).status).toBe(204);
  expect((await service.send('POST', 'PublishXml', {})).status).toBe(400);
});
