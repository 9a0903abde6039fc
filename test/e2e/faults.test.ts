import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';
import { differences, mappedColumns } from '../support/expected.js';

const CONTACTS = 150;
const always = { times: 1_000_000 };
const kinds: Record<string, object[]> = {
  'status 500 and 503': [
    { system: 'campaign', kind: 'status', status: 500, share: 0.05, ...always },
    { system: 'dynamics', kind: 'status', status: 503, share: 0.05, ...always },
  ],
  throttle: [
    { system: 'campaign', kind: 'throttle', retryAfter: 1, share: 0.05, ...always },
    { system: 'dynamics', kind: 'throttle', facet: 'requests', retryAfter: 1, share: 0.05, ...always },
  ],
  latency: [{ system: 'campaign', kind: 'latency', ms: 300, share: 0.05, ...always }],
  reset: [
    { system: 'campaign', kind: 'reset', share: 0.05, ...always },
    { system: 'dynamics', kind: 'reset', share: 0.05, ...always },
  ],
  truncate: [
    { system: 'campaign', kind: 'truncate', share: 0.05, ...always },
    { system: 'dynamics', kind: 'truncate', share: 0.05, ...always },
  ],
  'expire-token': [
    { system: 'campaign', kind: 'expire-token', times: 3 },
    { system: 'dynamics', kind: 'expire-token', times: 1 },
  ],
  'expire-delta': [{ system: 'dynamics', kind: 'expire-delta', times: 1 }],
  'accepted-then-reset': [{ system: 'campaign', kind: 'accepted-then-reset', share: 0.05, ...always }],
};
kinds['all of them mixed'] = Object.values(kinds).flat();

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

describe.each(Object.keys(kinds))('%s', (kind) => {
  let stack: Stack;
  beforeEach(async () => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: CONTACTS,
      document: exampleDocument,
      ledgerUrl: await postgres.freshDatabase(),
    });
  }, 60_000);
  afterEach(() => stack.stop(), 60_000);

  test('during a first load and during changes: both systems converge, nothing doubled', async () => {
    await stack.systems.sandbox.faults(kinds[kind] ?? []);
    await stack.sync();
    await stack.systems.sandbox.bulk({ change: 30, create: 10, delete: 5 });
    await stack.sync();
    await stack.systems.sandbox.clearFaults();
    expect((await stack.sync()).outcome).toBe('in-sync');
    const contacts = await stack.systems.contacts.all(mappedColumns);
    expect(
      differences(contacts, await stack.systems.profiles.all()),
      JSON.stringify(await stack.status()),
    ).toEqual([]);
    expect((await stack.status()).errors).not.toHaveProperty('CAMPAIGN_ANSWER_UNKNOWN');
    expect((await stack.systems.sandbox.stats()).campaign.duplicates ?? 0).toBe(0);
  }, 120_000);
});
