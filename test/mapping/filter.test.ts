import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compiled, ID } from './contact-profile.js';

const passes = (conditions: string, row: object, match = 'all'): boolean => {
  const mapping = compiled('', `, filters: { match: ${match}, where: [${conditions}] }`);
  return mapping.toCampaign({ contactid: ID, ...row }).kind === 'payload';
};

const ROW = {
  firstname: 'Amélie Ω',
  description: null,
  numberofchildren: 2,
  new_serial: '9007199254740993',
  new_ratio: '20000.0000000000000001',
  creditlimit: 20000.5,
  donotemail: true,
  gendercode: null,
  statecode: 0,
  hobbies: '1,11',
  birthdate: '1984-02-29',
  createdon: '2026-03-04T09:15:00Z',
  _parentcustomerid_value: ID,
};

describe('a row passes', () => {
  test.each([
    ['{ field: firstname, is: equal, value: AMÉLIE ω }'],
    ['{ field: firstname, is: contains, value: MÉL }'],
    ['{ field: firstname, is: begins, value: amé }'],
    ['{ field: firstname, is: ends, value: "ω" }'],
    ['{ field: firstname, is: in, value: [zoe, amélie ω] }'],
    ['{ field: firstname, is: not in, value: [zoe, amélie] }'],
    ['{ field: firstname, is: between, value: [AMA, AMÉM] }'],
    ['{ field: firstname, is: greater, value: AMELIA }'],
    ['{ field: firstname, is: not null }'],
    ['{ field: description, is: "null" }'],
    ['{ field: description, is: not equal, value: x }'],
    ['{ field: description, is: not in, value: [x] }'],
    ['{ field: numberofchildren, is: equal, value: "2" }'],
    ['{ field: numberofchildren, is: between, value: [1, 2] }'],
    ['{ field: numberofchildren, is: greater or equal, value: 2 }'],
    ['{ field: numberofchildren, is: less, value: 10 }'],
    ['{ field: new_serial, is: equal, value: "9007199254740993" }'],
    ['{ field: new_serial, is: greater, value: "9007199254740992" }'],
    ['{ field: new_serial, is: less, value: "10000000000000000" }'],
    ['{ field: new_ratio, is: greater, value: 20000 }'],
    ['{ field: new_ratio, is: greater, value: "-1e-7" }'],
    ['{ field: creditlimit, is: equal, value: "20000.5000" }'],
    ['{ field: donotemail, is: equal, value: true }'],
    ['{ field: donotemail, is: equal, value: 1 }'],
    ['{ field: statecode, is: equal, value: 0 }'],
    ['{ field: hobbies, is: contains, value: 11 }'],
    ['{ field: hobbies, is: equal, value: "11,1" }'],
    ['{ field: parentcustomerid, is: equal, value: 5D1F0000-0000-4000-8000-00000000000A }'],
    ['{ field: birthdate, is: "on", value: "1984-02-29" }'],
    ['{ field: birthdate, is: before, value: "1984-03-01" }'],
    ['{ field: birthdate, is: equal, value: "1984-02-29" }'],
    ['{ field: createdon, is: "on", value: "2026-03-04" }'],
    ['{ field: createdon, is: equal, value: "2026-03-04" }'],
    ['{ field: createdon, is: on or after, value: "2026-03-04" }'],
    ['{ field: createdon, is: on or before, value: "2026-03-04" }'],
    ['{ field: createdon, is: between, value: ["2026-03-01", "2026-03-04"] }'],
    ['{ field: createdon, is: before, value: "2026-03-04T10:00:00Z" }'],
    ['{ field: createdon, is: greater, value: "2026-03-04T10:15:00+02:00" }'],
    ['{ field: createdon, is: equal, value: "2026-03-04T11:15:00+02:00" }'],
  ])('%s', (condition) => {
    expect(passes(condition, ROW)).toBe(true);
  });
});

