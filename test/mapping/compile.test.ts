import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/mapping/canonical.js';
import { compile } from '../../src/mapping/compile.js';
import type { SourceColumn, SourceTable, TargetField, TargetResource } from '../../src/mapping/model.js';
import { readSyncFile } from '../../src/mapping/read.js';

const ID = '5d1f0000-0000-4000-8000-00000000000a';
const column = (
  logicalName: string,
  type: string,
  more: Partial<SourceColumn> = {},
): [string, SourceColumn] => [
  logicalName,
  { logicalName, type, selectName: type === 'Lookup' ? `_${logicalName}_value` : logicalName, ...more },
];
const source: SourceTable = {
  logicalName: 'contact',
  entitySetName: 'contacts',
  primaryId: 'contactid',
  changeTracking: true,
  columns: Object.fromEntries([
    column('firstname', 'String'),
    column('birthdate', 'DateTime', { dateTimeBehavior: 'DateOnly' }),
    column('createdon', 'DateTime', { dateTimeBehavior: 'UserLocal' }),
    column('gendercode', 'Picklist', { labels: { 1: 'Male', 2: 'Female' } }),
    column('numberofchildren', 'Integer'),
    column('creditlimit', 'Money'),
    column('donotemail', 'Boolean', { labels: { true: 'Do Not Allow', false: 'Allow' } }),
    column('parentcustomerid', 'Lookup'),
    column('hobbies', 'MultiSelectPicklist', { labels: { 1: 'Swimming', 9: 'Camping' } }),
  ]),
};
const field = (
  path: string,
  type: TargetField['type'],
  more: Partial<TargetField> = {},
): [string, TargetField] => [path, { path, type, readOnly: false, ...more }];
const target: TargetResource = {
  name: 'profile',
  fields: Object.fromEntries([
    field('externalId', 'string', { length: 100 }),
    field('firstName', 'string', { length: 5 }),
    field('location.city', 'string', { length: 50 }),
    field('birthDate', 'date'),
    field('cusSince', 'datetime'),
    field('gender', 'enumeration', { values: ['unknown', 'male', 'female'] }),
    field('cusChildren', 'integer'),
    field('cusCredit', 'double'),
    field('cusFlag', 'boolean'),
    field('cusText', 'string', { length: 255 }),
  ]),
};
const compiled = (fields: string, more = '') => {
  const read = readSyncFile(
    `version: 1\ntables:\n  - { dynamics: contact, campaign: profile, key: { to: externalId }, fields: [${fields}]${more} }\n`,
  );
  if (!read.ok) throw new Error(JSON.stringify(read.faults));
  const [table] = read.config.tables;
  if (!table) throw new Error('no table');
  return compile(table, source, target);
};
const mapped = (fields: string, row: object, more?: string) =>
  compiled(fields, more).toCampaign({ contactid: ID, ...row });
const valueOf = (fields: string, row: object, more?: string): unknown => {
  const result = mapped(fields, row, more);
  if (result.kind !== 'payload') return result;
  const { externalId: _key, ...rest } = result.full;
  return rest;
};
const fault = (code: string, of: string) => ({ kind: 'fault', code, field: of });

