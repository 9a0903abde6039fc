import { defineTable } from './customiser.js';
import type { Systems } from './systems.js';

/* Three tables of a company that have nothing to do with each other, nor with contacts: nothing waits for anything. */

const regions = ['North', 'South', 'East'] as const;
export const regionFlows = regions.map((region) => `ingress/new_${region.toLowerCase()}`);

const entitySet = (region: string): string => `new_${region.toLowerCase()}s`;
const resource = (region: string): string => `profileAndServicesExt/cus${region}`;

export async function defineRegions(systems: Systems): Promise<void> {
  for (const region of regions) await defineTable(systems, `new_${region}`, []);
  await systems.sandbox.dataModel({
    resources: regions.map((region) => ({
      name: `cus${region}`,
      schema: `cus:cus${region}`,
      label: region,
      endpoints: ['profileAndServicesExt'],
      keys: ['cusCrmId'],
      fields: {
        cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
        cusName: { type: 'string', label: 'Name', length: 40 },
      },
    })),
    filters: regions.map((region) => ({
      resource: `cus${region}`,
      name: 'bycrmid',
      label: 'By CRM id',
      conditions: [{ fields: ['cusCrmId'], operator: '=', parameter: 'crmid_parameter' }],
    })),
  });
}

export const regionsMapping = regions
  .map(
    (region) => `
  - dynamics: new_${region.toLowerCase()}
    campaign: cus${region}
    every: 1d
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_name, to: cusName }]
`,
  )
  .join('');

/** So many new rows in each table. */
export async function addRegionRows(systems: Systems, name: string, count: number): Promise<void> {
  for (const region of regions) {
    for (let row = 0; row < count; row += 1)
      await systems.rows.create(entitySet(region), { new_name: `${name} ${row}` });
  }
}

/** What is not once in both systems with the same name. */
export async function regionDifferences(systems: Systems): Promise<string[]> {
  const found: string[] = [];
  for (const region of regions) {
    const id = `new_${region.toLowerCase()}id`;
    const rows = await systems.rows.all(entitySet(region), [id, 'new_name']);
    const line = (key: unknown, name: unknown): string => `${region} ${String(key)} ${String(name)}`;
    const inDynamics = rows.map((row) => line(row[id], row.new_name)).toSorted();
    const inCampaign = (await systems.records.all(resource(region)))
      .map((record) => line(record.cusCrmId, record.cusName))
      .toSorted();
    if (JSON.stringify(inDynamics) !== JSON.stringify(inCampaign))
      found.push(`${region}: ${inDynamics.length} rows, ${inCampaign.length} records, and not the same`);
  }
  return found;
}
