import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/mapping/canonical.js';
import { compile } from '../../src/mapping/compile.js';
import type { Payload, TargetField } from '../../src/mapping/model.js';
import { compiled, ID, sent, source, tableMapping, target } from './contact-profile.js';
import { PROTOTYPE, STRANGE } from './strange-names.js';

/** Rows, metadata and records of Campaign that were made to break a mapping, or that chance made so. */

describe('a row', () => {
  const fault = (code: string, field: string) => ({ kind: 'fault', code, field });
  const one = (from: string, to: string, value: unknown): unknown =>
    sent(compiled(`{ from: ${from}, to: ${to} }`), { [from]: value });

  test.each([
    ['=HYPERLINK("http://x")'],
    ['{"a":1}'],
    ['\u202eadA\u202c'],
    ['A\u0301\u0323'],
    ['👩‍👩‍👧'],
    ['NaN'],
    ['null'],
    ['undefined'],
    ['__proto__'],
    ['${a}`b`'],
    ['\r\n\t\u0007'],
    ['\uFEFF\u200B'],
  ])('keeps its text as it is: %j', (text) => {
    expect(one('description', 'cusText', text)).toEqual({ cusText: text });
  });
  test('is measured in characters at the limit: of 4 bytes, combining ones, marks of direction', () => {
    for (const [text, longer] of [
      ['🌸'.repeat(5), '🌸'.repeat(6)],
      ['a\u0301a\u0301a', 'a\u0301a\u0301a\u0301'],
      ['\u202eabc\u202c', '\u202eabcd\u202c'],
    ] as const) {
      expect(one('description', 'firstName', text)).toEqual({ firstName: text });
      expect(one('description', 'firstName', longer)).toEqual(fault('TEXT_TOO_LONG', 'firstName'));
    }
  });
  test.each([
    'NaN',
    'Infinity',
    '-Infinity',
    '1e400',
    '1e999999999',
    '0x1F',
    '1_000',
    '١٢',
    '1,5',
    '+',
    '.',
    '--1',
    ' 1',
    '1n',
  ])('has no number in %j', (text) => {
    expect(one('description', 'cusCredit', text)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusCredit'));
    expect(one('description', 'cusChildren', text)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusChildren'));
  });
  test.each([2 ** 53, -(2 ** 53), '9007199254740993', 1e300, '1e300', '123456789012345678901234567890'])(
    'is not sent with another number for %j',
    (value) => {
      for (const to of ['cusChildren', 'cusCredit', 'cusWeight'])
        expect(one('new_size', to, value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', to));
    },
  );
  test('with a hundred thousand digits, or almost, is no number, found in one pass', () => {
    const digits = '9'.repeat(100_000);
    for (const text of [digits, `${digits}x`, `${digits}.${digits}x`, `1e${digits}`]) {
      expect(one('description', 'cusCredit', text)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusCredit'));
      expect(one('description', 'cusChildren', text)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusChildren'));
      expect(one('description', 'cusSince', text)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusSince'));
    }
  });
  test('nested too deeply to be written is a fault, not a crash', () => {
    let nest: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) nest = [nest];
    expect(one('description', 'cusText', nest)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusText'));
    const filtered = compiled('', ', filters: { where: [{ field: description, is: equal, value: "" }] }');
    expect(filtered.toCampaign({ contactid: ID, description: nest })).toEqual({ kind: 'filtered' });
  });
  test.each(PROTOTYPE)('is not changed by a member %s, nor anything else', (name) => {
    const row = JSON.parse(`{ "${name}": { "firstname": "x", "polluted": true } }`) as object;
    expect(sent(compiled('{ from: firstname, to: firstName }'), row)).toEqual({ firstName: null });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
  test('keeps a key that is no id as it is', () => {
    const mapping = compiled('');
    for (const key of STRANGE.filter((name) => name.trim() !== '')) {
      expect(mapping.toCampaign({ contactid: key })).toMatchObject({
        kind: 'payload',
        key: key.toLowerCase(),
      });
    }
    expect(mapping.toCampaign({ contactid: '\ud800' })).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'externalId'));
    expect(mapping.toCampaign({ contactid: 'x'.repeat(101) })).toEqual(fault('TEXT_TOO_LONG', 'externalId'));
  });
});

describe('metadata', () => {
  const fields = (more: Record<string, TargetField>) => ({
    ...target,
    fields: { ...target.fields, ...more },
  });
  test.each(PROTOTYPE.filter((name) => name !== '__proto__'))('with a field %s: it is a field', (name) => {
    const field: TargetField = { path: name, type: 'string', length: 3, readOnly: false };
    const mapping = compile(
      tableMapping(`{ from: firstname, to: ${name} }`),
      source,
      fields({ [name]: field }),
    );
    expect(sent(mapping, { firstname: 'Ada' })).toEqual({ [name]: 'Ada' });
    expect(sent(mapping, { firstname: 'Adam' })).toEqual({
      kind: 'fault',
      code: 'TEXT_TOO_LONG',
      field: name,
    });
    const nested = compiled(`{ from: firstname, to: ${name}.city }`);
    expect(sent(nested, { firstname: 'Oslo' })).toEqual({ [name]: { city: 'Oslo' } });
    expect(canonical(nested.fromCampaign({ externalId: ID }).full)).toBe(canonical({ externalId: ID }));
  });
  test.each(PROTOTYPE)('without a field %s: it is no field of the prototype', (name) => {
    const plain = compiled('{ from: firstname, to: cusNew }').fromCampaign(
      JSON.parse(`{ "externalId": "${ID}", "${name}": { "cusNew": "x" } }`) as Record<string, unknown>,
    );
    expect(canonical(plain.full)).toBe(canonical({ externalId: ID }));
  });
  test.each([...STRANGE, ...PROTOTYPE])(
    'with a choice labelled, or an enumeration name, %j: it is sent so',
    (name) => {
      const labelled = {
        ...source,
        columns: {
          ...source.columns,
          gendercode: {
            logicalName: 'gendercode',
            type: 'Picklist',
            selectName: 'gendercode',
            labels: { 1: name },
          },
        },
      };
      const level: TargetField = { path: 'cusLevel', type: 'enumeration', readOnly: false, values: [name] };
      const mapping = compile(
        tableMapping('{ from: gendercode, to: cusLevel, choice: label }'),
        labelled,
        fields({ cusLevel: level }),
      );
      expect(sent(mapping, { gendercode: 1 })).toEqual({ cusLevel: name });
      expect(sent(mapping, { gendercode: 'constructor' })).toMatchObject({ code: 'CHOICE_UNKNOWN' });
      expect(sent(mapping, { gendercode: '__proto__' })).toMatchObject({ code: 'CHOICE_UNKNOWN' });
    },
  );
});

describe('any row of JSON values', () => {
  /** Every column on a field of every type. */
  const types = Object.keys(target.fields).filter((path) => path !== 'externalId' && path !== 'cusProfile');
  const columns = Object.keys(source.columns);
  const mappings = types.map((path, index) =>
    compiled(
      [
        `{ from: ${columns[index % columns.length]}, to: ${path}, choice: label }`,
        ...columns.map((name, number) => `{ from: ${name}, to: cusAny${number} }`),
      ].join(', '),
      ', replacements: [{ field: firstname, from: "", to: x }], filters: { match: any, where: [{ field: firstname, is: not equal, value: x }] }',
    ),
  );
  const values = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.bigInt().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
    fc.constantFrom(1, 2, 9, '1,9', true, false, null, '', 'unknown', 'none', 'en_gb', 'female'),
  );
  const rows = fc.dictionary(
    fc.constantFrom(...Object.values(source.columns).map(({ selectName }) => selectName), ...PROTOTYPE),
    values,
  );

  test('is mapped without a crash to a payload whose record compares as equal', () => {
    fc.assert(
      fc.property(rows, fc.constantFrom(...mappings), (row, mapping) => {
        const mapped = mapping.toCampaign({ ...row, contactid: ID });
        if (mapped.kind !== 'payload') return;
        const held = mapping.fromCampaign(answered(mapped.full));
        expect(canonical(held.full)).toBe(canonical(mapped.full));
      }),
      { numRuns: 1_000 },
    );
  });
  test('is a record of Campaign that is compared without a crash', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...types, 'location', 'externalId', ...PROTOTYPE), values),
        fc.constantFrom(...mappings),
        (record, mapping) => {
          const { key, full } = mapping.fromCampaign(record);
          expect([typeof key, typeof canonical(full)]).toEqual(['string', 'string']);
        },
      ),
    );
  });

  /** What Campaign answers for a payload (campaign.md §2): it has a value in every field. */
  function answered(payload: Payload, prefix = ''): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(payload).map(([name, value]) => {
        if (typeof value === 'object' && value !== null) return [name, answered(value, `${name}.`)];
        return [name, value ?? EMPTY[target.fields[prefix + name]?.type ?? 'other']];
      }),
    );
  }
});

const EMPTY: Record<TargetField['type'], unknown> = {
  string: '',
  integer: 0,
  boolean: false,
  float: 0,
  double: 0,
  date: '',
  datetime: '',
  enumeration: '',
  link: null,
  other: '',
};
