import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile } from '../../src/mapping/compile.js';
import type { SourceTable, TargetResource } from '../../src/mapping/model.js';
import { compiled, ID, sent, source, tableMapping, target } from './contact-profile.js';

const NAME = '{ from: firstname, to: firstName }';

describe('a compiled mapping', () => {
  test('says what to read, once each, without what the reader always adds', () => {
    const { select } = compiled(
      `${NAME}, { from: firstname, to: cusText }, { from: parentcustomerid, to: cusParent }, { from: contactid, to: cusId }`,
      ', filters: { where: [{ field: statecode, is: equal, value: 0 }, { field: versionnumber, is: greater, value: 1 }] }',
    );
    expect(select).toEqual(['firstname', '_parentcustomerid_value', 'statecode']);
  });
  test('says how Campaign addresses a record', () => {
    const by = (addressBy: string) =>
      compile({ ...tableMapping(NAME), key: { to: 'externalId', addressBy } }, source, target).addressBy;
    expect(by('url')).toEqual({ kind: 'url' });
    expect(by('filter:byCrmId')).toEqual({ kind: 'filter', name: 'byCrmId' });
  });
  test('carries what becomes of deletions', () => {
    expect(compiled(NAME)).toMatchObject({
      table: 'contact',
      resource: 'profile',
      keyField: 'externalId',
      applyDeletes: true,
      deleteFilteredOut: false,
      deletionBrake: { share: 0.1, atLeast: 50 },
    });
    const filters =
      'filters: { where: [{ field: statecode, is: equal, value: 0 }], deleteFilteredOut: true }';
    expect(compiled(NAME, `, applyDeletes: false, ${filters}`)).toMatchObject({
      applyDeletes: false,
      deleteFilteredOut: true,
    });
  });
});

describe('a row', () => {
  test('is sent with its key in small letters, in full and when it changes', () => {
    const mapped = compiled(NAME).toCampaign({ contactid: ID.toUpperCase(), firstname: 'Ada' });
    const payload = { externalId: ID, firstName: 'Ada' };
    expect(mapped).toEqual({
      kind: 'payload',
      key: ID,
      insert: payload,
      full: payload,
      following: payload,
      parents: [],
    });
  });
  test('leaves fields that do not follow updates out of what is sent when it changes', () => {
    const mapped = compiled(
      '{ from: firstname, to: firstName, applyUpdates: false }, { from: description, to: location.city, applyUpdates: false }, { value: 7, to: cusChildren }',
    ).toCampaign({ contactid: ID, firstname: 'Ada', description: 'Bergen' });
    expect(mapped).toMatchObject({
      full: { externalId: ID, firstName: 'Ada', location: { city: 'Bergen' }, cusChildren: 7 },
      following: { externalId: ID, cusChildren: 7 },
    });
    expect(mapped).not.toHaveProperty('following.firstName');
    expect(mapped).not.toHaveProperty('following.location');
  });
  test('fills nested objects', () => {
    const mapping = compiled(
      '{ from: firstname, to: location.city }, { from: description, to: location.zipCode }, { value: x, to: location.more.text }',
    );
    expect(sent(mapping, { firstname: 'Bergen', description: '5003' })).toEqual({
      location: { city: 'Bergen', zipCode: '5003', more: { text: 'x' } },
    });
  });
  test.each([{}, { contactid: null }, { contactid: '' }, { contactid: 5 }])(
    'without its key is parked: %j',
    (row) => {
      expect(compiled(NAME).toCampaign(row)).toEqual({
        kind: 'fault',
        code: 'KEY_MISSING',
        field: 'externalId',
      });
    },
  );
  test('whose key does not fit its field is parked', () => {
    const keyIn = (to: string) =>
      compile({ ...tableMapping(NAME), key: { to, addressBy: 'url' } }, source, target).toCampaign({
        contactid: ID,
      });
    expect(keyIn('cusShortId')).toEqual({ kind: 'fault', code: 'TEXT_TOO_LONG', field: 'cusShortId' });
    expect(keyIn('cusChildren')).toEqual({
      kind: 'fault',
      code: 'VALUE_NOT_CONVERTIBLE',
      field: 'cusChildren',
    });
  });
  test('that is filtered out is so before its faults are looked at', () => {
    const mapping = compiled(NAME, ', filters: { where: [{ field: statecode, is: equal, value: 0 }] }');
    expect(mapping.toCampaign({ statecode: 1, firstname: 'far too long' })).toEqual({ kind: 'filtered' });
  });
  test('never crashes the mapping, whatever JSON it is', () => {
    const names = [
      ...Object.values(source.columns).map((column) => column.selectName),
      '__proto__',
      'toString',
    ];
    const mapping = compiled(
      `${Object.keys(source.columns)
        .map((name, index) => `{ from: ${name}, to: cusAny${index}, choice: label }`)
        .join(
          ', ',
        )}, { from: createdon, to: birthDate }, { from: createdon, to: cusSince }, { from: firstname, to: gender }, { from: new_ratio, to: cusWeight }, { from: new_serial, to: cusChildren }`,
      `, replacements: [{ field: firstname, from: 1, to: x }], filters: { match: any, where: [${Object.keys(
        source.columns,
      )
        .map((name) => `{ field: ${name}, is: not null }`)
        .join(
          ', ',
        )}, { field: new_serial, is: greater, value: 1 }, { field: createdon, is: "on", value: "2026-01-01" }] }`,
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), fc.jsonValue()), (row) => {
        expect(['payload', 'fault', 'filtered']).toContain(
          mapping.toCampaign({ contactid: ID, ...row }).kind,
        );
        expect(typeof mapping.fromCampaign(row).key).toBe('string');
      }),
    );
  });
});

