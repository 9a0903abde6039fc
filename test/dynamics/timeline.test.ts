import { expect, test } from 'vitest';
import { ourEventTables } from '../../src/dynamics/event-tables.js';
import type { TimelineRow } from '../../src/dynamics/timeline.js';
import { guid, idsOf, provisioned, rowsOf, sends, write } from './timeline-organisation.js';

test('writes each kind into its table, regarding the contact, and a task', async () => {
  const { dynamics, systems, tables, contacts } = await provisioned(1);
  const [contactId = ''] = contacts;
  const of = (kind: TimelineRow['kind']): TimelineRow => ({
    id: guid(kind),
    kind,
    contactId,
    subject: `A ${kind}`,
    at: '2026-03-04T09:15:00.250Z',
    campaignName: 'Spring — 春',
    deliveryName: 'DM190',
    mirrorPageUrl: 'https://mirror.example/1',
    ...(kind === 'click' && { trackingUrl: 'https://shop.example/?a=1&b=ü' }),
    ...(kind === 'task' && { description: 'https://shop.example/' }),
  });
  const rows = (['send', 'open', 'click', 'bounce', 'task'] as const).map(of);
  const { tally, error } = await write(dynamics, tables, rows);
  expect({ tally, error }).toEqual({ tally: { written: 5 }, error: undefined });

  const ours = ['subject', 'dcs_campaignname', 'dcs_deliveryname', 'dcs_occurredon', 'dcs_mirrorpageurl'];
  for (const [kind, set] of [
    ['send', 'dcs_emailsends'],
    ['open', 'dcs_emailopens'],
    ['click', 'dcs_emailclicks'],
    ['bounce', 'dcs_emailbounces'],
  ] as const) {
    expect(await systems.rows.all(set, ['activityid', '_regardingobjectid_value', ...ours])).toEqual([
      expect.objectContaining({
        activityid: guid(kind),
        _regardingobjectid_value: contactId,
        subject: `A ${kind}`,
        dcs_campaignname: 'Spring — 春',
        dcs_deliveryname: 'DM190',
        dcs_occurredon: '2026-03-04T09:15:00Z',
        dcs_mirrorpageurl: 'https://mirror.example/1',
      }),
    ]);
  }
  expect(await systems.rows.all('dcs_emailclicks', ['dcs_trackingurl'])).toMatchObject([
    { dcs_trackingurl: 'https://shop.example/?a=1&b=ü' },
  ]);
  expect(await systems.rows.all('tasks', ['subject', 'description', '_regardingobjectid_value'])).toEqual([
    expect.objectContaining({
      subject: 'A task',
      description: 'https://shop.example/',
      _regardingobjectid_value: contactId,
    }),
  ]);
});

test('writes into tables of other names, and of their columns only those that are named', async () => {
  const { dynamics, systems, contacts } = await provisioned(1);
  const click = { table: 'dcs_emailbounce', trackingUrl: 'dcs_campaignname' };
  const tables = await dynamics.describeEventTables({ click }, { followUpTasks: false });
  const [row] = rowsOf(1, contacts, 'click');
  expect(row).toBeDefined();
  await write(dynamics, tables, row ? [{ ...row, trackingUrl: 'https://shop.example/' }] : []);
  const columns = ['dcs_campaignname', 'dcs_deliveryname', 'dcs_occurredon'];
  expect(await systems.rows.all('dcs_emailbounces', columns)).toEqual([
    expect.objectContaining({
      dcs_campaignname: 'https://shop.example/',
      dcs_deliveryname: null,
      dcs_occurredon: null,
    }),
  ]);
});

test('writes in bulk where the table has it, and a second time writes nothing new', async () => {
  const { dynamics, connect, systems, tables, contacts } = await provisioned(20);
  const rows = rowsOf(700, contacts);
  expect((await write(dynamics, tables, rows)).tally).toEqual({ written: 700 });
  const { bulkRows, batchParts } = (await systems.sandbox.stats()).dynamics as unknown as Record<
    string,
    number
  >;
  expect({ bulkRows, batchParts }).toEqual({ bulkRows: 700, batchParts: 0 });
  expect((await write(connect(), tables, rows)).tally).toEqual({ written: 700 });
  expect(await sends(systems)).toEqual(idsOf(rows));
});

