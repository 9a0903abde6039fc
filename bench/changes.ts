import { faultOf } from './first-load.js';
import type { Product, SyncMeasured } from './product.js';
import type { Systems } from './systems.js';

export interface ChangesMeasured {
  touched: number;
  changed: number;
  product: SyncMeasured & { dynamicsCalls: number; campaignCalls: number };
  callsPerChangedRow: number;
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
  return {
    touched,
    changed,
    product: { ...synced, dynamicsCalls: calls.dynamics, campaignCalls: calls.campaign },
    callsPerChangedRow: calls.campaign / changed,
    faults: [
      ...faultOf('rows read', synced.counts.read, touched),
      ...faultOf('rows updated', synced.counts.updated, changed),
      ...faultOf('Campaign calls', calls.campaign, changed),
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
