import { expect, it } from 'vitest';
import { codeOf, pluck, useApi } from './support.js';

const api = useApi();

const publisher = (uniquename: string, customizationprefix: string) => ({
  uniquename,
  friendlyname: uniquename,
  customizationprefix,
  customizationoptionvalueprefix: 20_000,
});

it('a second publisher of the same unique name is refused, in whatever case, and one with the same prefix is not', async () => {
  await api.create('publishers', publisher('Shop', 'shop'));
  const again = await api.call('POST', 'publishers', publisher('SHOP', 'other'));
  expect([again.status, codeOf(again)]).toEqual([412, '0x80040237']);
  const second = await api.create('publishers', publisher('Branch', 'shop'));
  const renamed = await api.call('PATCH', `publishers(${second})`, { uniquename: 'shop' });
  expect([renamed.status, codeOf(renamed)]).toEqual([412, '0x80040237']);
  await api.succeed('PATCH', `publishers(${second})`, { uniquename: 'branch', friendlyname: 'Other' });
  const found = await api.get(`publishers?$filter=customizationprefix eq 'shop'&$select=uniquename`);
  expect(pluck(found, 'uniquename').toSorted()).toEqual(['Shop', 'branch']);
});

it('the name of a publisher that is gone is free again', async () => {
  const id = await api.create('publishers', publisher('Passing', 'pas'));
  await api.succeed('DELETE', `publishers(${id})`);
  expect((await api.call('POST', 'publishers', publisher('Passing', 'pas'))).status).toBe(204);
});

it('so it is with solutions', async () => {
  const id = await api.create('publishers', publisher('Maker', 'mak'));
  const solution = {
    uniquename: 'Sync',
    friendlyname: 'Sync',
    version: '1.0',
    'publisherid@odata.bind': `/publishers(${id})`,
  };
  await api.create('solutions', solution);
  const again = await api.call('POST', 'solutions', solution);
  expect([again.status, codeOf(again)]).toEqual([412, '0x80040237']);
});
