import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { FlowOutcome, FlowStatus } from '../contracts.js';
import { inspect } from './inspect.js';
import { progressOf, waitForFlow } from './flows.js';

/** CONTRACT "Summary". */
export interface Summary {
  ok: boolean;
  flows: FlowStatus[];
  /** Calls made today, both systems. */
  calls: { dynamics: number; campaign: number };
  temporal: { address: string; namespace: string; ui?: string };
  sandbox?: unknown;
}

/** What the ledger counts, with what Temporal knows of each flow's run. */
export async function readSummary(client: Client, temporal: Summary['temporal']): Promise<Summary> {
  const { flows, calls } = await inspect(client, { kind: 'status' });
  const seen = await Promise.all(flows.map((flow) => withRunState(client, flow)));
  return { ok: seen.every((flow) => flow.outcome !== 'failed'), flows: seen, calls, temporal };
}

async function withRunState(client: Client, status: FlowStatus): Promise<FlowStatus> {
  const outcome = await runOutcome(client, status);
  if (outcome === 'failed' && !status.error) {
    const { error } = await waitForFlow(client, status.flow);
    return { ...status, outcome, ...(error && { error: { code: error.code, next: error.message } }) };
  }
  const { error: _stale, ...healthy } = status;
  return outcome === 'failed' ? { ...status, outcome } : { ...healthy, outcome };
}

async function runOutcome(client: Client, { flow, outcome }: FlowStatus): Promise<FlowOutcome> {
  try {
    const { status } = await client.workflow.getHandle(flow).describe();
    switch (status.name) {
      case 'RUNNING':
        return (await progressOf(client, flow))?.outcome ?? 'working';
      case 'COMPLETED':
        return 'in-sync';
      case 'FAILED':
      case 'TIMED_OUT':
        return 'failed';
      default:
        return outcome;
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return outcome;
    throw error;
  }
}
