import { inject, test } from 'vitest';
import { appendFileSync } from 'node:fs';
import { startPostgres } from '../support/postgres.js';
import { startStack } from '../support/stack.js';
import { wideMapping, wideModel, wideTables, type WideTable } from './wide-tables.js';

const out: string[] = [];
const took = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  out.push(`${what} ${((performance.now() - started) / 1000).toFixed(2)}s/cpu ${((user + system) / 1e6).toFixed(2)}`);
  return result;
};
for (const [TABLES, COLUMNS] of (process.env.SIZES ?? '15x200,30x200,60x200,60x100,60x50').split(',').map((s) => s.split('x').map(Number))) {
  test(`${TABLES} ${COLUMNS}`, async () => {
    out.length = 0;
    const tables = wideTables({ tables: TABLES ?? 0, columns: COLUMNS ?? 0, deep: 8 });
    const postgres = await startPostgres();
    const doc = wideMapping(tables);
    const stack = await took('start', async () => startStack({
      temporalAddress: inject('temporalAddress'), contacts: 0, document: doc, model: wideModel(tables),
      ledgerUrl: await postgres.freshDatabase(),
    }));
    await took('apply', () => stack.apply(doc + '# again\n'));
    const ids = new Map<WideTable, string[]>();
    await took('rows', async () => {
      for (const t of tables) {
        const made: string[] = [];
        for (let row = 0; row < 3; row += 1)
          made.push(await stack.systems.rows.create(`${t.name}s`, {
            ...Object.fromEntries(t.columns.map((c) => [c.name, c.kind.sent(row)])),
            ...(t.parent && { 'new_parentid@odata.bind': `/${t.parent.table.name}s(${ids.get(t.parent.table)?.[row]})` }),
          }));
        ids.set(t, made);
      }
    });
    await took('check', () => stack.starter('check', '--json'));
    const flows = tables.map((t) => `ingress/${t.name}` as const);
    await took('load', () => stack.syncAll(flows));
    for (let i = 0; i < 3; i += 1) await took('poll', () => stack.syncAll(flows));
    await took('status', () => stack.status(flows[0]));
    const line = `${TABLES}x${COLUMNS} doc ${doc.length}: ${out.join('; ')}`;
    console.log(line); appendFileSync('/tmp/many.log', line + '\n');
    await stack.stop(); await postgres.stop();
  }, 300_000);
}