describe('values', () => {
  test.each([
    ['text', '{ from: firstname, to: firstName }', { firstname: "D'Ar" }, { firstName: "D'Ar" }],
    [
      'text of five characters beyond the basic plane',
      '{ from: firstname, to: firstName }',
      { firstname: '🌸🌸🌸🌸🌸' },
      { firstName: '🌸🌸🌸🌸🌸' },
    ],
    [
      'text that is longer',
      '{ from: firstname, to: firstName }',
      { firstname: 'Amélie' },
      fault('TEXT_TOO_LONG', 'firstname'),
    ],
    [
      'half a character',
      '{ from: firstname, to: firstName }',
      { firstname: '\ud800' },
      fault('VALUE_NOT_CONVERTIBLE', 'firstname'),
    ],
    ['null', '{ from: firstname, to: firstName }', { firstname: null }, { firstName: null }],
    ['a column that is absent', '{ from: firstname, to: firstName }', {}, { firstName: null }],
    [
      'a nested target',
      '{ from: firstname, to: location.city }',
      { firstname: 'Köln' },
      { location: { city: 'Köln' } },
    ],
    ['a day', '{ from: birthdate, to: birthDate }', { birthdate: '1984-02-29' }, { birthDate: '1984-02-29' }],
    [
      'a day that never was',
      '{ from: birthdate, to: birthDate }',
      { birthdate: '1985-02-29' },
      fault('VALUE_NOT_CONVERTIBLE', 'birthdate'),
    ],
    [
      'a point in time',
      '{ from: createdon, to: cusSince }',
      { createdon: '2026-03-04T09:15:00+02:00' },
      { cusSince: '2026-03-04 07:15:00.000Z' },
    ],
    [
      'the day of a point in time',
      '{ from: createdon, to: birthDate }',
      { createdon: '2026-03-04T23:15:00Z' },
      { birthDate: '2026-03-04' },
    ],
    [
      'a label as an enumeration',
      '{ from: gendercode, to: gender, choice: label }',
      { gendercode: 2 },
      { gender: 'female' },
    ],
    [
      'a choice without a label',
      '{ from: gendercode, to: gender, choice: label }',
      { gendercode: 7 },
      fault('CHOICE_UNKNOWN', 'gendercode'),
    ],
    [
      'a number that is no name of an enumeration',
      '{ from: gendercode, to: gender }',
      { gendercode: 1 },
      fault('CHOICE_UNKNOWN', 'gendercode'),
    ],
    [
      'several choices',
      '{ from: hobbies, to: cusText, choice: label }',
      { hobbies: '1,9' },
      { cusText: 'Swimming; Camping' },
    ],
    [
      'a whole number',
      '{ from: numberofchildren, to: cusChildren }',
      { numberofchildren: 3 },
      { cusChildren: 3 },
    ],
    [
      'a fraction for a whole number',
      '{ from: creditlimit, to: cusChildren }',
      { creditlimit: 3.5 },
      fault('VALUE_NOT_CONVERTIBLE', 'creditlimit'),
    ],
    [
      'a number beyond 2^53',
      '{ from: numberofchildren, to: cusChildren }',
      { numberofchildren: '9007199254740993' },
      fault('VALUE_NOT_CONVERTIBLE', 'numberofchildren'),
    ],
    [
      'a number beyond 2^53 as text',
      '{ from: numberofchildren, to: cusText }',
      { numberofchildren: '9007199254740993' },
      { cusText: '9007199254740993' },
    ],
    ['money', '{ from: creditlimit, to: cusCredit }', { creditlimit: 20000.5 }, { cusCredit: 20000.5 }],
    ['a switch', '{ from: donotemail, to: cusFlag }', { donotemail: true }, { cusFlag: true }],
    ['a lookup', '{ from: parentcustomerid, to: cusText }', { _parentcustomerid_value: ID }, { cusText: ID }],
    ['a constant', '{ value: true, to: cusFlag }', {}, { cusFlag: true }],
    [
      'a field that Campaign does not know',
      '{ from: firstname, to: cusNew }',
      { firstname: 'x' },
      { cusNew: 'x' },
    ],
  ])('%s', (_name, fields, row, expected) => {
    expect(valueOf(fields, row)).toEqual(expected);
  });

  test('replacements come before conversion', () => {
    const more = ', replacements: [{ field: gendercode, from: 2, to: female }]';
    expect(valueOf('{ from: gendercode, to: gender }', { gendercode: 2 }, more)).toEqual({
      gender: 'female',
    });
  });
  test('a row without its key is parked', () => {
    expect(compiled('{ from: firstname, to: firstName }').toCampaign({ firstname: 'x' })).toEqual(
      fault('KEY_MISSING', 'contactid'),
    );
  });
  test('a column that Dynamics does not have is named', () => {
    expect(() => compiled('{ from: shoesize, to: cusText }, { from: hatsize, to: cusFlag }')).toThrow(
      /contact has no column shoesize, hatsize/,
    );
  });
  test('fields that do not follow updates are in the full payload only', () => {
    const result = mapped('{ from: firstname, to: firstName, applyUpdates: false }', { firstname: 'Ada' });
    expect(result).toMatchObject({
      full: { externalId: ID, firstName: 'Ada' },
      following: { externalId: ID },
    });
  });
});