describe('a link by key', () => {
  const links = (by: string) =>
    `, links: [{ from: parentcustomerid, to: cusAccountId, table: account, by: ${by} }]`;
  test("sends the parent's id, or nothing", () => {
    const mapping = compiled(NAME, links('key'));
    expect(sent(mapping, { _parentcustomerid_value: 'AB-1' })).toEqual({
      firstName: null,
      cusAccountId: 'ab-1',
    });
    expect(sent(mapping, {})).toEqual({ firstName: null, cusAccountId: null });
  });
  test('to one of several tables leaves out a row of another', () => {
    const mapping = compiled(NAME, links('key'));
    const member = '_parentcustomerid_value';
    const row = (table: string) => ({
      contactid: ID,
      [member]: 'AB-1',
      [`${member}@Microsoft.Dynamics.CRM.lookuplogicalname`]: table,
    });
    expect(sent(mapping, row('account'))).toMatchObject({ cusAccountId: 'ab-1' });
    expect(sent(mapping, row('contact'))).toMatchObject({ cusAccountId: null });
    expect(mapping.toCampaign(row('contact'))).toMatchObject({ parents: [] });
  });
  test('names the parent that must be in Campaign first', () => {
    const mapping = compiled(NAME, links('key'));
    expect(mapping.parentTables).toEqual(['account']);
    expect(mapping.toCampaign({ contactid: ID, _parentcustomerid_value: 'AB-1' })).toMatchObject({
      parents: [{ table: 'account', id: 'ab-1', field: 'cusAccountId' }],
    });
    expect(mapping.toCampaign({ contactid: ID })).toMatchObject({ parents: [] });
  });
});

describe('a link by pkey', () => {
  const withLink: TargetResource = {
    ...target,
    fields: {
      ...target.fields,
      cusAccount: { path: 'cusAccount', type: 'link', readOnly: false },
      orgUnit: { path: 'orgUnit', type: 'link', readOnly: false },
      cusText: { path: 'cusText', type: 'string', readOnly: false },
    },
  };
  const linked = (links: string) => compile(tableMapping(NAME, `, links: [${links}]`), source, withLink);
  test("holds the parent's id until it is sent, and nothing for none", () => {
    const mapping = linked('{ from: parentcustomerid, to: cusAccount, table: account, by: pkey }');
    expect(mapping.pkeyLinks).toEqual([{ field: 'cusAccount', to: { kind: 'parent', table: 'account' } }]);
    expect(sent(mapping, { _parentcustomerid_value: 'AB-1' })).toMatchObject({ cusAccount: 'ab-1' });
    expect(sent(mapping, {})).toMatchObject({ cusAccount: null });
  });
  test('to a fixed record holds its key', () => {
    const mapping = linked('{ value: paris, to: orgUnit, resource: orgUnitBase, keyField: name }');
    expect(mapping.pkeyLinks).toEqual([
      {
        field: 'orgUnit',
        to: { kind: 'constant', resource: 'orgUnitBase', keyField: 'name', addressBy: { kind: 'list' } },
      },
    ]);
    expect(mapping.parentTables).toEqual([]);
    expect(sent(mapping, {})).toMatchObject({ orgUnit: 'paris' });
  });
  test('that Campaign holds equals no key, and none equals none', () => {
    const mapping = linked('{ from: parentcustomerid, to: cusAccount, table: account, by: pkey }');
    const held = (cusAccount: unknown) =>
      mapping.fromCampaign({ externalId: ID, cusAccount }).full.cusAccount;
    expect(held(null)).toBeNull();
    expect(held({ PKey: '@x', href: 'h', title: 'ab-1' })).not.toBe('ab-1');
    expect(held({ PKey: '@x', href: 'h', title: 'ab-1' })).not.toBeNull();
  });
  test.each([
    ['{ from: parentcustomerid, to: cusText, table: account, by: pkey }', /cusText: is a field and no link/],
    ['{ from: parentcustomerid, to: cusAccount, table: account, by: key }', /cusAccount: takes a PKey/],
    ['{ from: parentcustomerid, to: location.city, table: account, by: pkey }', /takes no nested field/],
  ])('is refused where the field is of the other kind: %s', (link, message) => {
    expect(() => linked(link)).toThrow(message);
  });
});

