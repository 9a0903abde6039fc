import { expect, test } from 'vitest';
import { declaredIn, items, startMetadata, type Json } from './service.js';

test('is XML whatever the client accepts', async () => {
  const { root } = await startMetadata();
  for (const accept of ['*/*', 'application/json', 'application/xml']) {
    const response = await fetch(`${root}$metadata`, { headers: { accept } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/xml/);
    expect(await response.text()).toMatch(
      /^<\?xml version="1\.0" encoding="utf-8"\?><edmx:Edmx Version="4\.0"/,
    );
  }
});

test('declares every type that it refers to', async () => {
  const service = await startMetadata();
  const csdl = await service.text('$metadata');
  const declared = new Set(
    [...csdl.matchAll(/<(?:EntityType|ComplexType|EnumType) Name="([^"]+)"/g)].map(([, name]) => name),
  );
  const operations = new Set(
    [...csdl.matchAll(/<(?:Action|Function) Name="([^"]+)"/g)].map(([, name]) => name),
  );
  const referred = new Set([...csdl.matchAll(/mscrm\.(\w+)/g)].map(([, name]) => name));
  const missing = [...referred].filter((name) => !declared.has(name) && !operations.has(name));
  expect(missing).toEqual([]);
});

test('leads both ways along every relationship: each partner is declared', async () => {
  const service = await startMetadata();
  const csdl = await service.text('$metadata');
  const broken: string[] = [];
  for (const { logicalName } of service.schema.tables()) {
    const inner =
      new RegExp(`<EntityType Name="${logicalName}" BaseType[^>]*>(.*?)</EntityType>`, 's').exec(csdl)?.[1] ??
      '';
    for (const [, name, type = '', partner = ''] of inner.matchAll(
      /<NavigationProperty Name="([^"]+)" Type="(?:Collection\()?mscrm\.(\w+)\)?"[^>]*Partner="([^"]+)"/g,
    )) {
      if (!declaredIn(csdl, type).navigation.has(partner))
        broken.push(`${logicalName}.${name} → ${type}.${partner}`);
    }
  }
  expect(broken).toEqual([]);
});

test('declares choices as numbers and lookups as GUIDs, as rows have them', async () => {
  const service = await startMetadata();
  const { properties, navigation } = declaredIn(await service.text('$metadata'), 'contact');
  expect(properties.get('gendercode')).toBe('Edm.Int32');
  expect(properties.get('statecode')).toBe('Edm.Int32');
  expect(properties.get('birthdate')).toBe('Edm.Date');
  expect(properties.get('createdon')).toBe('Edm.DateTimeOffset');
  expect(properties.get('versionnumber')).toBe('Edm.Int64');
  expect(properties.get('_parentcustomerid_value')).toBe('Edm.Guid');
  expect(properties.has('parentcustomerid')).toBe(false);
  expect(navigation.get('parentcustomerid_account')).toBe('mscrm.account');
  expect(navigation.get('ownerid')).toBe('mscrm.principal');
});

test('names every readable column of every table, and nothing else', async () => {
  const service = await startMetadata();
  const csdl = await service.text('$metadata');
  const { body } = await service.get(
    'EntityDefinitions?$select=LogicalName&$expand=Attributes($select=LogicalName,AttributeType,IsValidForRead,IsValidODataAttribute)',
  );
  for (const entity of items(body)) {
    const expected = (entity['Attributes'] as Json[])
      .filter(
        (column) =>
          column['IsValidForRead'] === true &&
          column['IsValidODataAttribute'] === true &&
          column['AttributeType'] !== 'PartyList',
      )
      .map((column) =>
        ['Lookup', 'Owner', 'Customer'].includes(String(column['AttributeType']))
          ? `_${String(column['LogicalName'])}_value`
          : String(column['LogicalName']),
      );
    const { properties } = declaredIn(csdl, String(entity['LogicalName']));
    expect([...properties.keys()].sort()).toEqual(expected.sort());
  }
});

test('tells on request which sets can be tracked', async () => {
  const service = await startMetadata();
  expect(await service.text('$metadata')).not.toContain('Capabilities.V1.ChangeTracking');
  const annotated = await service.text('$metadata?annotations=true');
  const set = (name: string) =>
    new RegExp(`<EntitySet Name="${name}".*?</EntitySet>`, 's').exec(annotated)?.[0];
  expect(set('contacts')).toContain('<PropertyValue Property="Supported" Bool="true" />');
  expect(set('audits')).toContain('<PropertyValue Property="Supported" Bool="false" />');
});
