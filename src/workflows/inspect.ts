import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { InspectRequest, InspectResult } from '../contracts.js';

/** Asks the worker to look into the ledger, or to change it, for the command line (DESIGN §4 "Looking inside"). */
export async function inspect(request: InspectRequest): Promise<InspectResult> {
  const { inspectLedger } = proxyActivities<Activities>({
    startToCloseTimeout: '2 minutes',
    retry: { maximumAttempts: 3 },
  });
  return inspectLedger(request);
}
