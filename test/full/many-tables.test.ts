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

const took = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const started = performance.now();
  const result = await work();
  console.log(what, ((performance.now() - started) / 1000).toFixed(2));
  return result;
};

test('many wide tables', async () => {
  const { status, out } = await took('check', () => stack.starter('check', '--json'));
  const { findings } = JSON.parse(out) as Checked;
  const bad = findings.filter(({ severity }) => severity === 'error');
  console.log(
    status,
    findings.length,
    JSON.stringify(findings.filter((f) => f.severity !== 'ok').slice(0, 5)),
  );
  expect(bad).toEqual([]);
  const ends = await took('first load', () => stack.syncAll());
  console.log(ends.filter((e) => e.outcome !== 'in-sync'));
  for (const t of [tables[0], tables[9]]) console.log(t && (await stack.status(`ingress/${t.name}`)));
  await stack.systems.sandbox.resetStats();
  await took('poll', () => stack.syncAll());
  const stats = await stack.systems.sandbox.stats();
  console.log(stats.dynamics, stats.campaign);
  for (const table of tables) {
    const records = await stack.systems.records.all(
      `${table.parent || true ? 'customResources' : ''}/${table.resource}`,
    );
    for (const [row, id] of (ids.get(table) ?? []).entries()) {
      const record = records.find((r) => r.cusCrmId === id);
      for (const c of table.columns)
        expect([c.name, record?.[c.field]]).toEqual([
          c.name,
          row === ROWS - 1 ? c.kind.empty : c.kind.held(row),
        ]);
    }
  }
}, 300_000);
