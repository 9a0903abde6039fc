import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonical } from '../../src/mapping/canonical.js';
import type { Payload } from '../../src/mapping/model.js';
import { compiled, ID } from './contact-profile.js';

describe('the canonical text', () => {
  test('is the same for what Campaign does not tell apart', () => {
    const empty: Payload = { a: null, b: '', c: 0, d: -0, e: false, f: {}, g: { h: { i: null } } };
    expect(canonical(empty)).toBe('{}');
    expect(canonical({ z: 1, a: { y: 'x', b: '' } })).toBe(canonical({ a: { y: 'x' }, z: 1, k: null }));
  });
  test.each<[Payload, Payload]>([
    [{ a: '1' }, { a: 1 }],
    [{ a: 'true' }, { a: true }],
    [{ a: '0' }, { a: 0 }],
    [{ a: 'x' }, { a: 'x ' }],
    [{ a: 'É' }, { a: 'E\u0301' }],
    [{ a: '2019-09-25' }, { a: '2019-09-25T00:00:00Z' }],
    [{ a: '2019-09-25 23:20:35.000Z' }, { a: '2019-09-25T23:20:35Z' }],
    [{ at: '2019-09-25 23:20:35.000Z' }, { at: '2019-09-25 23:20:35.001Z' }],
    [{ a: { b: 'x' } }, { b: 'x' }],
    [{ a: 'x","b":"y' }, { a: 'x', b: 'y' }],
  ])('differs for %j and %j', (left, right) => {
    expect(canonical(left)).not.toBe(canonical(right));
  });
});

