import type { EventCounts } from '../src/contracts.js';
import { faultOf } from './first-load.js';
import type { Product, SyncMeasured } from './product.js';
import type { Systems } from './systems.js';

export interface EventsMeasured {
  /** Sends, opens, clicks and hard bounces together. */
  events: number;
  product: SyncMeasured<EventCounts> & { dynamicsCalls: number; throttled: number };
  faults: string[];
}

/** Of those sent to; with 100,000 of them 41,500 other events (DESIGN §12). */
const SHARES = { opens: 0.3, clicks: 0.1, bounces: 0.015 };

/** One delivery to every profile, and one sync of its events, under Dynamics' service protection. */
export async function measureEvents(
  systems: Systems,
  product: Product,
  contacts: number,
  say: (line: string) => void,
): Promise<EventsMeasured> {
  await product.provision();
  const delivered = await systems.deliver({ profiles: contacts, ...SHARES });
  const events = delivered.sends + delivered.opens + delivered.clicks + delivered.bounces;
  say(`events: one sync of ${events} events, ${delivered.sends} of them sends`);
  await systems.protectDynamics();
  await systems.resetStats();
  const synced = await product.syncEvents();
  const calls = await systems.calls();
  return {
    events,
    product: { ...synced, dynamicsCalls: calls.dynamics, throttled: calls.throttled },
    faults: [
      ...faultOf('events read', synced.counts.read, events),
      ...faultOf('events written', synced.counts.written, events),
    ],
  };
}
