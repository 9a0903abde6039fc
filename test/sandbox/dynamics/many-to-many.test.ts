import { beforeAll, describe, expect, it } from 'vitest';
import { list, pluck, useApi } from './support.js';

const api = useApi();
let ada: string;
let bob: string;
let club: string;

beforeAll(async () => {
  await api.defineTable('new_Club');
  await api.succeed('POST', 'RelationshipDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.ManyToManyRelationshipMetadata',
    SchemaName: 'new_club_contact',
    Entity1LogicalName: 'new_club',
    Entity2LogicalName: 'contact',
    IntersectEntityName: 'new_club_contact',
  });
  ada = await api.create('contacts', { lastname: 'Ada' });
  bob = await api.create('contacts', { lastname: 'Bob' });
  club = await api.create('new_clubs', {
    new_name: 'Chess',
    'new_club_contact@odata.bind': [`/contacts(${ada})`],
  });
});

describe('a many-to-many relationship', () => {
  it('links rows from either side, once, and is read from both', async () => {
    for (let turn = 0; turn < 2; turn++) {
      const answer = await api.call('POST', `contacts(${bob})/new_club_contact/$ref`, {
        '@odata.id': `${api.base}new_clubs(${club})`,
      });
      expect(answer.status).toBe(204);
    }
    const members = await api.get(`new_clubs(${club})/new_club_contact?$select=lastname&$orderby=lastname`);
    expect(pluck(members, 'lastname')).toEqual(['Ada', 'Bob']);
    const expanded = await api.get(
      `contacts(${bob})?$select=lastname&$expand=new_club_contact($select=new_name)`,
    );
    expect(list(expanded.json['new_club_contact'])).toMatchObject([{ new_name: 'Chess' }]);
    const found = await api.get(
      `contacts?$select=lastname&$filter=new_club_contact/any(c:c/new_name eq 'chess')`,
    );
    expect(pluck(found, 'lastname').sort()).toEqual(['Ada', 'Bob']);
  });

  it('is cut by deleting the link, and by deleting a row', async () => {
    expect((await api.call('DELETE', `new_clubs(${club})/new_club_contact(${ada})/$ref`)).status).toBe(204);
    expect((await api.get(`contacts(${ada})`)).status).toBe(200);
    await api.succeed('DELETE', `contacts(${bob})`);
    expect((await api.get(`new_clubs(${club})/new_club_contact/$count`)).text).toBe('0');
  });
});
