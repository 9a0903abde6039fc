import { faultOf } from './first-load.js';
import type { Product, SyncMeasured } from './product.js';
import type { Systems } from './systems.js';

export interface ChangesMeasured {
  touched: number;
  changed: number;
  product: SyncMeasured & { dynamicsCalls: number; campaignCalls: number };
  callsPerChangedRow: number;
  /** The same rows once more, unchanged, compared with the ledger after the change token has expired. */
  comparing: SyncMeasured & { dynamicsCalls: number; campaignCalls: number };
  faults: string[];
}

/** Every twentieth row. */
const CHANGED_EVERY = 20;

/** Touches every contact in a column that is not mapped, changes 5 % of them in one that is, and syncs once. */
export async function measureChanges(
  systems: Systems,
  product: Product,
  say: (line: string) => void,
): Promise<ChangesMeasured> {
  say('changes: touching every contact in Dynamics');
  let touched = 0;
  let changed = 0;
  await systems.updateContacts(touches());
  say(`changes: one sync of ${touched} touched contacts, ${changed} of them changed`);
  await systems.resetStats();
  const synced = await product.sync();
  const calls = await systems.calls();

  say('changes: a comparing read of all of them, after an expired change token');
  await systems.expireToken();
  await systems.resetStats();
  const compared = await product.sync();
  const comparingCalls = await systems.calls();
  return {
    touched,
    changed,
    product: { ...synced, dynamicsCalls: calls.dynamics, campaignCalls: calls.campaign },
    callsPerChangedRow: calls.campaign / changed,
    comparing: {
      ...compared,
      dynamicsCalls: comparingCalls.dynamics,
      campaignCalls: comparingCalls.campaign,
    },
    faults: [
      ...faultOf('rows read', synced.counts.read, touched),
      ...faultOf('rows updated', synced.counts.updated, changed),
      ...faultOf('Campaign calls', calls.campaign, changed),
      ...faultOf('rows compared', compared.counts.unchanged, touched),
      ...faultOf('Campaign calls of the comparing read', comparingCalls.campaign, 0),
      ...faultOf('profiles in Campaign', (await systems.profiles()).count, touched),
    ],
  };

  /** Ids first: an update moves a row, and pages are no snapshot. */
  async function* touches(): AsyncGenerator<object> {
    const ids: unknown[] = [];
    for await (const { contactid } of systems.contacts(['contactid'])) ids.push(contactid);
    for (const contactid of ids) {
      const isChanged = touched % CHANGED_EVERY === 0;
      touched += 1;
      if (isChanged) changed += 1;
      yield { contactid, jobtitle: 'Touched', ...(isChanged && { lastname: `Changed ${touched}` }) };
    }
  }
}
