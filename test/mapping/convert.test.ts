import { describe, expect, test } from 'vitest';
import { compiled, sent } from './contact-profile.js';

const fault = (code: string, field: string) => ({ kind: 'fault', code, field });
/** Maps one column to one field. */
const one = (from: string, to: string, value: unknown, more = ''): unknown =>
  sent(compiled(`{ from: ${from}, to: ${to}${more} }`), { [from]: value });

describe('empty values', () => {
  test.each([
    'firstName',
    'birthDate',
    'cusSince',
    'gender',
    'cusChildren',
    'cusCredit',
    'cusWeight',
    'cusFlag',
  ])('null, absent and "" are sent to %s as null', (to) => {
    const mapping = compiled(`{ from: firstname, to: ${to} }`);
    for (const row of [{ firstname: null }, {}, { firstname: '' }])
      expect(sent(mapping, row)).toEqual({ [to]: null });
  });
});

describe('text', () => {
  test('is sent exactly as it is', () => {
    expect(one('firstname', 'cusText', " D'Ar\tÅ\u0301 ")).toEqual({ cusText: " D'Ar\tÅ\u0301 " });
  });
  test('is counted in characters, not in UTF-16 units', () => {
    expect(one('firstname', 'firstName', '🌸🌸🌸🌸🌸')).toEqual({ firstName: '🌸🌸🌸🌸🌸' });
    expect(one('firstname', 'firstName', '🌸🌸🌸🌸🌸🌸')).toEqual(fault('TEXT_TOO_LONG', 'firstName'));
  });
  test('longer than its field is a fault that names the Campaign field', () => {
    expect(one('firstname', 'firstName', 'Amélie')).toEqual(fault('TEXT_TOO_LONG', 'firstName'));
  });
  test('with half a character is a fault', () => {
    expect(one('firstname', 'cusText', 'a\ud800b')).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusText'));
    expect(one('firstname', 'cusText', '\udc00')).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusText'));
  });
  test('with NUL is a fault', () => {
    expect(one('firstname', 'cusText', 'a\0b')).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusText'));
  });
  test('of a field that Campaign does not know is sent without a limit', () => {
    expect(one('firstname', 'cusNew', 'x'.repeat(5000))).toEqual({ cusNew: 'x'.repeat(5000) });
  });
  test.each([
    ['a whole number', 'numberofchildren', 3, '3'],
    ['a number of more digits than a number holds', 'new_serial', '9007199254740993', '9007199254740993'],
    ['a tiny number, in plain digits', 'new_ratio', 0.0000001, '0.0000001'],
    ['a huge number, in plain digits', 'new_size', -1.5e21, '-1500000000000000000000'],
    ['true', 'donotemail', true, 'true'],
    ['several choices', 'hobbies', '1,9', '1,9'],
    ['a day', 'birthdate', '1984-02-29', '1984-02-29'],
    ['an id', 'contactid', '5d1f0000-0000-4000-8000-00000000000a', '5d1f0000-0000-4000-8000-00000000000a'],
    ['what is no single value, as JSON', 'description', { toString: 1 }, '{"toString":1}'],
  ])('takes %s', (_name, from, value, text) => {
    expect(one(from, 'cusText', value)).toEqual({ cusText: text });
  });
  test('takes the id of a lookup', () => {
    const mapping = compiled('{ from: parentcustomerid, to: cusText }');
    expect(sent(mapping, { _parentcustomerid_value: 'a1' })).toEqual({ cusText: 'a1' });
  });
});

