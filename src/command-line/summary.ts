import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { AnyFlowStatus } from '../contracts.js';
import { inspect } from './inspect.js';
import { progressOf, waitForFlow, type FlowEnd } from './flows.js';

/** CONTRACT "Summary". */
export interface Summary {
  ok: boolean;
  flows: AnyFlowStatus[];
  /** Calls made today, both systems. */
  calls: { dynamics: number; campaign: number };
  temporal: { address: string; namespace: string; ui?: string };
  sandbox?: unknown;
}

/**
 * What the ledger counts, with what Temporal knows of each flow's run. A run that was waited for is reported as it ended, although
 * the next tick may have started another by now.
 */
export async function readSummary(
  client: Client,
  temporal: Summary['temporal'],
  ends: FlowEnd[] = [],
): Promise<Summary> {
  const { flows, calls } = await inspect(client, { kind: 'status' });
  const seen = await Promise.all(
    flows.map(async (status) => {
      const end = ends.find(({ flow }) => flow === status.flow);
      return end ? withEnd(status, end) : withRunState(client, status);
    }),
  );
  return { ok: seen.every((flow) => flow.outcome !== 'failed'), flows: seen, calls, temporal };
}

async function withRunState(client: Client, status: AnyFlowStatus): Promise<AnyFlowStatus> {
  const { outcome, waiting } = await runState(client, status);
  const seen = withEnd(
    status,
    outcome === 'failed' ? await waitForFlow(client, status.flow) : { flow: status.flow, outcome },
  );
  return waiting ? { ...seen, waiting } : seen;
}

function withEnd({ error: _stale, ...status }: AnyFlowStatus, { outcome, error }: FlowEnd): AnyFlowStatus {
  return { ...status, outcome, ...(error && { error: { code: error.code, next: error.message } }) };
}

type RunState = Pick<AnyFlowStatus, 'outcome' | 'waiting'>;

async function runState(client: Client, { flow, outcome, now }: AnyFlowStatus): Promise<RunState> {
  try {
    const { status } = await client.workflow.getHandle(flow).describe();
    switch (status.name) {
      case 'RUNNING':
        return (await progressOf(client, flow)) ?? { outcome: 'working' };
      case 'COMPLETED':
        return { outcome: 'held' in now && now.held > 0 ? 'waiting' : 'in-sync' };
      case 'FAILED':
      case 'TIMED_OUT':
        return { outcome: 'failed' };
      default:
        return { outcome };
    }
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { outcome };
    throw error;
  }
}
