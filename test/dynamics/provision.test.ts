import { describe, expect, test } from 'vitest';
import { ourEventTables } from '../../src/dynamics/event-tables.js';
import { defineColumn, defineTable } from '../support/customiser.js';
import type { Passing } from './front.js';
import { organisation } from './organisation.js';
import { errorOf, refusal } from './scripted-dynamics.js';

const tables = ['dcs_emailsend', 'dcs_emailopen', 'dcs_emailclick', 'dcs_emailbounce'];
const columnsOf = (table: string): string[] => [
  `${table}.dcs_campaignname`,
  `${table}.dcs_deliveryname`,
  `${table}.dcs_occurredon`,
  `${table}.dcs_mirrorpageurl`,
  ...(table === 'dcs_emailclick' ? [`${table}.dcs_trackingurl`] : []),
];
const everything = [
  'dynamicscampaignsync',
  'DynamicsCampaignSync',
  ...tables.flatMap((table) => [table, ...columnsOf(table)]),
];
const publisher = { uniquename: 'other', friendlyname: 'Other', customizationprefix: 'dcs' };

const isWrite = ({ method, path }: Passing): boolean => method !== 'GET' && !path.startsWith('$batch');
const ofKind = (arrived: Passing[], path: string): Passing[] =>
  arrived.filter((request) => isWrite(request) && request.path.startsWith(path));

test('makes publisher, solution, tables and columns, publishes them once, and leaves them the next time', async () => {
  const { connect, connectThrough, systems } = await organisation();
  const { dynamics, arrived } = await connectThrough(() => undefined);
  expect(await dynamics.provision()).toEqual({ made: everything, present: [] });
  expect(arrived.filter(isWrite).at(-2)?.path).toBe('PublishXml');

  const writes = arrived.filter(isWrite).length;
  expect(await dynamics.provision()).toEqual({ made: [], present: everything });
  expect(arrived.filter(isWrite)).toHaveLength(writes);
  expect(await systems.rows.all('solutions', ['uniquename', 'ismanaged'])).toContainEqual(
    expect.objectContaining({ uniquename: 'DynamicsCampaignSync', ismanaged: false }),
  );
  const described = await connect().describeEventTables(ourEventTables, { followUpTasks: true });
  expect(Object.keys(described.kinds)).toEqual(['send', 'open', 'click', 'bounce', 'task']);
});

