import { describe, expect, test } from 'vitest';
import { decide, type Change, type DecideInput } from '../../src/activities/decide.js';
import type { LedgerRecord } from '../../src/ledger/store.js';
import { canonical } from '../../src/mapping/canonical.js';
import type { CompiledMapping, Payload } from '../../src/mapping/model.js';

const ID = '00000000-0000-0000-0000-000000000001';
const payload = {
  insert: { externalId: ID, firstName: 'Ada', email: 'a@x.example' },
  full: { externalId: ID, firstName: 'Ada', email: 'a@x.example' },
  following: { externalId: ID, firstName: 'Ada' },
  parents: [],
};
const mapping = {
  keyField: 'externalId',
  applyDeletes: true,
  deleteFilteredOut: false,
  toCampaign: (row: { mapped?: unknown }) => row.mapped ?? { kind: 'payload', key: ID, ...payload },
} as unknown as CompiledMapping;
const fingerprint = (given: Payload): string => `#${canonical(given)}`;
const prints = { full: fingerprint(payload.full), following: fingerprint(payload.following) };

const row = (version: string, mapped?: unknown): Change => ({
  kind: 'row',
  id: ID,
  version,
  row: { mapped },
});
const known = (record: Partial<LedgerRecord>): Map<string, LedgerRecord> =>
  new Map([
    [
      ID,
      {
        sourceId: ID,
        state: 'managed',
        managed: true,
        doubled: false,
        ...prints,
        sourceVersion: '10',
        ...record,
      },
    ],
  ]);
const decideOne = (change: Change, record?: Map<string, LedgerRecord>, input: Partial<DecideInput> = {}) => {
  const decisions = decide([change], record ?? new Map(), {
    mapping,
    mode: 'changes',
    feedVersion: 7,
    sameVersionIsRepeat: true,
    fingerprint,
    ...input,
  });
  expect(decisions).toHaveLength(1);
  return decisions[0];
};

