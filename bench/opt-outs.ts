import type { LoopResult } from './axios-loop.js';
import type { OptOutCounts } from '../src/contracts.js';
import { faultOf, runLoop } from './first-load.js';
import type { Product, ProductOptions, SyncMeasured } from './product.js';

export interface OptOutsMeasured {
  /** Contacts that have opted out of email in Dynamics since the last sync. */
  flags: number;
  product: SyncMeasured<OptOutCounts> & { dynamicsCalls: number; campaignCalls: number };
  /** The comparison of every contact with its profile before. */
  comparing: SyncMeasured<OptOutCounts> & { dynamicsCalls: number; campaignCalls: number };
  loop: LoopResult;
  faults: string[];
}

/** Every contact that takes email opts out of it in Dynamics; one sync carries that to Campaign. Then the bare loop writes as much. */
export async function measureOptOuts(
  options: ProductOptions,
  product: Product,
  say: (line: string) => void,
): Promise<OptOutsMeasured> {
  const { systems } = options;
  await product.keepOptOuts();
  // New columns are a reason to compare every row with what was accepted.
  await product.sync();
  say('opt-out: comparing every contact with its profile');
  await systems.resetStats();
  const compared = await product.syncOptOuts();
  const comparingCalls = await systems.calls();

  say('opt-out: every contact opts out of email in Dynamics');
  let contacts = 0;
  let flags = 0;
  await systems.updateContacts(optingOut());
  say(`opt-out: one sync of ${flags} opt-outs`);
  await systems.resetStats();
  const synced = await product.syncOptOuts();
  const calls = await systems.calls();
  say('opt-out: the bare loop');
  const loop = await runLoop(options, 'opt-outs');
  return {
    flags,
    product: { ...synced, dynamicsCalls: calls.dynamics, campaignCalls: calls.campaign },
    comparing: {
      ...compared,
      dynamicsCalls: comparingCalls.dynamics,
      campaignCalls: comparingCalls.campaign,
    },
    loop,
    faults: [
      ...faultOf('flags written to Campaign', synced.counts.toCampaign, flags),
      ...faultOf('flags written to Dynamics', synced.counts.toDynamics, 0),
      ...faultOf('profiles written by the loop', loop.rows, contacts),
    ],
  };

  async function* optingOut(): AsyncGenerator<object> {
    const ids: unknown[] = [];
    for await (const { contactid, donotemail } of systems.contacts(['contactid', 'donotemail'])) {
      contacts += 1;
      if (donotemail !== true) ids.push(contactid);
    }
    for (const contactid of ids) {
      flags += 1;
      yield { contactid, donotemail: true };
    }
  }
}