test('interrupted before any of its calls, it goes on where it was', async () => {
  const { connect, connectThrough, systems } = await organisation();
  const { dynamics, arrived } = await connectThrough(() => undefined);
  let ended: { made: string[]; present: string[] } | undefined;
  for (let allowed = 1; !ended; allowed += 1) {
    let calls = 0;
    const beforeCall = (): void => {
      calls += 1;
      if (calls > allowed) throw new Error('interrupted');
    };
    ended = await dynamics.provision({ beforeCall }).catch((error: Error) => {
      if (error.message !== 'interrupted') throw error;
      return undefined;
    });
  }
  expect([...ended.made, ...ended.present].toSorted()).toEqual(everything.toSorted());
  for (const [set, expected] of [
    ['publishers', 1],
    ['solutions', 1],
    ['EntityDefinitions', tables.flatMap((table) => [table, ...columnsOf(table)]).length],
  ] as const)
    expect(ofKind(arrived, set).filter(({ method }) => method === 'POST')).toHaveLength(expected);
  const last = arrived.filter(isWrite).slice(-2);
  expect(last.map(({ path }) => path.replace(/\(.*/, ''))).toEqual(['PublishXml', 'solutions']);
  const ours = (await systems.rows.all('publishers', ['uniquename'])).filter(
    ({ uniquename }) => uniquename === 'dynamicscampaignsync',
  );
  expect(ours).toHaveLength(1);
  expect((await connect().provision()).made).toEqual([]);
}, 60_000);

test('adds a column that is missing, and publishes again', async () => {
  const { connect, connectThrough, systems } = await organisation();
  await connect().provision();
  await systems.removeColumn('dcs_emailopen', 'dcs_campaignname');
  const { dynamics, arrived } = await connectThrough(() => undefined);
  const { made } = await dynamics.provision();
  expect(made).toEqual(['dcs_emailopen.dcs_campaignname']);
  expect(ofKind(arrived, 'PublishXml')).toHaveLength(1);
});

test('an answer that is lost does not make anything twice', async () => {
  const { connect, systems } = await organisation();
  const lost = ['publishers', 'solutions', 'EntityDefinitions', 'PublishXml'].map((path) => ({
    system: 'dynamics',
    method: 'POST',
    path,
    kind: 'accepted-then-reset',
    times: 2,
  }));
  await systems.sandbox.faults(lost);
  const { made } = await connect().provision();
  expect(made).toEqual(everything);
  const publishers = await systems.rows.all('publishers', ['customizationprefix']);
  expect(publishers.filter(({ customizationprefix }) => customizationprefix === 'dcs')).toHaveLength(1);
});

describe('a name that belongs to something else is told, and nothing of it is changed:', () => {
  test('a table that is no activity', async () => {
    const { connect, systems } = await organisation();
    await systems.rows.create('publishers', publisher);
    await defineTable(systems, 'dcs_EmailClick', []);
    expect(await errorOf(connect().provision())).toMatchObject({
      code: 'DYNAMICS_EVENT_TABLE_UNFIT',
      evidence: { subject: 'dcs_emailclick: it is no activity' },
    });
  });

  test.each(['Integer', 'Memo'] as const)('a column for times that is of type %s', async (type) => {
    const { connect, systems } = await organisation();
    await connect().provision();
    await systems.removeColumn('dcs_emailsend', 'dcs_occurredon');
    await defineColumn(systems, 'dcs_EmailSend', { name: 'dcs_OccurredOn', type });
    expect(await errorOf(connect().provision())).toMatchObject({
      code: 'DYNAMICS_EVENT_TABLE_UNFIT',
      evidence: { field: 'dcs_occurredon' },
    });
  });
});

describe('customisations of others', () => {
  test('are waited for', async () => {
    const { connectThrough } = await organisation();
    let locks = 3;
    const { dynamics, arrived } = await connectThrough(({ path }) => {
      if (path !== 'PublishXml' || locks === 0) return undefined;
      locks -= 1;
      return refusal(400, '0x8004F063');
    });
    expect((await dynamics.provision()).made).toEqual(everything);
    expect(ofKind(arrived, 'PublishXml')).toHaveLength(4);
  });

  test('that do not end are told', async () => {
    const { connectThrough } = await organisation();
    const { dynamics } = await connectThrough(({ method, path }) =>
      method === 'POST' && path === 'EntityDefinitions' ? refusal(500, '0x80090412') : undefined,
    );
    expect((await errorOf(dynamics.provision())).code).toBe('DYNAMICS_CUSTOMISATION_LOCKED');
  });
});

test('metadata that a server does not show at once is looked for again', async () => {
  const { connectThrough } = await organisation();
  let blind = 0;
  const { dynamics } = await connectThrough(({ method, path }) => {
    if (method === 'POST' && path === 'EntityDefinitions') blind = 2;
    if (blind === 0 || path === 'EntityDefinitions') return undefined;
    blind -= 1;
    return refusal(404, '0x80060888');
  });
  expect((await dynamics.provision()).made).toEqual(everything);
});

test('without the right to customise it says which right is missing', async () => {
  const { connectThrough } = await organisation();
  const { dynamics } = await connectThrough(({ method, path }) =>
    method === 'POST' && path === 'EntityDefinitions'
      ? refusal(403, '0x80040220', 'is missing prvCreateEntity privilege')
      : undefined,
  );
  expect(await errorOf(dynamics.provision())).toMatchObject({
    code: 'DYNAMICS_PRIVILEGE_MISSING',
    evidence: { subject: 'prvCreateEntity' },
  });
});
