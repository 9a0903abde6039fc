import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { inspect } from '../../src/command-line/inspect.js';
import { ingressFlow, signals, type Plan, type RowCounts } from '../../src/contracts.js';
import type { Feed, Ledger } from '../../src/ledger/store.js';
import { expectedProfile, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { defineParcels, ITEMS, parcelsMapping } from '../support/parcels.js';
import { startStack, type Stack } from '../support/stack.js';
import type { Profile, SandboxStats } from '../support/systems.js';

const CONTACTS = 60;
const STRANGER = 'NOT-OURS';
/** Looked at seldom, so that no scheduled run comes between a plan and the sync that it foretells. */
const seldom = (document: string): string => document.replaceAll('every: 1m', 'every: 1d');
const contactsOnly = seldom(exampleDocument);
const document = contactsOnly + parcelsMapping.replaceAll('    key:', '    every: 1d\n    key:');

let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: contactsOnly,
  });
  await defineParcels(stack.systems);
}, 60_000);
afterAll(() => stack.stop(), 60_000);

async function planOf(table: string, ...argv: string[]): Promise<Plan> {
  const { out, error, status } = await stack.starter('plan', table, '--json', ...argv);
  expect({ error, status }).toEqual({ error: '', status: 0 });
  return JSON.parse(out) as Plan;
}

async function candidate(text: string): Promise<string> {
  const file = join(stack.folder, 'candidate.yaml');
  await writeFile(file, text);
  return file;
}

/** Profiles of contacts that are not doubled. */
async function uniqueProfiles(): Promise<Profile[]> {
  const profiles = await stack.systems.profiles.all();
  const keys = profiles.map((profile) => profile.externalId);
  return profiles.filter(
    ({ externalId }) => externalId !== STRANGER && keys.indexOf(externalId) === keys.lastIndexOf(externalId),
  );
}

/** Opens a flow's run and lets it do nothing until it is resumed: what is planned meanwhile is what it does then. */
async function heldBack(flow: string): Promise<() => Promise<void>> {
  await stack.starter('pause', flow);
  const run = stack.client.workflow.getHandle(flow);
  return async () => {
    await run.signal(signals.resume);
    await run.result();
  };
}

/** Changes the contacts' feed as a run does that is interrupted right after. */
async function onFeed(change: (feed: Feed, ledger: Ledger) => Promise<unknown>): Promise<void> {
  const { ledger } = stack.worker();
  const opened = await ledger.openFeed(ingressFlow('contact'), 'an interrupted run');
  if (opened.kind === 'busy') throw new Error('the feed is busy');
  await change(opened.feed, ledger);
  await ledger.closeFeed(opened.feed);
}

/** What a plan may ask: reads, and batches, which it fills with reads. */
const writesIn = (stats: SandboxStats): string[] =>
  [...Object.keys(stats.dynamics.byRoute), ...Object.keys(stats.campaign.byRoute)].filter(
    (route) => !/^GET |^POST \$batch$|token/.test(route),
  );

const callsIn = ({ byRoute }: SandboxStats['campaign']): number =>
  Object.entries(byRoute)
    .filter(([route]) => !route.includes('token'))
    .flatMap(([, answers]) => Object.values(answers))
    .reduce((sum, count) => sum + count, 0);

const countsIn = ({ read, created, updated, unchanged, filtered, deleted, parked, held }: RowCounts) => ({
  read,
  created,
  updated,
  unchanged,
  filtered,
  deleted,
  parked,
  held,
});

