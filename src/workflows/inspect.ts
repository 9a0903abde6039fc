import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { InspectRequest, InspectResult } from '../contracts.js';
import { toldFailure } from './failures.js';
import { inspectSummary } from './visibility.js';

/** A plan reads as much as a sync does, a check as its call budget lets it, customisations are slow: they beat while they live. */
const UNHURRIED = { startToCloseTimeout: '6 hours', heartbeatTimeout: '30 seconds' } as const;
const UNHURRIED_KINDS = new Set<InspectRequest['kind']>(['plan', 'planOptOut', 'check', 'provision']);
const SHORT = { startToCloseTimeout: '2 minutes' } as const;

/** Asks the worker to look into the ledger, or to change it, for the command line (DESIGN §4 "Looking inside"). */
export async function inspect(request: InspectRequest): Promise<InspectResult> {
  const { inspectLedger } = proxyActivities<Activities>({
    ...(UNHURRIED_KINDS.has(request.kind) ? UNHURRIED : SHORT),
    retry: { maximumAttempts: 3 },
  });
  try {
    return await inspectLedger.executeWithOptions({ summary: inspectSummary(request) }, [request]);
  } catch (error) {
    throw toldFailure(error) ?? error;
  }
}