describe('a row', () => {
  test('that is unknown is created with every field', () => {
    expect(decideOne(row('11'))).toMatchObject({ kind: 'create', payload: payload.full, accepted: prints });
  });
  test('whose create was left unanswered carries the age of its mark', () => {
    const record = known({ state: 'missing', managed: false, intentAgeMs: 1234 });
    expect(decideOne(row('11'), record)).toMatchObject({ kind: 'create', intentAgeMs: 1234 });
  });
  test('that maps to what Campaign last accepted costs no call', () => {
    expect(decideOne(row('11'), known({}))).toMatchObject({
      kind: 'settled',
      outcome: { outcome: 'unchanged' },
    });
  });
  test('that differs is updated with the fields that follow updates only', () => {
    expect(decideOne(row('11'), known({ following: 'other' }))).toMatchObject({
      kind: 'update',
      payload: payload.following,
      accepted: { full: '', following: prints.following },
    });
  });
  test.each(['first', 'verify'] as const)(
    'that differs in a field of the first load only is updated in mode %s',
    (mode) => {
      const input = { mode, sameVersionIsRepeat: false };
      expect(decideOne(row('11'), known({ full: 'other' }), input)).toMatchObject({
        kind: 'update',
        payload: payload.full,
      });
    },
  );
  test('is written by a rewrite although nothing differs', () => {
    expect(decideOne(row('11'), known({}), { mode: 'rewrite' })).toMatchObject({ kind: 'update' });
  });
  test('older than what was decided on is a repeat, beyond 2^53 too', () => {
    const record = known({ sourceVersion: '90071992547409930' });
    expect(decideOne(row('90071992547409929'), record)).toMatchObject({
      kind: 'settled',
      outcome: { outcome: 'repeat' },
    });
    expect(decideOne(row('9'), known({ sourceVersion: '10' }))).toMatchObject({
      outcome: { outcome: 'repeat' },
    });
  });
  test('of the same version is a repeat in a delta, and new work in a full read', () => {
    expect(decideOne(row('10'), known({ following: 'other' }))).toMatchObject({
      outcome: { outcome: 'repeat' },
    });
    const full = { sameVersionIsRepeat: false };
    expect(decideOne(row('10'), known({ following: 'other' }), full)).toMatchObject({ kind: 'update' });
  });
  test('that an interrupted attempt at this page has written keeps its outcome', () => {
    const record = known({ outcomeVersion: 7, outcome: 'created' });
    expect(decideOne(row('10'), record)).toMatchObject({ kind: 'settled', outcome: { outcome: 'created' } });
  });
  test('found in Campaign and equal is adopted without a call', () => {
    const record = known({ state: 'found', managed: false });
    expect(decideOne(row('10'), record)).toMatchObject({
      outcome: { outcome: 'unchanged', accepted: prints },
    });
  });
  test('that Campaign holds twice is parked, however it was known before', () => {
    const record = known({ state: 'parked', managed: false, doubled: true });
    expect(decideOne(row('11'), record)).toMatchObject({
      outcome: { fault: { code: 'DUPLICATE_IN_CAMPAIGN' } },
    });
  });
  test('that went missing from Campaign is created again', () => {
    expect(decideOne(row('10'), known({ state: 'missing' }))).toMatchObject({ kind: 'create' });
  });
  test('that cannot convert is parked with its field', () => {
    const fault = { kind: 'fault', code: 'TEXT_TOO_LONG', field: 'firstname' };
    expect(decideOne(row('11', fault))).toMatchObject({
      outcome: { outcome: 'parked', fault: { field: 'firstname' } },
    });
  });
  test('that leaves the filter stays in Campaign unless the mapping says otherwise', () => {
    const filtered = { kind: 'filtered' };
    expect(decideOne(row('11', filtered), known({}))).toMatchObject({ outcome: { outcome: 'filtered' } });
    const deleting = { mapping: { ...mapping, deleteFilteredOut: true } };
    expect(decideOne(row('11', filtered), known({}), deleting)).toMatchObject({ kind: 'delete' });
    expect(decideOne(row('11', filtered), undefined, deleting)).toMatchObject({
      outcome: { outcome: 'filtered' },
    });
  });
});

describe('a tombstone', () => {
  const gone: Change = { kind: 'gone', id: ID };
  test('deletes what is ours', () => {
    expect(decideOne(gone, known({}))).toMatchObject({ kind: 'delete', sourceId: ID });
  });
  test('of a record whose create was never answered deletes what that create may have made', () => {
    const record = known({ state: 'missing', managed: false, intentAgeMs: 5 });
    expect(decideOne(gone, record)).toMatchObject({ kind: 'delete', intentAgeMs: 5 });
  });
  test('of a record that is not ours costs nothing', () => {
    expect(decideOne(gone, known({ state: 'found', managed: false }))).toMatchObject({
      outcome: { outcome: 'unchanged', gone: true },
    });
    expect(decideOne(gone)).toMatchObject({ outcome: { outcome: 'unchanged', gone: true } });
  });
  test('is not applied where the mapping says so', () => {
    const keeping = { mapping: { ...mapping, applyDeletes: false } };
    expect(decideOne(gone, known({}), keeping)).toMatchObject({ outcome: { outcome: 'unchanged' } });
  });
  test('that an interrupted attempt has applied is still counted as deleted', () => {
    const record = known({ state: 'gone', managed: false, outcomeVersion: 7, outcome: 'deleted' });
    expect(decideOne(gone, record)).toMatchObject({ outcome: { outcome: 'deleted' } });
  });
});

test('an id that a page names twice is decided once, by its newest state', () => {
  const decisions = decide([row('12'), row('11', { kind: 'filtered' })], new Map(), {
    mapping,
    mode: 'changes',
    feedVersion: 1,
    sameVersionIsRepeat: true,
    fingerprint,
  });
  expect(decisions).toMatchObject([{ kind: 'create', sourceVersion: '12' }]);
});
