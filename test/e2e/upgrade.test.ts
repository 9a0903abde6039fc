import { join } from 'node:path';
import { sql, type Kysely } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { connectEmbedded } from '../../src/ledger/embedded.js';
import { migrations } from '../../src/ledger/migrations/migrate.js';
import { connectPostgres } from '../../src/ledger/postgres.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';

const HELD = 8;
const document = exampleDocument
  .replace('every: 1m', 'every: 1d')
  .replace('share: 10%, atLeast: 50', 'share: 10%, atLeast: 5');
let postgres: Postgres;

beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

describe.each(['postgres', 'embedded'] as const)('a ledger of the first version (%s)', (backend) => {
  let stack: Stack;
  let connect: () => Kysely<unknown>;

  beforeEach(async () => {
    const url = backend === 'postgres' ? await postgres.freshDatabase() : undefined;
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 40,
      document,
      ...(url !== undefined && { ledgerUrl: url }),
    });
    connect = () =>
      url === undefined
        ? connectEmbedded(join(stack.folder, 'ledger'))
        : connectPostgres({ url, leaseMs: 60_000 });
  }, 60_000);
  afterEach(() => stack.stop(), 60_000);

  const told = async (...argv: string[]): Promise<unknown> => {
    const { status, out, error } = await stack.starter(...argv, '--json');
    expect({ status, error }).toEqual({ status: 0, error: '' });
    return JSON.parse(out);
  };

  test('opens under this one with nothing lost, and the flow goes on without a call for what did not change', async () => {
    const { systems } = stack;
    const long = await systems.contacts.create({ lastname: 'Long', firstname: 'x'.repeat(40) });
    await stack.sync();
    const ours = (await systems.profiles.all()).map(({ externalId }) => externalId);
    for (const id of ours.splice(0, HELD)) await systems.contacts.remove(id);
    await stack.sync();
    const { now } = await stack.status();
    expect(now).toEqual({ managed: ours.length + HELD, parked: 1, held: HELD, backlog: 0 });
    const parked = await told('parked');
    const held = await told('deletions', 'show', 'contact');

    await stack.worker().shutdown();
    const database = connect();
    await takeBack(database);
    await database.destroy();
    await stack.restartWorker();
    expect((await stack.status()).now).toEqual(now);
    expect(await told('parked')).toEqual(parked);
    expect(await told('deletions', 'show', 'contact')).toEqual(held);

    await systems.sandbox.resetStats();
    await stack.sync();
    expect((await systems.sandbox.stats()).campaign.total).toBe(0);
    await systems.contacts.update(ours[0] ?? '', { lastname: 'Changed' });
    await stack.sync();
    expect((await systems.sandbox.stats()).campaign.byRoute).toEqual({ 'PATCH profile/key': { 200: 1 } });

    await systems.contacts.update(long, { firstname: 'Short' });
    await told('deletions', 'approve', 'contact');
    await stack.sync();
    expect((await stack.status()).now).toMatchObject({ parked: 0, held: 0 });
    const contacts = await systems.contacts.all(mappedColumns);
    expect(differences(contacts, await systems.profiles.all())).toEqual([]);
    await stack.resync('verify');
    expect(await stack.status()).toMatchObject({ created: 0, updated: 0, unchanged: contacts.length });
  }, 90_000);
});

/** Leaves of a ledger what its first version had: the tables and columns of the first migration, and their rows. */
async function takeBack(database: Kysely<unknown>): Promise<void> {
  const [first] = migrations;
  await database.transaction().execute(async (transaction) => {
    const run = (statement: string) => sql.raw(statement).execute(transaction);
    await run('alter schema ledger rename to newer');
    await run('create schema ledger');
    await run('create table ledger.migration (like newer.migration including all)');
    await run('insert into ledger.migration select * from newer.migration where number = 1');
    for (const statement of first?.statements ?? []) await run(statement);
    const { rows } = await sql<{ name: string; columns: string }>`
      select table_name as name, string_agg(column_name, ', ') as columns
      from information_schema.columns
      where table_schema = 'ledger' and table_name <> 'migration' group by table_name`.execute(transaction);
    expect(rows.length).toBeGreaterThan(5);
    for (const { name, columns } of rows)
      await run(`insert into ledger.${name} (${columns}) select ${columns} from newer.${name}`);
    await run('drop schema newer cascade');
  });
}
