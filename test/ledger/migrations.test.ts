import { sql, type Kysely } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { migrate, migrations, type Migration } from '../../src/ledger/migrations/migrate.js';
import { connectPostgres, openPostgresLedger } from '../../src/ledger/postgres.js';
import type { Ledger } from '../../src/ledger/store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { at, LEASE_MS, prints, take } from './backends.js';

const FLOW = 'ingress/contact';
/** As a next version may add. */
const next: Migration = {
  name: 'next',
  statements: [
    `alter table ledger.record add column next_note text`,
    `create table ledger.next_table as select current_setting('statement_timeout') as longest_statement`,
  ],
};

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

let url: string;
let database: Kysely<unknown>;
beforeEach(async () => {
  url = await postgres.freshDatabase();
  database = connectPostgres({ url, leaseMs: LEASE_MS });
  return () => database.destroy();
});

/** As one worker opens it; every worker has connections of its own. */
async function open(): Promise<Ledger> {
  const ledger = await openPostgresLedger({ url, key: 'a key', leaseMs: LEASE_MS });
  onTestFinished(() => ledger.close());
  return ledger;
}

const applied = async (): Promise<number[]> => {
  const { rows } = await sql<{ number: number }>`select number from ledger.migration order by number`.execute(
    database,
  );
  return rows.map(({ number }) => number);
};

test('a worker that runs goes on while a newer version migrates, and cannot be started again', async () => {
  const running = await open();
  const feed = await take(running, FLOW);
  await migrate(database, [...migrations, next]);
  await running.startRun(FLOW, 'run');
  const outcomes = [
    { sourceId: 'one', outcome: 'created', sourceVersion: '1', accepted: prints('one') },
  ] as const;
  const committed = await running.commitPage(feed, [...outcomes], at('following', 'a link'));
  expect(committed.version).toBe(feed.version + 1);
  await running.closeFeed(committed);
  await expect(open()).rejects.toMatchObject({
    code: 'LEDGER_TOO_NEW',
    class: 'stop',
    message: expect.stringContaining(`migration ${migrations.length + 1}`) as string,
  });
});

test('a migration waits for a page that is being committed, and neither is lost', async () => {
  const running = await open();
  const feed = await take(running, FLOW);
  const writer = new pg.Client({ connectionString: url });
  await writer.connect();
  onTestFinished(() => writer.end());
  await writer.query('begin; lock table ledger.record in row exclusive mode');
  const other = connectPostgres({ url, leaseMs: LEASE_MS });
  onTestFinished(() => other.destroy());
  const migrating = migrate(other, [...migrations, next]);
  await expect.poll(waiting).toBeGreaterThan(0);
  await writer.query('commit');
  await migrating;
  expect(await applied()).toHaveLength(migrations.length + 1);
  await running.closeFeed(feed);
});

test('of workers of a new version that start at once on an old ledger one migrates, and all of them work', async () => {
  const [first] = migrations;
  if (!first) throw new Error('there is no migration');
  await migrate(database, [first]);
  const ledgers = await Promise.all([open(), open(), open()]);
  expect(await applied()).toEqual(migrations.map((_each, index) => index + 1));
  await Promise.all(ledgers.map(async (ledger, index) => take(ledger, `${FLOW}_${index}`)));
});

test('a migration that fails leaves the ledger as it was', async () => {
  await open();
  const broken = {
    name: 'broken',
    statements: [...next.statements, 'alter table ledger.nothing add column a text'],
  };
  await expect(migrate(database, [...migrations, broken])).rejects.toThrow('nothing');
  expect(await applied()).toHaveLength(migrations.length);
  const { rows } = await sql`select 1 from information_schema.tables where table_name = 'next_table'`.execute(
    database,
  );
  expect(rows).toEqual([]);
  await open();
});

test('a migration may take as long as a large table needs', async () => {
  await migrate(database, [...migrations, next]);
  const { rows } = await sql`select longest_statement from ledger.next_table`.execute(database);
  expect(rows).toEqual([{ longest_statement: '0' }]);
});

test.each(
  migrations.flatMap(({ name, statements }) => statements.map((statement) => [name, statement] as const)),
)('%s only adds: %s', (_name, statement) => {
  expect(faultsOf(statement)).toEqual([]);
});

test.each([
  'drop table ledger.record',
  'alter table ledger.record rename column state to status',
  'alter table ledger.record drop column state',
  'alter table ledger.record alter column outcome set not null',
  'alter table ledger.record add column owner text not null',
  'update ledger.record set state = 1',
])('the check bites: %s', (statement) => {
  expect(faultsOf(statement)).toHaveLength(1);
});

/** Why a worker that does not know of `statement` could not go on after it. */
function faultsOf(statement: string): string[] {
  const text = statement.replaceAll(/\s+/g, ' ').trim();
  if (/^create (table|index|sequence|function|trigger) /.test(text)) return [];
  const added = /^alter table \S+ ((add column [^,]+(, )?)+)$/.exec(text)?.[1];
  if (added === undefined) return [`does more than add: ${text}`];
  const needed = added.split(', ').filter((column) => / not null/.test(column) && !/ default /.test(column));
  return needed.map((column) => `an older worker would not fill in: ${column}`);
}

/** How many of this database's connections wait for a lock. */
async function waiting(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`.execute(database);
  return rows[0]?.count ?? 0;
}
