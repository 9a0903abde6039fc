import { describe, expect, test } from 'vitest';
import { ourEventTables } from '../../src/dynamics/event-tables.js';
import { refusal, errorOf } from './scripted-dynamics.js';
import { guid, idsOf, provisioned, rowsOf, sends, write } from './timeline-organisation.js';

describe('texts', () => {
  test('a subject that is too long is cut between two characters', async () => {
    const { dynamics, systems, tables, contacts } = await provisioned(1);
    const [row] = rowsOf(1, contacts).map((each) => ({ ...each, subject: `${'x'.repeat(398)}😀 and more` }));
    await write(dynamics, tables, row ? [row] : []);
    const [written] = await systems.rows.all('dcs_emailsends', ['subject']);
    expect(written?.subject).toBe(`${'x'.repeat(398)}…`);
  });

  test.each([
    ['an address that is too long', 'trackingUrl', 'x'.repeat(4_001), 'TEXT_TOO_LONG', 'dcs_trackingurl'],
    ['a name that is too long', 'campaignName', '春'.repeat(256), 'TEXT_TOO_LONG', 'dcs_campaignname'],
    ['a line end in an address', 'mirrorPageUrl', 'https://a\nb', 'TEXT_NOT_ALLOWED', 'dcs_mirrorpageurl'],
    [
      'half a character in an address',
      'trackingUrl',
      'https://\ud83d',
      'TEXT_NOT_ALLOWED',
      'dcs_trackingurl',
    ],
    ['a control character in a name', 'deliveryName', 'a\u0001b', 'TEXT_NOT_ALLOWED', 'dcs_deliveryname'],
    ['a time that is none', 'at', 'yesterday', 'VALUE_NOT_CONVERTIBLE', 'dcs_occurredon'],
  ])('%s is refused without a call', async (_name, place, text, code, field) => {
    const { dynamics, systems, tables, contacts } = await provisioned(1);
    const [row] = rowsOf(1, contacts, 'click').map((each) => ({ ...each, [place]: text }));
    await systems.sandbox.resetStats();
    const { told } = await write(dynamics, tables, row ? [row] : []);
    expect(told).toEqual([{ id: guid('click 0'), outcome: 'refused', code, field }]);
    expect((await systems.sandbox.stats()).dynamics.total).toBe(0);
  });

  test('control characters and halves of characters in a subject become blanks', async () => {
    const { dynamics, systems, tables, contacts } = await provisioned(1);
    const [row] = rowsOf(1, contacts).map((each) => ({ ...each, subject: 'a\u0000b\ud83dc' }));
    await write(dynamics, tables, row ? [row] : []);
    expect(await systems.rows.all('dcs_emailsends', ['subject'])).toMatchObject([{ subject: 'a b c' }]);
  });
});

describe('tables', () => {
  test('that are missing, or lack a column, are told by name', async () => {
    const { dynamics } = await provisioned(0);
    const describing = (names: object) =>
      errorOf(
        dynamics.describeEventTables(
          { send: { ...ourEventTables.send, ...names } },
          { followUpTasks: false },
        ),
      );
    const code = 'DYNAMICS_EVENT_TABLE_UNFIT';
    expect(await describing({ table: 'dcs_none' })).toMatchObject({
      code,
      evidence: { subject: 'dcs_none: there is no such table' },
    });
    expect(await describing({ table: 'contact' })).toMatchObject({
      code,
      evidence: { subject: 'contact: it is no activity' },
    });
    expect(await describing({ campaignName: 'dcs_none' })).toMatchObject({
      code,
      evidence: { field: 'dcs_none' },
    });
    expect(await describing({ campaignName: 'dcs_occurredon' })).toMatchObject({
      code,
      evidence: { field: 'dcs_occurredon' },
    });
  });

  test('that change under a write end it with an error, and no row is told to be at fault', async () => {
    const { dynamics, systems, tables, contacts } = await provisioned(5);
    await systems.removeColumn('dcs_emailsend', 'dcs_campaignname');
    const { told, error } = await write(dynamics, tables, rowsOf(30, contacts));
    expect(told).toEqual([]);
    expect(error?.code).toBe('DYNAMICS_REQUEST_REFUSED');
  });
});

