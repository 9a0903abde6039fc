import { expect, it } from 'vitest';
import { drawContact, type Columns } from '../../../src/sandbox/seed/contact.js';
import { createRandom } from '../../../src/sandbox/seed/random.js';
import { LOCALES } from '../../../src/sandbox/seed/locales/index.js';

const AMOUNT = 5000;
const drawn = (seed: number): Columns[] => {
  const random = createRandom(seed);
  return Array.from({ length: AMOUNT }, (_, index) =>
    drawContact(random, { index, accountIds: ['a'], earlierEmail: 'shared@mail.example' }),
  );
};
const people = drawn(7);
const characters = (value: unknown) => (typeof value === 'string' ? Array.from(value).length : 0);

it('is the same for the same seed and another for another', () => {
  expect(drawn(7)).toEqual(people);
  expect(drawn(8).map((person) => person['contactid'])).not.toEqual(
    people.map((person) => person['contactid']),
  );
});

it('gives every contact an id of its own', () => {
  expect(new Set(people.map((person) => person['contactid'])).size).toBe(AMOUNT);
});

it('holds two first names of 50 characters per 1,000, and otherwise what any target can hold', () => {
  const long = people.filter((person) => characters(person['firstname']) > 30);
  expect(long).toHaveLength((AMOUNT / 1000) * 2);
  expect(long.every((person) => characters(person['firstname']) === 50)).toBe(true);
  for (const column of ['telephone1', 'mobilephone', 'fax']) {
    expect(people.every((person) => characters(person[column]) <= 32)).toBe(true);
  }
});

it('fits the columns of the table', () => {
  const most = {
    lastname: 50,
    firstname: 50,
    address1_line1: 250,
    address1_city: 80,
    address1_county: 50,
    address1_postalcode: 20,
    emailaddress1: 100,
  };
  for (const [column, length] of Object.entries(most)) {
    for (const person of people) expect(String(person[column] ?? '').length).toBeLessThanOrEqual(length);
  }
});

it('writes to reserved domains only, in plain ASCII, and lets few share an address', () => {
  const emails = people.flatMap((person) =>
    typeof person['emailaddress1'] === 'string' ? [person['emailaddress1']] : [],
  );
  expect(emails.every((email) => /^[a-z0-9.-]+@[a-z]+\.example$/.test(email))).toBe(true);
  const shared = emails.length - new Set(emails).size;
  expect(shared).toBeGreaterThan(AMOUNT * 0.003);
  expect(shared).toBeLessThan(AMOUNT * 0.03);
  expect(emails.length).toBeLessThan(AMOUNT);
});

it('draws people of every country, each with a place of that country', () => {
  for (const locale of LOCALES) {
    const theirs = people.filter(
      (person) => person['address1_country'] === locale.country && person['address1_city'] !== undefined,
    );
    expect(theirs.length).toBeGreaterThan(0);
    const cities = new Set(locale.cities.map((city) => city.name));
    expect(theirs.every((person) => cities.has(String(person['address1_city'])))).toBe(true);
  }
});

it('writes in many scripts', () => {
  const names = people
    .map((person) => `${String(person['firstname'] ?? '')} ${String(person['lastname'])}`)
    .join(' ');
  const scripts = [
    'Latin',
    'Greek',
    'Cyrillic',
    'Arabic',
    'Hebrew',
    'Han',
    'Hiragana',
    'Hangul',
    'Devanagari',
    'Thai',
  ];
  for (const script of scripts) expect(names).toMatch(new RegExp(`\\p{Script=${script}}`, 'u'));
  expect(names).toMatch(/\p{Emoji_Presentation}/u);
  expect(names).toContain("'");
});

it('has few inactive contacts, some opt-outs, and times in the past that fit together', () => {
  expect(people.filter((person) => person['statecode'] === 1)).toHaveLength((AMOUNT / 1000) * 8);
  expect(people.some((person) => person['donotbulkemail'] === true)).toBe(true);
  expect(people.every((person) => String(person['createdon']) <= String(person['modifiedon']))).toBe(true);
  expect(people.every((person) => String(person['modifiedon']) < '2026')).toBe(true);
});