describe('filters', () => {
  const row = {
    firstname: 'Amélie',
    numberofchildren: 2,
    createdon: '2026-03-04T09:15:00Z',
    gendercode: null,
  };
  test.each([
    ['{ field: firstname, is: equal, value: AMÉLIE }', true],
    ['{ field: firstname, is: contains, value: mél }', true],
    ['{ field: firstname, is: begins, value: me }', false],
    ['{ field: firstname, is: in, value: [zoe, amélie] }', true],
    ['{ field: gendercode, is: "null" }', true],
    ['{ field: gendercode, is: not equal, value: 1 }', true],
    ['{ field: numberofchildren, is: between, value: [1, 2] }', true],
    ['{ field: numberofchildren, is: greater, value: 2 }', false],
    ['{ field: createdon, is: "on", value: "2026-03-04" }', true],
    ['{ field: createdon, is: before, value: "2026-03-04" }', false],
    ['{ field: createdon, is: greater, value: "2026-03-04T10:15:00+02:00" }', true],
  ])('%s', (condition, passes) => {
    const result = mapped('{ from: firstname, to: cusText }', row, `, filters: { where: [${condition}] }`);
    expect(result.kind).toBe(passes ? 'payload' : 'filtered');
  });
  test('any and all', () => {
    const where =
      '[{ field: firstname, is: equal, value: x }, { field: numberofchildren, is: equal, value: 2 }]';
    expect(
      mapped('{ from: firstname, to: cusText }', row, `, filters: { match: any, where: ${where} }`).kind,
    ).toBe('payload');
    expect(
      mapped('{ from: firstname, to: cusText }', row, `, filters: { match: all, where: ${where} }`).kind,
    ).toBe('filtered');
  });
});

describe('what Campaign answers', () => {
  const everything = compiled(
    '{ from: firstname, to: cusText }, { from: birthdate, to: birthDate }, { from: createdon, to: cusSince }, { from: gendercode, to: gender, choice: label }, { from: numberofchildren, to: cusChildren }, { from: donotemail, to: cusFlag }, { from: creditlimit, to: location.city }',
  );
  const rows = fc.record({
    contactid: fc.constant(ID),
    firstname: fc.option(fc.string({ unit: 'binary', maxLength: 50 })),
    birthdate: fc.option(
      fc
        .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
        .map((date) => date.toISOString().slice(0, 10)),
    ),
    createdon: fc.option(
      fc
        .date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
        .map((date) => date.toISOString()),
    ),
    gendercode: fc.option(fc.constantFrom(1, 2)),
    numberofchildren: fc.option(fc.integer()),
    donotemail: fc.option(fc.boolean()),
    creditlimit: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
  });

  /** campaign.md §2 "Read defaults": empty values read as "", 0, false, and enumerations by name. */
  const answered = (sent: Record<string, unknown>): Record<string, unknown> => ({
    PKey: '@x',
    ...sent,
    cusText: sent.cusText ?? '',
    birthDate: sent.birthDate ?? '',
    cusSince: sent.cusSince ?? '',
    gender: sent.gender ?? 'unknown',
    cusChildren: sent.cusChildren ?? 0,
    cusFlag: sent.cusFlag ?? false,
    location: { address1: '', city: '', zipCode: '', ...(sent.location as object) },
  });

  test('compares equal to what was sent', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const sent = everything.toCampaign(row);
        if (sent.kind !== 'payload') throw new Error(JSON.stringify(sent));
        const held = everything.fromCampaign(answered(sent.full));
        expect(canonical(held.full)).toBe(canonical(sent.full));
        expect(held.key).toBe(ID);
      }),
    );
  });
  test('compares different when one field was edited there', () => {
    const sent = everything.toCampaign({ contactid: ID, firstname: 'Ada', numberofchildren: 1 });
    if (sent.kind !== 'payload') throw new Error('not sent');
    for (const edit of [
      { cusText: 'Eda' },
      { gender: 'male' },
      { cusChildren: 0 },
      { cusFlag: true },
      { birthDate: '1984-02-11' },
    ]) {
      const held = everything.fromCampaign({ ...answered(sent.full), ...edit });
      expect(canonical(held.full)).not.toBe(canonical(sent.full));
    }
  });
  test('no row crashes the mapping', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...Object.keys(source.columns), 'contactid'), fc.jsonValue()),
        (row) => {
          expect(['payload', 'fault', 'filtered']).toContain(everything.toCampaign(row).kind);
        },
      ),
    );
  });
});