describe('a row is filtered out', () => {
  test.each([
    ['{ field: firstname, is: equal, value: amelie }'],
    ['{ field: firstname, is: not equal, value: amélie ω }'],
    ['{ field: firstname, is: contains, value: "%" }'],
    ['{ field: firstname, is: "null" }'],
    ['{ field: description, is: not null }'],
    ['{ field: description, is: contains, value: "" }'],
    ['{ field: description, is: less, value: z }'],
    ['{ field: gendercode, is: less or equal, value: 5 }'],
    ['{ field: gendercode, is: in, value: [0, 1] }'],
    ['{ field: numberofchildren, is: greater, value: 2 }'],
    ['{ field: numberofchildren, is: between, value: [3, 9] }'],
    ['{ field: new_serial, is: equal, value: "9007199254740992" }'],
    ['{ field: new_ratio, is: less or equal, value: 20000 }'],
    ['{ field: donotemail, is: equal, value: false }'],
    ['{ field: hobbies, is: contains, value: 9 }'],
    ['{ field: birthdate, is: after, value: "1984-02-29" }'],
    ['{ field: createdon, is: before, value: "2026-03-04" }'],
    ['{ field: createdon, is: after, value: "2026-03-04" }'],
    ['{ field: createdon, is: after, value: "2026-03-04T09:15:00Z" }'],
    ['{ field: createdon, is: equal, value: "2026-03-04T09:15:01Z" }'],
  ])('%s', (condition) => {
    expect(passes(condition, ROW)).toBe(false);
  });
});

test('one of several choices is looked for as a whole', () => {
  const condition = '{ field: hobbies, is: contains, value: 1 }';
  expect(passes(condition, { hobbies: '9,11' })).toBe(false);
  expect(passes(condition, { hobbies: '9,1' })).toBe(true);
});

const OPERATORS: [string, (held: number, value: number) => boolean][] = [
  ['equal', (held, value) => held === value],
  ['not equal', (held, value) => held !== value],
  ['greater', (held, value) => held > value],
  ['greater or equal', (held, value) => held >= value],
  ['less', (held, value) => held < value],
  ['less or equal', (held, value) => held <= value],
];
const small = fc.integer({ min: -3, max: 3 });
const conditions = fc.array(
  fc.record({
    column: fc.constantFrom('numberofchildren', 'new_size'),
    operator: fc.nat(OPERATORS.length - 1),
    value: small,
  }),
  { minLength: 1, maxLength: 5 },
);

test.each(['all', 'any'] as const)('%s: holds as a plain reading of the conditions does', (match) => {
  fc.assert(
    fc.property(conditions, fc.option(small), fc.option(small), (where, numberofchildren, new_size) => {
      const row = { numberofchildren, new_size };
      const one = ({ column, operator, value }: (typeof where)[number]): boolean => {
        const [name, holds] = OPERATORS[operator] ?? ['', () => false];
        const held = row[column as keyof typeof row];
        return held === null ? name === 'not equal' : holds(held, value);
      };
      const expected = match === 'all' ? where.every(one) : where.some(one);
      const text = where.map(({ column, operator, value }) => {
        return `{ field: ${column}, is: ${OPERATORS[operator]?.[0]}, value: ${value} }`;
      });
      expect(passes(text.join(', '), row, match)).toBe(expected);
    }),
  );
});

test('numbers keep their order however they come: as number, as text, with zeros or an exponent', () => {
  const forms = (number: number) =>
    fc.constantFrom<string | number>(number, `${number}`, `${number}.000`, `${number * 10}e-1`);
  const pair = fc
    .tuple(fc.integer(), fc.integer())
    .chain(([a, b]) => fc.tuple(fc.constant(a), fc.constant(b), forms(a), forms(b)));
  fc.assert(
    fc.property(pair, ([a, b, heldA, givenB]) => {
      const condition = `{ field: new_ratio, is: less, value: "${givenB}" }`;
      expect(passes(condition, { new_ratio: heldA })).toBe(a < b);
    }),
  );
});
