import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { differences, expectedProfile, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { flow, startStack, type Stack } from '../support/stack.js';

let postgres: Postgres;
let stack: Stack;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());
beforeEach(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 60,
    document: exampleDocument.replace('every: 1m', 'every: 1d'),
    ledgerUrl: await postgres.freshDatabase(),
  });
}, 60_000);
afterEach(() => stack.stop(), 60_000);

/** dataverse.md §3, client rule 2: the vendor does not say which version the last page's token carries. */
test.each(['first-page', 'last-page'])(
  'rows deleted, changed and created behind the reader of a full read are right, with a token of the %s',
  async (deltaTokenFrom) => {
    const { systems } = stack;
    await systems.sandbox.limits({ dynamics: { maxPageSize: 10, deltaTokenFrom } });
    await systems.sandbox.faults([
      { system: 'campaign', method: 'POST', kind: 'latency', ms: 300, times: 1_000_000 },
    ]);
    const inOrder = (await systems.contacts.all(mappedColumns)).filter((contact) => expectedProfile(contact));
    const [deleted, changed] = inOrder.map((contact) => String(contact.contactid)).toSorted();
    await signalFlow({ client: stack.client, heartbeatSeconds: 5 }, flow, 'poll');
    await expect
      .poll(async () => (await systems.profiles.all()).length, { timeout: 20_000 })
      .toBeGreaterThan(15);

    await systems.contacts.remove(deleted ?? '');
    await systems.contacts.update(changed ?? '', { lastname: 'Behind' });
    await systems.contacts.create({
      contactid: '00000000-0000-4000-8000-000000000001',
      lastname: 'Created behind',
    });
    expect((await systems.profiles.all()).length, 'the first load is still under way').toBeLessThan(55);
    await systems.sandbox.clearFaults();
    expect((await waitForFlow(stack.client, flow)).outcome).toBe('in-sync');

    const profiles = await systems.profiles.all();
    expect(differences(await systems.contacts.all(mappedColumns), profiles)).toEqual([]);
    expect(profiles.some((profile) => profile.externalId === deleted)).toBe(false);
    const { read, created, updated, unchanged, filtered, deleted: gone, parked, held } = await stack.status();
    expect(created + updated + unchanged + filtered + gone + parked + held).toBe(read);
    expect(gone).toBe(1);
  },
  60_000,
);
