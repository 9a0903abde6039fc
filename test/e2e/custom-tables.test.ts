import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, test } from 'vitest';
import type { FlowStatus } from '../../src/contracts.js';
import { startStack, type Stack } from '../support/stack.js';

const example = readFileSync(
  fileURLToPath(new URL('../../docs/examples/custom-tables.yaml', import.meta.url)),
  'utf8',
);
const EXT = 'profileAndServicesExt';
let stack: Stack;
afterEach(() => stack.stop(), 60_000);

async function statuses(): Promise<FlowStatus[]> {
  const { out } = await stack.starter('status', '--json');
  return (JSON.parse(out) as { flows: FlowStatus[] }).flows;
}
/** v8 drops the prefix of custom filters, and has no organisational units (campaign.md §1). */
const forV8 = (text: string): string =>
  text
    .replaceAll('filter:by', 'filter:')
    .replace('emea, to: orgUnit, resource: orgUnitBase', 'dach, to: geoUnit, resource: geoUnitBase');

/** P1: what was read is what became of it. */
const addsUp = ({
  read,
  created,
  updated,
  unchanged,
  filtered,
  deleted,
  parked,
  held,
}: FlowStatus): boolean => read === created + updated + unchanged + filtered + deleted + parked + held;

describe.each(['standard', 'v8'] as const)('the tables of the example, edition %s', (edition) => {
  test('are all in step, every row accounted for, and cost nothing when nothing changes', async () => {
    const document = edition === 'v8' ? forV8(example) : example;
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 80,
      document,
      settings: { CAMPAIGN_EDITION: edition },
    });
    await stack.systems.sandbox.limits({ campaign: { edition } });
    const ends = await stack.syncAll();
    expect(ends.map(({ flow, outcome, error }) => ({ flow, outcome, error }))).toEqual(
      ends.map(({ flow }) => ({ flow, outcome: 'in-sync', error: undefined })),
    );
    const flows = await statuses();
    expect(flows).toHaveLength(8);
    for (const flow of flows) {
      expect(addsUp(flow), flow.flow).toBe(true);
      expect(flow.created, flow.flow).toBeGreaterThan(0);
      // What is parked waits for a parent that is parked or left out itself, or is too long for its field.
      expect(
        Object.keys(flow.errors).filter((code) => !['PARENT_MISSING', 'TEXT_TOO_LONG'].includes(code)),
      ).toEqual([]);
    }

    const orders = await stack.systems.records.all(`${EXT}/cusOrder`);
    const lines = await stack.systems.records.all(`${EXT}/cusOrderLine`);
    expect(orders).toHaveLength(flows.find(({ flow }) => flow === 'ingress/new_order')?.created ?? -1);
    const linked = lines.filter(({ cusOrder }) => cusOrder !== null);
    expect(linked.length).toBeGreaterThan(0);
    const ofOrder = await stack.systems.records.follow(linked[0]?.cusOrder);
    expect(orders.map(({ cusCrmId }) => cusCrmId)).toContain(ofOrder.cusCrmId);
    const [unit, title] = edition === 'standard' ? ['orgUnit', 'Europe'] : ['geoUnit', 'Deutschland'];
    for (const profile of await stack.systems.profiles.all())
      expect(profile[unit]).toMatchObject({ title: expect.stringContaining(title) as string });
    expect((await stack.systems.records.all('customResources/cusStore')).length).toBeGreaterThan(0);

    await stack.systems.sandbox.resetStats();
    await stack.syncAll();
    expect((await stack.systems.sandbox.stats()).campaign.total).toBe(0);
  }, 120_000);
});