describe('a field that no update can carry', () => {
  const v8: TargetResource = {
    ...target,
    fields: {
      ...target.fields,
      'location.city': { path: 'location.city', type: 'string', readOnly: false, insertOnly: true },
    },
  };
  const mapping = compile(tableMapping(`${NAME}, { from: description, to: location.city }`), source, v8);
  test('travels with a new record only, and is not compared', () => {
    expect(mapping.toCampaign({ contactid: ID, firstname: 'Ada', description: 'Bergen' })).toMatchObject({
      insert: { externalId: ID, firstName: 'Ada', location: { city: 'Bergen' } },
      full: { externalId: ID, firstName: 'Ada' },
    });
    const { full } = mapping.fromCampaign({ externalId: ID, firstName: 'Ada', location: { city: 'Oslo' } });
    expect(full).not.toHaveProperty('location');
  });
});

describe('a mapping that can never work is refused, with everything that is wrong', () => {
  test('columns that Dynamics does not have', () => {
    expect(() =>
      compiled(
        '{ from: shoesize, to: cusText }, { from: hatsize, to: cusNew }, { from: constructor, to: cusOther }',
        ', filters: { where: [{ field: waist, is: "null" }] }, links: [{ from: new_x, to: cusX, table: account }]',
      ),
    ).toThrow(/contact has no column shoesize, hatsize, constructor, new_x, waist/);
  });
  test.each([
    ['{ value: maybe, to: cusFlag }', '', /the constant for cusFlag does not fit its type \(boolean\)/],
    ['{ value: far too long, to: firstName }', '', /the constant for firstName/],
    [NAME, '{ field: createdon, is: greater, value: yesterday }', /the filter on createdon compares with/],
    [
      NAME,
      '{ field: numberofchildren, is: in, value: [1, many] }',
      /the filter on numberofchildren compares with/,
    ],
    [NAME, '{ field: donotemail, is: equal, value: maybe }', /the filter on donotemail compares with/],
    [NAME, '{ field: firstname, is: before, value: "2026-01-01" }', /the filter on firstname compares dates/],
  ])('%s %s', (fields, where, message) => {
    expect(() => compiled(fields, where === '' ? '' : `, filters: { where: [${where}] }`)).toThrow(message);
  });
  test('several faults are told together', () => {
    expect(() => compiled('{ from: shoesize, to: cusText }, { value: maybe, to: cusFlag }')).toThrow(
      /shoesize.*cusFlag/,
    );
  });
});

describe('the hash', () => {
  const FIELDS = `${NAME}, { from: gendercode, to: gender, choice: label }`;
  const hashWith = ({ fields = FIELDS, more = '', from = source, to = target } = {}) =>
    compile(tableMapping(fields, more), from, to).hash;
  const withColumn = (name: string, change: object): SourceTable => ({
    ...source,
    columns: {
      ...source.columns,
      [name]: { ...source.columns[name], ...change } as SourceTable['columns'][string],
    },
  });
  const withField = (path: string, change: object): TargetResource => ({
    ...target,
    fields: {
      ...target.fields,
      [path]: { ...target.fields[path], ...change } as TargetResource['fields'][string],
    },
  });

  test.each([
    ['a field more', { fields: `${FIELDS}, { value: 1, to: cusChildren }` }],
    ['a replacement', { more: ', replacements: [{ field: firstname, from: a, to: b }]' }],
    ['a filter', { more: ', filters: { where: [{ field: statecode, is: equal, value: 0 }] }' }],
    ['whether deletions are applied', { more: ', applyDeletes: false' }],
    ["a mapped column's type", { from: withColumn('firstname', { type: 'Memo' }) }],
    ['a label that is sent', { from: withColumn('gendercode', { labels: { 1: 'Man', 2: 'Female' } }) }],
    ["a mapped field's length", { to: withField('firstName', { length: 6 }) }],
    ["the key field's length", { to: withField('externalId', { length: 36 }) }],
    ["a mapped field's type", { to: withField('firstName', { type: 'other' }) }],
    [
      "an enumeration's names",
      { to: withField('gender', { values: ['unknown', 'male', 'female', 'other'] }) },
    ],
  ])('changes with %s', (_name, change) => {
    expect(hashWith(change)).not.toBe(hashWith());
  });
  test.each([
    ['how often the table is read', { more: ', every: 2h' }],
    ['when deletions are held', { more: ', deletionBrake: { share: 50% }' }],
    ['a column that is not mapped', { from: withColumn('creditlimit', { type: 'Double' }) }],
    ['a field that is not mapped', { to: withField('cusText', { length: 10 }) }],
    ['the order of names', { to: withField('gender', { values: ['male', 'female', 'unknown'] }) }],
    ['labels that are not sent', { fields: NAME, from: withColumn('gendercode', { labels: {} }) }],
  ])('stays the same with %s', (_name, change) => {
    const { fields } = { fields: FIELDS, ...change };
    expect(hashWith(change)).toBe(hashWith({ fields }));
  });
});
