import { join } from 'node:path';
import { startProcess } from './processes.js';
import type { LoopOrder, LoopResult } from './axios-loop.js';
import { startProduct, type Product, type ProductOptions, type SyncMeasured } from './product.js';

export interface FirstLoadMeasured {
  contacts: number;
  loop: LoopResult;
  product: SyncMeasured & { dynamicsCalls: number; campaignCalls: number };
  /** Counts that are wrong: empty in a sound run. */
  faults: string[];
}

/**
 * The same first load twice, first by the bare loop and then by the product, each on a sandbox as new and in a process
 * as new. The product is handed back running, with the contacts loaded.
 */
export async function measureFirstLoad(
  options: ProductOptions,
  contacts: number,
  say: (line: string) => void,
): Promise<{ measured: FirstLoadMeasured; product: Product }> {
  const { systems } = options;
  await systems.reset(contacts);
  say(`first load of ${contacts} contacts: the bare loop`);
  const loop = await runLoop(options);
  const loopProfiles = await systems.profiles();

  await systems.reset(contacts);
  say(`first load of ${contacts} contacts: the product`);
  const product = await startProduct(options);
  try {
    await systems.resetStats();
    const synced = await product.sync();
    const calls = await systems.calls();
    const profiles = await systems.profiles();
    const faults = [
      ...faultOf('contacts sent by the loop', loop.rows, contacts),
      ...faultOf('contacts created', synced.counts.created, contacts),
      ...faultOf('profiles created', calls.created, contacts),
      ...faultOf('duplicate profiles', calls.duplicates, 0),
      ...faultOf('profiles in Campaign', profiles.count, contacts),
    ];
    if (profiles.digest !== loopProfiles.digest)
      faults.push('the product and the loop left different profiles');
    return {
      measured: {
        contacts,
        loop,
        product: { ...synced, dynamicsCalls: calls.dynamics, campaignCalls: calls.campaign },
        faults,
      },
      product,
    };
  } catch (error) {
    await product.stop();
    throw error;
  }
}

/** A first load that is only the ground for something else. */
export async function loadFirst(options: ProductOptions, contacts: number): Promise<Product> {
  await options.systems.reset(contacts);
  const product = await startProduct(options);
  try {
    await product.sync();
    return product;
  } catch (error) {
    await product.stop();
    throw error;
  }
}

/** The bare loop in a process of its own: a first load, or a flag of every profile. */
export async function runLoop(
  options: ProductOptions,
  what: 'run' | 'opt-outs' = 'run',
): Promise<LoopResult> {
  const { systems, concurrency, environment, profileFolder, closers } = options;
  const process = startProcess({
    file: 'bench/axios-loop.ts',
    environment,
    ...(profileFolder !== undefined && { profileFolder: join(profileFolder, 'loop') }),
  });
  await closers.add(process.stop);
  try {
    return await process.ask<LoopResult>(what, { ready: systems.ready, concurrency } satisfies LoopOrder);
  } finally {
    await process.stop();
  }
}

/** A sentence when a count is not what it must be. */
export const faultOf = (what: string, found: number, expected: number): string[] =>
  found === expected ? [] : [`${what}: ${found}, not ${expected}`];
