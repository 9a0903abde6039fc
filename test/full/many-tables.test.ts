import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Checked } from '../../src/command-line/check.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';
import { wideMapping, wideModel, wideTables, type WideTable } from './wide-tables.js';

const TABLES = 60;
const COLUMNS = 200;
const ROWS = 3;
const tables = wideTables({ tables: TABLES, columns: COLUMNS, deep: 8 });

let postgres: Postgres;
let stack: Stack;
/** Row ids in Dynamics by table. */
const ids = new Map<WideTable, string[]>();

beforeAll(async () => {
  postgres = await startPostgres();
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 0,
    document: wideMapping(tables),
    model: wideModel(tables),
    ledgerUrl: await postgres.freshDatabase(),
  });
  for (const table of tables) ids.set(table, await createRows(table));
}, 120_000);
afterAll(async () => {
  await stack.stop();
  await postgres.stop();
});

/** The last row of a table is empty and without a parent. */
async function createRows({ name, columns, parent }: WideTable): Promise<string[]> {
  const parents = parent ? (ids.get(parent.table) ?? []) : [];
  const created: string[] = [];
  for (let row = 0; row < ROWS; row += 1) {
    const isEmpty = row === ROWS - 1;
    const values = columns.map((column) => [column.name, isEmpty ? null : column.kind.sent(row)]);
    created.push(
      await stack.systems.rows.create(`${name}s`, {
        ...Object.fromEntries(values),
        ...(parent && !isEmpty && { 'new_parentid@odata.bind': `/${parent.table.name}s(${parents[row]})` }),
      }),
    );
  }
  return created;
}

test('sixty tables of two hundred columns and a chain eight deep are checked, loaded and in step', async () => {
  const { findings } = JSON.parse((await stack.starter('check', '--json')).out) as Checked;
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);

  const ends = await stack.syncAll();
  expect(ends.filter(({ outcome }) => outcome !== 'in-sync')).toEqual([]);
  for (const { name } of tables) {
    const { read, created, parked } = await stack.status(`ingress/${name}`);
    expect({ read, created, parked }, name).toEqual({ read: ROWS, created: ROWS, parked: 0 });
  }

  await stack.systems.sandbox.resetStats();
  await stack.syncAll();
  expect((await stack.systems.sandbox.stats()).campaign.total).toBe(0);
});
