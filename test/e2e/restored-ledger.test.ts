import { sql } from 'kysely';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { waitForFlow } from '../../src/command-line/flows.js';
import { connectPostgres } from '../../src/ledger/postgres.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { flow, startStack, type Stack } from '../support/stack.js';

let postgres: Postgres;
let stack: Stack;
let ledger: string;

beforeAll(async () => {
  postgres = await startPostgres();
  ledger = await postgres.freshDatabase();
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 40,
    document: exampleDocument.replace('every: 1m', 'every: 1d'),
    ledgerUrl: ledger,
  });
}, 60_000);
afterAll(async () => {
  await stack.stop();
  await postgres.stop();
}, 60_000);

/** Copies the ledger while no worker works on it, and lets one go on; answers the copy's address. */
async function backUp(): Promise<string> {
  await stack.worker().shutdown();
  const server = connectPostgres({ url: postgres.url, leaseMs: 60_000 });
  const name = new URL(ledger).pathname.slice(1);
  await sql.raw(`create database ${name}_backup template ${name}`).execute(server);
  await server.destroy();
  await stack.restartWorker();
  return `${ledger}_backup`;
}

/** Rows made, changed, deleted, made and deleted, set aside and mended: all that a ledger takes down. */
async function workGoesOn(): Promise<void> {
  const { contacts } = stack.systems;
  const [changed = '', deleted = '', parked = '', twice = ''] = (await stack.systems.profiles.all()).map(
    ({ externalId }) => externalId,
  );
  await contacts.create({ lastname: 'Made since' });
  const shortLived = await contacts.create({ lastname: 'Made and deleted since' });
  await contacts.update(changed, { lastname: 'Changed since' });
  await contacts.update(twice, { lastname: 'Changed once' });
  await contacts.update(parked, { firstname: 'x'.repeat(40) });
  await contacts.remove(deleted);
  await stack.sync();
  await contacts.remove(shortLived);
  await contacts.update(twice, { lastname: 'Changed twice' });
  await contacts.update(parked, { firstname: 'Mended' });
  await stack.sync();
}

async function differing(): Promise<string[]> {
  return differences(await stack.systems.contacts.all(mappedColumns), await stack.systems.profiles.all());
}

/** Also after the restore, before anybody has resynced. */
async function moreChanges(): Promise<void> {
  const [edited, deleted] = await stack.systems.profiles.all();
  if (!edited || !deleted) throw new Error('nothing was written');
  await stack.systems.profiles.update(edited, { lastName: 'Edited in Campaign' });
  await stack.systems.contacts.remove(deleted.externalId);
  await stack.systems.contacts.create({ lastname: 'Made after it' });
}

test('a ledger restored from a backup under a paused flow has both systems in step after a resync, and nothing twice', async () => {
  await stack.sync();
  const backup = await backUp();
  await workGoesOn();
  expect(await differing()).toEqual([]);

  await stack.starter('pause', flow);
  await stack.restartWorker({ LEDGER_URL: backup });
  await moreChanges();
  expect(await stack.starter('resync', 'contact')).toMatchObject({ status: 0, error: '' });
  await stack.starter('resume', flow);
  expect(await waitForFlow(stack.client, flow)).toMatchObject({ outcome: 'in-sync' });

  expect(await differing()).toEqual([]);
  const { read, deleted, now } = await stack.status();
  expect(now).toEqual({ managed: read - deleted, parked: 0, held: 0, backlog: 0 });
  expect((await stack.systems.sandbox.stats()).campaign.duplicates ?? 0).toBe(0);
  await stack.systems.sandbox.resetStats();
  await stack.sync();
  expect((await stack.systems.sandbox.stats()).campaign.total).toBe(0);
}, 90_000);