test('writes row by row where bulk is off, said or not', async () => {
  const { dynamics, systems, tables, contacts } = await provisioned(20);
  const rows = rowsOf(150, contacts);
  await systems.sandbox.limits({ dynamics: { bulkActions: { dcs_emailsend: [] } } });
  // As described while it was on: found out by being refused, and remembered.
  expect((await write(dynamics, tables, rows.slice(0, 120))).tally).toEqual({ written: 120 });
  const described = await dynamics.describeEventTables(ourEventTables, { followUpTasks: false });
  expect(described.kinds.send?.inBulk).toBe(false);
  await systems.sandbox.resetStats();
  await write(dynamics, tables, rows.slice(120, 135));
  await write(dynamics, described, rows.slice(135));
  const { byRoute } = (await systems.sandbox.stats()).dynamics;
  expect(Object.keys(byRoute).filter((route) => route.startsWith('POST'))).toEqual(['POST $batch']);
  expect(await sends(systems)).toEqual(idsOf(rows));
});

test('of hundreds, one that is refused and one whose contact is gone are told, and the others are written', async () => {
  const { dynamics, systems, tables, contacts } = await provisioned(20);
  const [gone = '', ...others] = contacts;
  const rows = rowsOf(600, others);
  const lonely = rows[357];
  const refused = rows[411];
  if (!lonely || !refused || !tables.kinds.send) throw new Error('there are 600');
  lonely.contactId = gone;
  await systems.contacts.remove(gone);
  // Its column has become shorter since.
  tables.kinds.send.subjectLength = 1_000;
  refused.subject = 'x'.repeat(500);

  const { told, tally } = await write(dynamics, tables, rows);
  expect(tally).toEqual({ written: 598, 'contact-gone': 1, refused: 1 });
  expect(told.find(({ id }) => id === lonely.id)).toEqual({ id: lonely.id, outcome: 'contact-gone' });
  expect(told.find(({ id }) => id === refused.id)).toEqual({
    id: refused.id,
    outcome: 'refused',
    code: 'DYNAMICS_ROW_REFUSED',
    field: 'subject',
  });
  const { bulkRows, batchParts } = (await systems.sandbox.stats()).dynamics as unknown as {
    bulkRows: number;
    batchParts: number;
  };
  expect(batchParts, 'only what is near a bad row goes row by row').toBeLessThanOrEqual(200);
  expect(bulkRows).toBeGreaterThanOrEqual(400);
  expect(await sends(systems)).toEqual(idsOf(rows.filter((row) => row !== lonely && row !== refused)));
});

test.each([
  ['resets', { kind: 'reset', share: 0.3 }],
  ['lost answers', { kind: 'accepted-then-reset', share: 0.3 }],
  ['broken answers', { kind: 'truncate', share: 0.3 }],
  ['throttling by requests', { kind: 'throttle', facet: 'requests', retryAfter: 2, share: 0.3 }],
  ['throttling by time', { kind: 'throttle', facet: 'time', retryAfter: 2, share: 0.3 }],
  ['503', { kind: 'status', status: 503, share: 0.3 }],
  ['500', { kind: 'status', status: 500, share: 0.3 }],
])('every row is there once, in spite of %s', async (_name, fault) => {
  const { dynamics, systems, tables, contacts } = await provisioned(20);
  const rows = [...rowsOf(1_500, contacts), ...rowsOf(60, contacts, 'task')];
  await systems.sandbox.faults([{ system: 'dynamics', method: 'POST', ...fault }]);
  let rest = rows;
  for (let runs = 0; rest.length > 0 && runs < 20; runs += 1) {
    const { told } = await write(dynamics, tables, rest);
    expect(told.every(({ outcome }) => outcome === 'written')).toBe(true);
    const done = new Set(told.map(({ id }) => id));
    rest = rest.filter(({ id }) => !done.has(id));
  }
  await systems.sandbox.clearFaults();
  expect(rest).toEqual([]);
  expect([...(await sends(systems)), ...(await sends(systems, 'tasks'))].toSorted()).toEqual(idsOf(rows));
});
