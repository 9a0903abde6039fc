import { expect, test } from 'vitest';
import { attribute, items, startMetadata, table, type Json, type MetadataService } from './service.js';

const TABLE = "EntityDefinitions(LogicalName='new_thing')";

async function withCodes(...codes: string[]): Promise<MetadataService> {
  const service = await startMetadata();
  await service.send(
    'POST',
    'EntityDefinitions',
    table('new_Thing', {}, [
      attribute('String', 'new_Code', { MaxLength: 40 }),
      attribute('Integer', 'new_Number'),
      attribute('Memo', 'new_Story'),
      attribute('String', 'new_Long', { MaxLength: 500 }),
    ]),
  );
  for (const code of codes) service.records.insert('new_thing', { new_code: code });
  return service;
}

const makeKey = (service: MetadataService, name = 'new_CodeKey', columns = ['new_code']) =>
  service.send('POST', `${TABLE}/Keys`, { SchemaName: name, KeyAttributes: columns });

const statuses = async (service: MetadataService) =>
  items((await service.get(`${TABLE}/Keys?$select=EntityKeyIndexStatus`)).body).map(
    (key) => key['EntityKeyIndexStatus'],
  );

test('is Pending until its index is built, then Active, and keeps its values unique', async () => {
  const service = await withCodes('A-1', 'A-2');
  service.limits.merge({ dynamics: { keyActivationMs: 5000 } });
  await makeKey(service);
  service.clock.advance(4999);
  expect(await statuses(service)).toEqual(['Pending']);
  service.records.insert('new_thing', { new_code: 'A-3' });
  service.clock.advance(1);
  expect(await statuses(service)).toEqual(['Active']);
  expect(() => service.records.insert('new_thing', { new_code: 'a-1' })).toThrow(
    /Entity Key new_codekey violated/,
  );
});

test('does not expire delta tokens when its index is ready', async () => {
  const service = await withCodes();
  await makeKey(service);
  const before = service.schema.changedAt('new_thing');
  service.clock.advance(10_000);
  expect(await statuses(service)).toEqual(['Active']);
  expect(service.schema.changedAt('new_thing')).toBe(before);
});

test('fails over rows that are not unique, and can be tried again once they are', async () => {
  const service = await withCodes('A-1', 'a-1');
  await makeKey(service);
  service.clock.advance(10_000);
  expect(await statuses(service)).toEqual(['Failed']);
  const [row] = [...service.records.rows('new_thing')];
  service.records.remove('new_thing', row?.id ?? '');
  const again = await service.send('POST', 'ReactivateEntityKey', {
    EntityLogicalName: 'new_thing',
    EntityKeyLogicalName: 'new_codekey',
  });
  expect(again.status).toBe(204);
  service.clock.advance(10_000);
  expect(await statuses(service)).toEqual(['Active']);
});

test('is refused over unknown, unsuitable or too long columns, and when there is one like it', async () => {
  const service = await withCodes();
  expect((await makeKey(service, 'new_K1', ['new_nothing'])).status).toBe(400);
  expect((await makeKey(service, 'new_K2', ['new_story'])).status).toBe(400);
  expect((await makeKey(service, 'new_K3', ['new_long'])).status).toBe(400);
  expect((await makeKey(service, 'new_K4', [])).status).toBe(400);
  expect((await makeKey(service, 'new_K5', ['new_code', 'new_number'])).status).toBe(204);
  expect((await makeKey(service, 'new_K5', ['new_code'])).status).toBe(400);
  expect((await makeKey(service, 'new_K6', ['new_number', 'new_code'])).status).toBe(400);
});

test('is refused beyond ten on one table', async () => {
  const service = await withCodes();
  const columns = Array.from({ length: 11 }, (_unused, index) => `new_Part${index}`);
  for (const name of columns) await service.send('POST', `${TABLE}/Attributes`, attribute('Integer', name));
  const answers: number[] = [];
  for (const name of columns) answers.push((await makeKey(service, `${name}Key`, [name])).status);
  expect(answers).toEqual([...Array<number>(10).fill(204), 400]);
});

test('holds its columns until it is deleted', async () => {
  const service = await withCodes();
  const { entityId } = await makeKey(service);
  const column = `${TABLE}/Attributes(LogicalName='new_code')`;
  const refused = await service.send('DELETE', column);
  expect([refused.status, (refused.body['error'] as Json)['code']]).toEqual([400, '0x8004f01f']);
  const id = /Keys\(([0-9a-f-]{36})\)$/.exec(entityId)?.[1] ?? '';
  expect((await service.send('DELETE', `${TABLE}/Keys(${id})`, undefined, { 'if-match': '*' })).status).toBe(
    204,
  );
  expect(await statuses(service)).toEqual([]);
  expect((await service.send('DELETE', column)).status).toBe(204);
});