/** Plans, asserts that nothing was written, syncs, and asserts that the sync did just what the plan said. */
async function foretold(
  table: string,
  { argv = [], sync }: { argv?: string[]; sync?: () => Promise<unknown> } = {},
): Promise<Plan> {
  const { sandbox } = stack.systems;
  const { ledger } = stack.worker();
  const known = () => Promise.all([ledger.readFeed(ingressFlow(table)), ledger.mappings.inForce()]);
  const before = await known();
  await sandbox.resetStats();
  const plan = await planOf(table, ...argv);
  expect(writesIn(await sandbox.stats())).toEqual([]);
  expect(await known()).toEqual(before);

  await sandbox.resetStats();
  await (sync ?? (() => stack.syncAll([ingressFlow(table)])))();
  const { dynamics, campaign } = await sandbox.stats();
  const status = await stack.status(ingressFlow(table));
  expect({ counts: countsIn(status), dynamics: callsIn(dynamics), campaign: callsIn(campaign) }).toEqual({
    counts: plan.counts,
    dynamics: plan.calls.dynamics,
    campaign: plan.calls.campaign,
  });
  return plan;
}

describe('a sync does what its plan says', () => {
  test('at a first load into a Campaign that is half full', async () => {
    const contacts = await stack.systems.contacts.all(mappedColumns);
    const sendable = contacts.map(expectedProfile).filter((profile) => profile !== undefined);
    const [twice, edited, ...half] = sendable.slice(0, 20);
    for (const profile of half) await stack.systems.profiles.create(profile);
    await stack.systems.profiles.create({ ...edited, firstName: 'Edited' });
    await stack.systems.profiles.create({ ...twice });
    await stack.systems.profiles.create({ ...twice });
    await stack.systems.profiles.create({ externalId: STRANGER, lastName: 'Stranger' });

    const plan = await foretold('contact');
    expect(plan.reading).toBe('first');
    expect(plan.counts.created).toBe(sendable.length - 20);
    expect(plan.parked).toContainEqual({ code: 'DUPLICATE_IN_CAMPAIGN', field: 'externalId', rows: 1 });
    expect(plan.fields.changed).toMatchObject({ firstName: 1 });
    expect(plan.samples.updated).toContain(edited?.externalId);
  }, 60_000);

  test('of changes, deletions and rows that Campaign has lost', async () => {
    const [gone, ...rest] = await uniqueProfiles();
    const [changed = '', deleted = '', untouched = ''] = rest.map((profile) => profile.externalId);
    if (!gone) throw new Error('nothing was written');
    await stack.systems.contacts.update(changed, { firstname: 'Changed', lastname: 'Also' });
    await stack.systems.contacts.remove(deleted);
    await stack.systems.profiles.remove(gone);
    await stack.systems.contacts.update(gone.externalId, { firstname: 'Lost' });
    await stack.systems.contacts.update(untouched, { description: 'not mapped' });
    await stack.systems.contacts.create({ lastname: 'New' });
    await stack.systems.contacts.create({ lastname: 'Long', firstname: 'x'.repeat(40) });

    const plan = await foretold('contact');
    expect(plan).toMatchObject({
      reading: 'changes',
      counts: { read: 6, created: 2, updated: 1, unchanged: 1, deleted: 1, parked: 1 },
      parked: [{ code: 'TEXT_TOO_LONG', field: 'firstName', rows: 1 }],
      fields: { changed: { firstName: 1, lastName: 1 }, known: 1, of: 1, equal: 0 },
      samples: { updated: [changed], deleted: [deleted] },
    });
  }, 60_000);

  test('of parked rows that are due', async () => {
    const sync = await heldBack(ingressFlow('contact'));
    await stack.starter('redrive');
    const plan = await foretold('contact', { sync });
    expect(plan.counts.parked).toBeGreaterThan(0);
    expect(plan.counts.read).toBe(plan.counts.parked);
  }, 60_000);

  test('of tables that depend on each other, found by a filter and linked by PKey', async () => {
    const parked = (await inspect(stack.client, { kind: 'parked', limit: 1 })).rows[0]?.id;
    const sent = (await uniqueProfiles()).slice(0, 2).map((profile) => profile.externalId);
    const parcels: string[] = [];
    for (const contact of [parked, ...sent])
      parcels.push(
        await stack.systems.rows.create('new_parcels', {
          new_name: 'a parcel',
          'new_ContactId@odata.bind': `/contacts(${contact})`,
        }),
      );
    for (const id of [...parcels, ...parcels])
      await stack.systems.rows.create('new_items', {
        new_name: 'an item',
        'new_ParcelId@odata.bind': `/new_parcels(${id})`,
      });

    await stack.apply(document);
    const syncItems = await heldBack(ingressFlow('new_item'));
    const early = await planOf('new_item');
    expect(early.counts).toMatchObject({ read: 6, parked: 6 });
    expect(early.notes).toEqual([expect.stringContaining('waits for that of new_parcel')]);
    await foretold('new_parcel');
    // The parcels' run has told the items' of it: heard only after the plan, it would cost another look.
    const { runId } = await stack.client.workflow.getHandle(ingressFlow('new_parcel')).describe();
    await stack.client.workflow.getHandle(`tick/ingress/new_item-released-${runId}-1`).result();
    const items = await foretold('new_item', { sync: syncItems });
    expect(items.counts).toMatchObject({ read: 6, created: 4, parked: 2 });
    expect(items.notes).toEqual([]);
    expect(await stack.systems.records.all(ITEMS)).toHaveLength(4);
    await stack.systems.rows.update('new_parcels', parcels[2] ?? '', { new_name: 'renamed' });
    expect((await foretold('new_parcel')).fields.changed).toEqual({ cusName: 1 });
  }, 60_000);

  test('of another mapping, with the deletions that its brake holds', async () => {
    for (const { externalId } of (await uniqueProfiles()).slice(0, 4))
      await stack.systems.contacts.update(externalId, { statecode: 1 });
    await stack.sync();
    const text = contactsOnly
      .replace('      - { from: telephone1, to: phone }\n', '')
      .replace('share: 10%, atLeast: 50', 'share: 0%, atLeast: 3')
      .concat(
        '    filters: { where: [{ field: statecode, is: equal, value: 0 }], deleteFilteredOut: true }\n',
      );
    const file = await candidate(text);

    const plan = await foretold('contact', {
      argv: ['--config', file, '--limit', '2'],
      sync: async () => {
        await stack.apply(text);
        await stack.sync();
      },
    });
    expect(plan).toMatchObject({ reading: 'compare', counts: { held: 4 } });
    expect(plan.counts.updated).toBeGreaterThan(2);
    // Without the field nothing that would be sent differs from what Campaign holds.
    expect(plan.fields).toEqual({ changed: {}, known: 2, of: plan.counts.updated, equal: 2 });
    expect(plan.notes).toEqual([
      'Field phone is no longer mapped: Campaign keeps its last value.',
      expect.stringMatching(/^Table new_item is no longer mapped/),
      expect.stringMatching(/^Table new_parcel is no longer mapped/),
    ]);
  }, 60_000);

  test('of deletions that a person has approved', async () => {
    const sync = await heldBack(ingressFlow('contact'));
    expect(await stack.starter('deletions', 'approve', 'contact')).toMatchObject({ status: 0 });
    expect((await foretold('contact', { sync })).counts).toMatchObject({ read: 4, deleted: 4 });
  }, 60_000);

  test('of creates whose answers a dead worker has not heard', async () => {
    const arrived = await stack.systems.contacts.create({ lastname: 'Arrived' });
    const changed = await stack.systems.contacts.create({ lastname: 'Changed since' });
    const lost = await stack.systems.contacts.create({ lastname: 'Lost' });
    await stack.systems.profiles.create({ externalId: arrived, lastName: 'Arrived' });
    await stack.systems.profiles.create({ externalId: changed, lastName: 'Changed' });
    await onFeed((feed, ledger) => ledger.markIntents(feed, [arrived, changed, lost]));

    const plan = await foretold('contact');
    expect(plan.counts).toMatchObject({ read: 3, created: 3 });
    expect(plan.calls.campaign).toBe(3 + 1 + 1);
  }, 60_000);

  test('of a verify, with records that Campaign has lost, edited and doubled', async () => {
    const [gone, edited, doubled, changed] = await uniqueProfiles();
    if (!gone || !edited || !doubled || !changed) throw new Error('too few profiles');
    await stack.systems.profiles.remove(gone);
    await stack.systems.profiles.update(edited, { lastName: 'Edited' });
    await stack.systems.profiles.create({ externalId: doubled.externalId, lastName: 'Double' });
    await stack.systems.contacts.remove(changed.externalId);
    await onFeed((feed, ledger) => ledger.moveFeed(feed, { phase: 'survey', mode: 'verify' }));

    const plan = await foretold('contact');
    expect(plan).toMatchObject({
      reading: 'verify',
      counts: { created: 1, updated: 1, deleted: 1 },
      fields: { changed: { lastName: 1 }, equal: 0 },
    });
    expect(plan.samples.created).toEqual([gone.externalId]);
    expect(plan.parked).toContainEqual({ code: 'DUPLICATE_IN_CAMPAIGN', field: 'externalId', rows: 2 });
  }, 60_000);

  test('after a change token has expired', async () => {
    const [deleted] = await uniqueProfiles();
    await stack.systems.contacts.remove(deleted?.externalId ?? '');
    const expire = () =>
      stack.systems.sandbox.faults([{ system: 'dynamics', kind: 'expire-delta', times: 1 }]);
    await expire();
    const plan = await foretold('contact', {
      async sync() {
        await expire();
        await stack.sync();
      },
    });
    expect(plan.counts).toMatchObject({ deleted: 1, updated: 0, created: 0 });
    expect(plan.counts.read).toBeGreaterThan(CONTACTS / 2);
  }, 60_000);

  test('of a read in many pages', async () => {
    await stack.systems.sandbox.limits({ dynamics: { maxPageSize: 7 } });
    const text = contactsOnly.replace('      - { from: fax, to: fax }\n', '');
    const plan = await foretold('contact', {
      argv: ['--config', await candidate(text)],
      sync: async () => {
        await stack.apply(text);
        await stack.sync();
      },
    });
    // The full read and the sweep in pages of 7, the overlap, and a look for changes.
    expect(plan.calls.dynamics).toBeGreaterThan(2 * (CONTACTS / 7));
    await stack.systems.sandbox.limits({ dynamics: { maxPageSize: 5000 } });
  }, 60_000);
});

