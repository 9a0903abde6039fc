import { describe, expect, it } from 'vitest';
import { text, useSandbox } from '../core/support.js';

const sandbox = useSandbox();
const PROFILES = '/profileAndServicesExt/profile';
const DATETIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/;

const create = async (values: object) => (await sandbox.campaign('POST', PROFILES, values)).json;
const read = async (key: string) => sandbox.campaign('GET', `${PROFILES}/${encodeURIComponent(key)}`);
const patch = (key: string, values: unknown) =>
  sandbox.campaign('PATCH', `${PROFILES}/${encodeURIComponent(key)}`, values);

describe('creating', () => {
  it('answers 201 with the whole record, defaults and computed fields included', async () => {
    const answer = await sandbox.campaign('POST', `${PROFILES}/`, {
      externalId: 'create-1',
      email: 'ada@shop.example',
      firstName: 'Ada',
      lastName: 'Byron',
      gender: 'female',
      birthDate: '1984-02-11',
      location: { city: 'Leeds', zipCode: 'LS1 1AA' },
    });
    expect(answer.status).toBe(201);
    expect(answer.json).toMatchObject({
      externalId: 'create-1',
      gender: 'female',
      domain: 'shop.example',
      title: 'Ada Byron (ada@shop.example)',
      middleName: '',
      blackListEmail: false,
      blackListEmailLastModified: '',
      emailFormat: 'unknown',
      timeZone: 'none',
      location: { city: 'Leeds', address1: '' },
      postalAddress: { line6: 'LS1 1AA Leeds', addrDefined: true },
    });
    expect(answer.json['created']).toMatch(DATETIME);
    expect(text(answer.json['lastModified']) < text(answer.json['created'])).toBe(true);
    expect(text(answer.json['PKey'])).toMatch(/^@[\w-]{89,149}$/);
    expect(Number(answer.json['age'])).toBeGreaterThan(40);
  });

  it('reads a JSON body whatever its content type says', async () => {
    const answer = await sandbox.campaign(
      'POST',
      PROFILES,
      JSON.stringify({ externalId: 'create-2', firstName: 'Zoë' }),
      {
        'content-type': 'text/plain;charset=UTF-8',
      },
    );
    expect(answer.status).toBe(201);
    expect(answer.json['firstName']).toBe('Zoë');
  });

  it('makes two profiles of one externalId, and counts the second as a duplicate', async () => {
    const before = (await sandbox.control('GET', 'stats')).json['campaign']?.['duplicates'];
    const first = await create({ externalId: 'twice', firstName: 'One' });
    const second = await create({ externalId: 'twice', firstName: 'Two' });
    expect(first['PKey']).not.toBe(second['PKey']);
    const after = (await sandbox.control('GET', 'stats')).json['campaign']?.['duplicates'];
    expect(Number(after)).toBe(Number(before) + 1);
    expect((await read('twice')).json['firstName']).toBe('One');
  });

  it('refuses a second record with the same value where a key is unique', async () => {
    await sandbox.control('PUT', 'limits', { campaign: { uniqueKeys: { profile: ['externalId'] } } });
    await create({ externalId: 'unique' });
    const answer = await sandbox.campaign('POST', PROFILES, { externalId: 'unique' });
    await sandbox.control('DELETE', 'limits');
    expect(answer.status).toBe(500);
    expect(answer.text).toContain("A 'Profile' with the same key 'unique' already exists.");
    expect(answer.text).toContain('PGS-220000 PostgreSQL error');
  });
});

describe('addressing', () => {
  it('accepts every token that an answer has given for a record', async () => {
    const created = await create({ externalId: 'tokens' });
    const listed = (await sandbox.campaign('GET', `${PROFILES}/byexternalid?externalid_parameter=tokens`))
      .json;
    const href = text(listed['content']?.['0']?.['href']);
    expect(href).not.toContain(text(created['PKey']));
    const byHref = await sandbox.campaign('GET', href);
    const byPKey = await read(text(created['PKey']));
    expect(byHref.json).toEqual(byPKey.json);
    expect(byPKey.json['externalId']).toBe('tokens');
  });

  it('finds a record by its identification key, with .json and a trailing slash or without', async () => {
    await create({ externalId: 'key 1/ü', firstName: 'Ümit' });
    for (const suffix of ['', '/', '.json']) {
      const answer = await sandbox.campaign('GET', `${PROFILES}/${encodeURIComponent('key 1/ü')}${suffix}`);
      expect(answer.json['firstName']).toBe('Ümit');
    }
  });

  it('follows the identification key that the limits name', async () => {
    await create({ externalId: 'by-email', email: 'key@shop.example' });
    await sandbox.control('PUT', 'limits', { campaign: { identificationKeys: { profile: 'email' } } });
    const answer = await read('key@shop.example');
    await sandbox.control('DELETE', 'limits');
    expect(answer.json['externalId']).toBe('by-email');
  });

  it('answers an unknown key with 404 and the path it looked for', async () => {
    const answer = await patch('nobody', { firstName: 'X' });
    expect(answer.status).toBe(404);
    expect(answer.text).toMatch(/^RST-360011 /);
    expect(answer.text).toContain("Unable to find document with path 'Profile' from key 'nobody:0'");
  });

  it('answers a token it has not minted with 500 and the engine’s text', async () => {
    const answer = await read('@O5iR_not_ours');
    expect(answer.status).toBe(500);
    expect(answer.text).toContain(
      "'O5iR_not_ours' attribute unknown (see definition of 'Profiles (nms:recipient)' schema).",
    );
    expect(answer.text).toContain("XTK-170036 Unable to parse expression '@id = @O5iR_not_ours'.");
  });
});