describe('a record of Campaign', () => {
  const mapping = compiled(
    [
      '{ from: firstname, to: cusText }',
      '{ from: birthdate, to: birthDate }',
      '{ from: createdon, to: cusSince }',
      '{ from: gendercode, to: gender, choice: label }',
      '{ from: description, to: preferredLanguage }',
      '{ from: numberofchildren, to: cusChildren }',
      '{ from: new_size, to: cusCredit }',
      '{ from: new_ratio, to: cusWeight, applyUpdates: false }',
      '{ from: donotemail, to: cusFlag }',
      '{ from: creditlimit, to: location.city }',
      '{ from: hobbies, to: cusUnknown }',
      '{ value: fixed, to: location.address1 }',
    ].join(', '),
  );
  const years = {
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  };
  const rows = fc.record({
    contactid: fc.uuid(),
    // NUL is refused: see hostile.test.ts.
    firstname: fc.option(fc.string({ unit: 'binary', maxLength: 50 }).filter((text) => !text.includes('\0'))),
    birthdate: fc.option(fc.date(years).map((date) => date.toISOString().slice(0, 10))),
    createdon: fc.option(fc.date(years).map((date) => date.toISOString())),
    gendercode: fc.option(fc.constantFrom(1, 2)),
    description: fc.constantFrom(null, 'none', 'en_gb', 'de_de'),
    numberofchildren: fc.option(fc.oneof(fc.integer(), fc.integer().map(String))),
    new_size: fc.option(fc.double({ min: -1e11, max: 1e11, noNaN: true })),
    new_ratio: fc.option(fc.double({ min: -1e11, max: 1e11, noNaN: true })),
    donotemail: fc.option(fc.boolean()),
    creditlimit: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
    hobbies: fc.option(fc.constantFrom('1', '1,9')),
  });

  /** What Campaign holds and answers (campaign.md §2): every field has a value, a float 32 bits, a record more members. */
  function answered(payload: Payload): Record<string, unknown> {
    const location = payload.location as Payload;
    return {
      PKey: '@x',
      ...payload,
      cusText: payload.cusText ?? '',
      birthDate: payload.birthDate ?? '',
      cusSince: payload.cusSince ?? '',
      gender: payload.gender ?? 'unknown',
      preferredLanguage: payload.preferredLanguage ?? 'none',
      cusChildren: payload.cusChildren ?? 0,
      cusCredit: payload.cusCredit ?? 0,
      cusWeight: Math.fround(Number(payload.cusWeight)),
      cusFlag: payload.cusFlag ?? false,
      cusUnknown: payload.cusUnknown ?? '',
      location: { address2: '', ...location, city: location.city ?? '' },
      lastModified: '2026-03-04 09:15:00.123Z',
      orgUnit: null,
    };
  }
  const payloadOf = (row: object) => {
    const mapped = mapping.toCampaign({ contactid: ID, ...row });
    if (mapped.kind !== 'payload') throw new Error(JSON.stringify(mapped));
    return mapped;
  };

  test('that holds what was sent is the same text, in full and without what does not follow updates', () => {
    fc.assert(
      fc.property(rows, (row) => {
        const { key, full, following } = payloadOf(row);
        const held = mapping.fromCampaign(answered(full));
        expect(held.key).toBe(key);
        expect(canonical(held.full)).toBe(canonical(full));
        expect(canonical(held.following)).toBe(canonical(following));
      }),
    );
  });

  test('that an older row was sent to is the same text only if both rows say the same', () => {
    fc.assert(
      fc.property(rows, rows, (older, newer) => {
        const before = payloadOf({ ...older, contactid: ID }).full;
        const after = payloadOf({ ...newer, contactid: ID }).full;
        const isSame = JSON.stringify(answered(before)) === JSON.stringify(answered(after));
        expect(canonical(mapping.fromCampaign(answered(before)).full) === canonical(after)).toBe(isSame);
      }),
    );
  });

  const sentOnce = payloadOf({ firstname: 'Ada', numberofchildren: 1, createdon: '2026-03-04T09:15:00Z' });
  test.each([
    { cusText: 'Eda' },
    { cusText: '' },
    { gender: 'male' },
    { gender: 'a name that is new' },
    { preferredLanguage: 'en_gb' },
    { cusChildren: 0 },
    { cusChildren: 2 },
    { cusFlag: true },
    { birthDate: '1984-02-11' },
    { birthDate: 'no day at all' },
    { cusSince: '2026-03-04 09:15:01.000Z' },
    { location: { address1: 'edited', city: '' } },
    { location: null },
    { externalId: 'another' },
  ])('edited there to %j is another text', (edit) => {
    const held = mapping.fromCampaign({ ...answered(sentOnce.full), ...edit });
    expect(canonical(held.full)).not.toBe(canonical(sentOnce.full));
  });
  test('edited in a field that does not follow updates is another text in full only', () => {
    const held = mapping.fromCampaign({ ...answered(sentOnce.full), cusWeight: 5 });
    expect(canonical(held.full)).not.toBe(canonical(sentOnce.full));
    expect(canonical(held.following)).toBe(canonical(sentOnce.following));
  });
  test.each([0, false, '', null])(
    'with %j in a field of unknown type holds what null was sent to',
    (value) => {
      const held = mapping.fromCampaign({ ...answered(sentOnce.full), cusUnknown: value });
      expect(canonical(held.full)).toBe(canonical(sentOnce.full));
    },
  );
  test('with a time in a field of unknown type holds the time that was sent', () => {
    const time = compiled('{ from: createdon, to: cusUnknown }');
    const holds = (cusUnknown: string) => canonical(time.fromCampaign({ externalId: ID, cusUnknown }).full);
    const mapped = time.toCampaign({ contactid: ID, createdon: '2026-03-04T09:15:00Z' });
    const payload = mapped.kind === 'payload' ? mapped.full : {};
    expect(holds('2026-03-04 09:15:00.000Z')).toBe(canonical(payload));
    expect(holds('2026-03-04 09:15:01.000Z')).not.toBe(canonical(payload));
  });
  test('is known by its key in small letters, and without a key is nobody', () => {
    expect(mapping.fromCampaign({ externalId: ID.toUpperCase() }).key).toBe(ID);
    for (const record of [{}, { externalId: '' }, { externalId: null }, { externalId: {} }]) {
      expect(mapping.fromCampaign(record).key).toBe('');
    }
  });
});