describe('a plan', () => {
  test('is a table for people', async () => {
    const [profile] = await uniqueProfiles();
    await stack.systems.contacts.update(profile?.externalId ?? '', { firstname: 'Shown' });
    const { out, status } = await stack.starter('plan', 'contact');
    expect(status).toBe(0);
    expect(out).toMatch(new RegExp(`updated +1 +${profile?.externalId}`));
    expect(out).toMatch(/firstName +1/);
    expect(out).toContain('Nothing was written.');
    expect(out).not.toContain('Shown');
  }, 60_000);

  test('of a table that the candidate takes away says what becomes of it', async () => {
    const file = await candidate(contactsOnly.replace('dynamics: contact', 'dynamics: account'));
    expect(await planOf('contact', '--config', file)).toMatchObject({
      reading: 'none',
      counts: { read: 0 },
      calls: { dynamics: 0, campaign: 0 },
      notes: [expect.stringMatching(/^Table contact is no longer mapped/)],
    });
  }, 60_000);

  test('of what cannot be planned says why', async () => {
    const broken = await candidate('version: 1\ntables: []\n');
    expect(await stack.starter('plan', 'contact', '--config', broken)).toMatchObject({
      status: 2,
      error: expect.stringContaining('candidate.yaml:2'),
    });
    const unknown = await candidate(contactsOnly.replace('from: fax,', 'from: telex,'));
    expect(await stack.starter('plan', 'contact', '--config', unknown)).toMatchObject({
      status: 2,
      error: expect.stringContaining('telex'),
    });
    expect(await stack.starter('plan', 'lead')).toMatchObject({ status: 2 });
    expect(await stack.starter('plan', 'opt-out')).toMatchObject({
      status: 1,
      error: expect.stringContaining('OPT_OUT_DISABLED') as string,
    });
    expect(await stack.starter('plan', 'contact', '--limit', 'many')).toMatchObject({ status: 2 });
  }, 60_000);
});
