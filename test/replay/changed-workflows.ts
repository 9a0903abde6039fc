import { proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../../src/activities/index.js';
import type { IngressInput } from '../../src/contracts.js';

/** What would break running syncs: a timer before the slice. The replay test must notice. */
export async function ingress({ table }: IngressInput): Promise<unknown> {
  const { syncSlice } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' });
  await sleep(1000);
  return syncSlice({ table, runId: 'changed', maxSeconds: 1 });
}