test('a right that is missing ends the write with its name', async () => {
  const { connectThrough, tables, contacts } = await provisioned(5);
  const { dynamics } = await connectThrough(({ path }) =>
    path.includes('CreateMultiple')
      ? refusal(403, '0x80040220', 'is missing prvAppendToContact privilege')
      : undefined,
  );
  const { told, error } = await write(dynamics, tables, rowsOf(30, contacts));
  expect(told).toEqual([]);
  expect(error).toMatchObject({
    code: 'DYNAMICS_PRIVILEGE_MISSING',
    evidence: { subject: 'prvAppendToContact' },
  });
});

test('what is written before a fault is told, and the rest is written the next time', async () => {
  const { connectThrough, systems, tables, contacts } = await provisioned(20);
  let calls = 0;
  const { dynamics } = await connectThrough(({ path }) => {
    if (!path.includes('CreateMultiple')) return undefined;
    calls += 1;
    return calls > 3 && calls < 40
      ? {
          status: 429,
          headers: { 'Retry-After': '600' },
          body: { error: { code: '0x80072322', message: 'x' } },
        }
      : undefined;
  });
  const rows = rowsOf(900, contacts);
  const first = await write(dynamics, tables, rows);
  expect(first.error).toMatchObject({ code: 'DYNAMICS_THROTTLED', evidence: { retryAfterMs: 600_000 } });
  expect(first.told.length).toBeGreaterThan(0);
  expect(await sends(systems)).toEqual(first.told.map(({ id }) => id).toSorted());
  calls = 40;
  const done = new Set(first.told.map(({ id }) => id));
  const rest = rows.filter(({ id }) => !done.has(id));
  const second = await connectThrough(() => undefined);
  expect((await write(second.dynamics, tables, rest)).tally).toEqual({ written: rest.length });
  expect(await sends(systems)).toEqual(idsOf(rows));
});

test('a call that takes too long is made again with fewer rows', async () => {
  const { connect, systems, tables, contacts } = await provisioned(20);
  await systems.sandbox.faults([
    { system: 'dynamics', path: 'dcs_emailsends', method: 'POST', kind: 'latency', ms: 1_500, times: 1 },
  ]);
  const rows = rowsOf(100, contacts);
  const { tally, error } = await write(connect({ timeLimitMs: 1_000 }), tables, rows);
  expect({ tally, error }).toEqual({ tally: { written: 100 }, error: undefined });
  expect(await sends(systems)).toEqual(idsOf(rows));
  const { byRoute } = (await systems.sandbox.stats()).dynamics;
  expect(Object.keys(byRoute)).toContain('POST dcs_emailsends/CreateMultiple');
});

test('an error of the server that only bulk meets is got round row by row', async () => {
  const { connectThrough, systems, tables, contacts } = await provisioned(20);
  const { dynamics } = await connectThrough(({ path }) =>
    path.includes('CreateMultiple') ? refusal(500, '0x80040216') : undefined,
  );
  const rows = rowsOf(40, contacts);
  expect((await write(dynamics, tables, rows)).tally).toEqual({ written: 40 });
  expect(await sends(systems)).toEqual(idsOf(rows));
});

test('an error of the server that all rows meet is no fault of theirs', async () => {
  const { connectThrough, tables, contacts } = await provisioned(20);
  const { dynamics } = await connectThrough(({ method }) =>
    method === 'POST' ? refusal(500, '0x80040216') : undefined,
  );
  const { told, error } = await write(dynamics, tables, rowsOf(40, contacts));
  expect(told).toEqual([]);
  expect(error).toMatchObject({ code: 'DYNAMICS_UNREACHABLE', evidence: { status: 500 } });
});

test('tells which contacts are there, a hundred in a call', async () => {
  const { connectThrough, systems, contacts } = await provisioned(150);
  const { dynamics, arrived } = await connectThrough(() => undefined);
  const [gone = '', ...others] = contacts;
  await systems.contacts.remove(gone);
  const asked = [...contacts, ...contacts, guid('unknown'), "no-guid' or 1 eq 1"];
  expect(await dynamics.existingContacts(asked)).toEqual(new Set(others));
  expect(arrived).toHaveLength(2);
  expect(await dynamics.existingContacts([])).toEqual(new Set());
});
