import { describe, expect, test } from 'vitest';
import { originsOf, ownLink } from '../../src/http/origin.js';

const base = 'https://contoso.crm4.dynamics.com/api/data/v9.2/';
const origins = originsOf(base);

describe('a link is followed', () => {
  test.each([
    ['an absolute one', `${base}contacts?$skiptoken=%3Ccookie%20last=%22%257b`],
    [
      'one on the documented alias',
      'https://contoso.api.crm4.dynamics.com/api/data/v9.2/contacts?$deltatoken=1%21',
    ],
  ])('verbatim: %s', (_name, link) => {
    expect(ownLink(link, base, origins)).toBe(link);
  });
  test('relative to the page it came with', () => {
    expect(ownLink('contacts?$skiptoken=1', base, origins)).toBe(`${base}contacts?$skiptoken=1`);
    expect(ownLink('/api/x', base, origins)).toBe('https://contoso.crm4.dynamics.com/api/x');
  });
  test('to a further origin that the settings allow', () => {
    const link = 'https://gateway.example/contacts';
    expect(ownLink(link, base, originsOf(base, ['https://gateway.example/']))).toBe(link);
  });
});

test.each([
  ['another host', 'https://elsewhere.example/api/data/v9.2/contacts'],
  ['another organisation', 'https://fabrikam.crm4.dynamics.com/api'],
  ['another region', 'https://contoso.crm.dynamics.com/api'],
  ['a host that only ends like it', 'https://contoso.crm4.dynamics.com.elsewhere.example/'],
  ['http where the address is https', 'http://contoso.crm4.dynamics.com/api'],
  ['another port', 'https://contoso.crm4.dynamics.com:8443/api'],
  ['a host without a scheme', '//elsewhere.example/api'],
  ['a host behind backslashes', '\\\\elsewhere.example/api'],
  ['a user name that looks like the host', 'https://contoso.crm4.dynamics.com@elsewhere.example/'],
  ['a user name, which would take the place of the token', 'https://user:pass@contoso.crm4.dynamics.com/'],
  ['a user name alone', 'https://user@contoso.crm4.dynamics.com/'],
  ['another protocol', 'file:///etc/hosts'],
  ['no address at all', 'https://'],
])('a link is not followed to %s', (_name, link) => {
  expect(ownLink(link, base, origins)).toBeUndefined();
});

test('an address that is not Dynamics has no alias', () => {
  expect([...originsOf('http://127.0.0.1:4801')]).toEqual(['http://127.0.0.1:4801']);
});