describe('numbers', () => {
  test.each([
    ['cusChildren', 3, 3],
    ['cusChildren', -3, -3],
    ['cusChildren', '42', 42],
    ['cusChildren', '42.000', 42],
    ['cusChildren', true, 1],
    ['cusChildren', 9007199254740991, 9007199254740991],
    ['cusCredit', 20000.37, 20000.37],
    ['cusCredit', '0.250000000000000000000', 0.25],
    ['cusCredit', false, 0],
    ['cusWeight', 20000.37, 20000.37],
    ['cusWeight', 0.10000000149011612, 0.1],
  ])('%s takes %j', (to, value, number) => {
    expect(one('new_size', to, value)).toEqual({ [to]: number });
  });
  test.each([
    ['cusChildren', 3.5],
    ['cusChildren', '3.0000000000000000001'],
    ['cusChildren', '9007199254740993'],
    ['cusChildren', 'three'],
    ['cusCredit', '9007199254740993'],
    ['cusCredit', '12 000'],
    ['cusCredit', '1e999'],
    ['cusCredit', '0x10'],
    ['cusWeight', '9007199254740993'],
    ['cusWeight', []],
  ])('%s refuses %j rather than send another number', (to, value) => {
    expect(one('new_size', to, value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', to));
  });
});

describe('true and false', () => {
  test.each([
    [true, true],
    [1, true],
    ['1', true],
    ['true', true],
    [false, false],
    [0, false],
    ['0', false],
    ['false', false],
  ])('%j is %j', (value, flag) => {
    expect(one('donotemail', 'cusFlag', value)).toEqual({ cusFlag: flag });
  });
  test.each([2, 'yes', 'TRUE '])('%j is a fault', (value) => {
    expect(one('donotemail', 'cusFlag', value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusFlag'));
  });
  test('a switch keeps its value where its label could be none', () => {
    expect(one('donotemail', 'cusFlag', true, ', choice: label')).toEqual({ cusFlag: true });
    expect(one('donotemail', 'cusText', true, ', choice: label')).toEqual({ cusText: 'Do Not Allow' });
  });
});

describe('days and points in time', () => {
  test.each([
    ['a day', 'birthdate', 'birthDate', '1984-02-29', '1984-02-29'],
    ['the first day', 'birthdate', 'birthDate', '0001-01-01', '0001-01-01'],
    ['the last day', 'birthdate', 'birthDate', '9999-12-31', '9999-12-31'],
    ['a time: its day in UTC', 'createdon', 'birthDate', '2026-03-04T23:15:00-02:00', '2026-03-05'],
    ['a time without a zone: its own day', 'new_event', 'birthDate', '2026-03-04T23:15:00Z', '2026-03-04'],
    ['a text that is a day', 'firstname', 'birthDate', '2026-03-04', '2026-03-04'],
    ['a point in time', 'createdon', 'cusSince', '2026-03-04T09:15:00Z', '2026-03-04 09:15:00.000Z'],
    ['an offset', 'createdon', 'cusSince', '2026-03-04T09:15:00.1234567+02:00', '2026-03-04 07:15:00.123Z'],
    ['no seconds', 'createdon', 'cusSince', '2026-03-04T09:15Z', '2026-03-04 09:15:00.000Z'],
    ['a day: its first moment', 'birthdate', 'cusSince', '0045-03-15', '0045-03-15 00:00:00.000Z'],
  ])('%s', (_name, from, to, value, expected) => {
    expect(one(from, to, value)).toEqual({ [to]: expected });
  });
  test.each([
    '1985-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-04-31',
    '0000-01-01',
    '10000-01-01',
    '2026-3-4',
    '04/03/2026',
    '2026-03-04T24:00:00Z',
    '2026-03-04T09:60:00Z',
    '2026-03-04T09:15:00+24:00',
    '2026-03-04T09:15:00+01:60',
    '2016-12-31T23:59:60Z',
    '2026-03-04x',
    20260304,
    true,
    ['2026-03-04'],
  ])('%j is a fault', (value) => {
    expect(one('createdon', 'cusSince', value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusSince'));
    expect(one('birthdate', 'birthDate', value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'birthDate'));
  });
  test.each(['0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
    '%s is a fault: in UTC its year is none of 1 to 9999',
    (value) => {
      expect(one('createdon', 'cusSince', value)).toEqual(fault('VALUE_NOT_CONVERTIBLE', 'cusSince'));
    },
  );
});

describe('choices', () => {
  test('send their number, or their label', () => {
    expect(one('statuscode', 'cusText', 2)).toEqual({ cusText: '2' });
    expect(one('statuscode', 'cusText', 2, ', choice: label')).toEqual({ cusText: 'Inactive' });
    expect(one('statecode', 'cusText', 0, ', choice: label')).toEqual({ cusText: 'Active' });
  });
  test('of several send all labels', () => {
    expect(one('hobbies', 'cusText', '1,9', ', choice: label')).toEqual({ cusText: 'Swimming; Camping' });
  });
  test.each([
    ['gendercode', 7],
    ['gendercode', 'constructor'],
    ['hobbies', '1,2'],
    ['new_unlabelled', 1],
  ])('without a label are a fault: %s %j', (from, value) => {
    expect(one(from, 'cusText', value, ', choice: label')).toEqual(fault('CHOICE_UNKNOWN', 'cusText'));
  });
  test('are nothing where there is none', () => {
    expect(one('gendercode', 'cusText', null, ', choice: label')).toEqual({ cusText: null });
  });
  test('of other columns do not matter', () => {
    expect(one('firstname', 'cusText', 'Ada', ', choice: label')).toEqual({ cusText: 'Ada' });
  });
});

describe('enumerations', () => {
  test('take a name, whatever its case, and send it as Campaign spells it', () => {
    expect(one('firstname', 'gender', 'female')).toEqual({ gender: 'female' });
    expect(one('gendercode', 'gender', 2, ', choice: label')).toEqual({ gender: 'female' });
    expect(one('firstname', 'preferredLanguage', 'EN_gb_OLD')).toEqual({ preferredLanguage: 'EN_GB_old' });
  });
  test('refuse a name they do not have', () => {
    expect(one('gendercode', 'gender', 1)).toEqual(fault('CHOICE_UNKNOWN', 'gender'));
    expect(one('firstname', 'preferredLanguage', 'unknown')).toEqual(
      fault('CHOICE_UNKNOWN', 'preferredLanguage'),
    );
  });
  test('that do not list their names take any, up to their length', () => {
    expect(one('firstname', 'cusLevel', 'gold')).toEqual({ cusLevel: 'gold' });
    expect(one('firstname', 'cusLevel', 'platinum')).toEqual(fault('TEXT_TOO_LONG', 'cusLevel'));
  });
  test('are sent empty instead of by the name that Campaign gives to an empty one', () => {
    expect(one('firstname', 'gender', 'Unknown')).toEqual({ gender: null });
    expect(one('firstname', 'preferredLanguage', 'none')).toEqual({ preferredLanguage: null });
  });
  test('of a custom field keep these names: there they may mean something', () => {
    expect(one('firstname', 'cusLevel', 'none')).toEqual({ cusLevel: 'none' });
  });
});

describe('replacements', () => {
  const replaced = (from: string, to: string, replacements: string, value: unknown, more = ''): unknown =>
    sent(compiled(`{ from: ${from}, to: ${to}${more} }`, `, replacements: [${replacements}]`), {
      [from]: value,
    });

  test('come before conversion', () => {
    const genders = '{ field: gendercode, from: 1, to: male }, { field: gendercode, from: 2, to: female }';
    expect(replaced('gendercode', 'gender', genders, 2)).toEqual({ gender: 'female' });
    expect(replaced('gendercode', 'gender', genders, 3)).toEqual(fault('CHOICE_UNKNOWN', 'gender'));
  });
  test('name a choice by its number or, where labels are sent, by its label', () => {
    const byLabel = '{ field: gendercode, from: Female, to: f }';
    expect(replaced('gendercode', 'cusText', byLabel, 2, ', choice: label')).toEqual({ cusText: 'f' });
    expect(replaced('gendercode', 'cusText', byLabel, 2)).toEqual({ cusText: '2' });
    const byNumber = '{ field: gendercode, from: 7, to: other }';
    expect(replaced('gendercode', 'cusText', byNumber, 7, ', choice: label')).toEqual({ cusText: 'other' });
  });
  test('compare what is written the same', () => {
    expect(replaced('donotemail', 'cusText', '{ field: donotemail, from: true, to: no }', true)).toEqual({
      cusText: 'no',
    });
    expect(replaced('firstname', 'cusText', '{ field: firstname, from: Ada, to: A. }', 'ada')).toEqual({
      cusText: 'ada',
    });
    const serial = '{ field: new_serial, from: "9007199254740993", to: best }';
    expect(replaced('new_serial', 'cusText', serial, '9007199254740993')).toEqual({ cusText: 'best' });
    expect(replaced('new_serial', 'cusText', serial, '9007199254740992')).toEqual({
      cusText: '9007199254740992',
    });
  });
  test('of "" give a row without a value one', () => {
    const standard = '{ field: firstname, from: "", to: friend }';
    expect(replaced('firstname', 'cusText', standard, null)).toEqual({ cusText: 'friend' });
  });
  test('by what does not fit the field are a fault of the row', () => {
    const wrong = '{ field: gendercode, from: 2, to: femail }';
    expect(replaced('gendercode', 'gender', wrong, 2)).toEqual(fault('CHOICE_UNKNOWN', 'gender'));
    expect(replaced('gendercode', 'gender', wrong, null)).toEqual({ gender: null });
  });
});