describe('updating', () => {
  it('answers 200 with PKey and href only', async () => {
    const created = await create({ externalId: 'update-1', firstName: 'Old' });
    const answer = await patch(text(created['PKey']), { firstName: 'New' });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).toSorted()).toEqual(['PKey', 'href']);
    expect((await read(text(answer.json['PKey']))).json['firstName']).toBe('New');
  });

  it('merges the members of an object and puts a field back to its default by null', async () => {
    await create({ externalId: 'update-2', firstName: 'A', location: { city: 'Köln', zipCode: '50667' } });
    await patch('update-2', { firstName: null, location: { city: 'Bonn' } });
    expect((await read('update-2')).json).toMatchObject({
      firstName: '',
      location: { city: 'Bonn', zipCode: '50667' },
    });
  });

  it('leaves lastModified alone when nothing changes', async () => {
    await create({ externalId: 'update-3', firstName: 'Same' });
    const before = (await read('update-3')).json;
    await sandbox.control('POST', 'clock', { advance: 'PT1M' });
    expect((await patch('update-3', { firstName: 'Same', middleName: '' })).status).toBe(200);
    expect((await read('update-3')).json['lastModified']).toBe(before['lastModified']);
    await patch('update-3', { firstName: 'Other' });
    expect(text((await read('update-3')).json['lastModified']) > text(before['lastModified'])).toBe(true);
  });

  it('stamps a consent flag when its value changes, and only then', async () => {
    await create({ externalId: 'stamp', blackListPhone: false });
    await patch('stamp', { blackListEmail: true });
    const first = (await read('stamp')).json;
    expect(first['blackListEmailLastModified']).toMatch(DATETIME);
    expect(first['blackListPhoneLastModified']).toBe('');
    await sandbox.control('POST', 'clock', { advance: 'PT1M' });
    await patch('stamp', { blackListEmail: true, blackList: true });
    const second = (await read('stamp')).json;
    expect(second['blackListEmailLastModified']).toBe(first['blackListEmailLastModified']);
    expect(second['blackListAllLastModified']).toMatch(DATETIME);
  });

  it('updates by the key in the body when the address has none, and creates nothing', async () => {
    await create({ externalId: 'body-key', firstName: 'A' });
    expect(
      (await sandbox.campaign('PATCH', PROFILES, { externalId: 'body-key', firstName: 'B' })).status,
    ).toBe(200);
    expect((await read('body-key')).json['firstName']).toBe('B');
    const missing = await sandbox.campaign('PATCH', PROFILES, { externalId: 'body-key-2', firstName: 'B' });
    expect(missing.status).toBe(404);
    expect((await read('body-key-2')).status).toBe(404);
  });

  it('refuses a change of the key that is the address', async () => {
    await create({ externalId: 'key-A' });
    const answer = await patch('key-A', { externalId: 'key-B' });
    expect(answer.status).toBe(500);
    expect(answer.text).toContain(
      "RST-360012 Inconsistent operation on resource 'profile' – Cannot update key 'key-A' to 'key-B'.",
    );
  });
});

describe('refusing values', () => {
  const refused = async (values: unknown) => {
    const answer = await sandbox.campaign('POST', PROFILES, values);
    expect(answer.status).toBe(500);
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain/);
    return answer.text;
  };

  it('names an unknown field', async () => {
    expect(await refused({ shoeSize: 4 })).toContain(
      "'shoeSize' property is not valid for the 'profile' resource.",
    );
  });

  it('names a read-only field', async () => {
    expect(await refused({ age: 4 })).toContain("Cannot update the 'age' property that is read-only");
  });

  it('names a bad enumeration with its path', async () => {
    expect(await refused({ gender: 'x' })).toContain(
      "The value 'x' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field",
    );
  });

  it('names a text that is too long, counting characters and not code units', async () => {
    expect((await sandbox.campaign('POST', PROFILES, { firstName: '🌸'.repeat(30) })).status).toBe(201);
    expect(await refused({ firstName: '🌸'.repeat(31) })).toContain(
      "'firstName' property exceeds the maximum length of 30",
    );
  });

  it('refuses a date that does not exist', async () => {
    expect(await refused({ birthDate: '2023-02-30' })).toContain("'birthDate'");
  });

  it('answers a body that is not JSON before it looks at the resource', async () => {
    const answer = await sandbox.campaign('POST', '/profileAndServicesExt/nonsense', '@x');
    expect(answer.status).toBe(500);
    expect(answer.text).toBe("'@x' is not a valid constant");
  });

  it('counts the rows it refused, and stores none of them', async () => {
    const before = Number((await sandbox.campaign('GET', `${PROFILES}/_count`)).json['count']);
    const rejected = async () =>
      Number((await sandbox.control('GET', 'stats')).json['campaign']?.['rejectedRows']);
    const rejectedBefore = await rejected();
    await refused({ gender: 'x' });
    expect(await rejected()).toBe(rejectedBefore + 1);
    expect(Number((await sandbox.campaign('GET', `${PROFILES}/_count`)).json['count'])).toBe(before);
  });
});

describe('deleting', () => {
  it.each([200, 204])('answers %i where the limits say so, and the record is gone', async (deleteStatus) => {
    await sandbox.control('PUT', 'limits', { campaign: { deleteStatus } });
    const created = await create({ externalId: `delete-${deleteStatus}` });
    const answer = await sandbox.campaign(
      'DELETE',
      `${PROFILES}/${encodeURIComponent(text(created['PKey']))}`,
      '{}',
    );
    await sandbox.control('DELETE', 'limits');
    expect(answer.status).toBe(deleteStatus);
    expect((await read(text(created['PKey']))).status).toBe(404);
    expect((await read(`delete-${deleteStatus}`)).status).toBe(404);
  });
});
