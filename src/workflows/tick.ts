import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, getExternalWorkflowHandle, ParentClosePolicy } from '@temporalio/workflow';
import {
  EGRESS,
  signals,
  tableOf,
  type EgressInput,
  type IngressInput,
  type TickInput,
  type TickResult,
} from '../contracts.js';
import { flowSearchAttributes, flowSummary } from './visibility.js';

/**
 * Started by a schedule: runs the flow as a child under the flow's fixed id, so that there is one run of it at any time
 * and one address to signal. If that id is taken the tick ends as `coalesced`; a tick with a request or a poll signals it instead,
 * and if the run is gone by then, starts it after all (DESIGN §4).
 */
export async function tick(input: TickInput): Promise<TickResult> {
  const { flow, request, poll } = input;
  for (;;) {
    try {
      await runFlow(input);
      return { outcome: 'ran' };
    } catch (error) {
      // ChildWorkflowOptions has no conflict policy: this error is the lock (temporal.md §1).
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    if (!request && !poll) return { outcome: 'coalesced' };
    if (await signalled(flow, request)) return { outcome: 'signalled' };
  }
}

async function runFlow({ flow, request, heartbeatSeconds }: TickInput): Promise<void> {
  const table = tableOf(flow);
  if (table === undefined && flow !== EGRESS) throw new Error(`no workflow runs the flow ${flow}`);
  const beats = heartbeatSeconds && { heartbeatSeconds };
  const asked = { paused: false, requests: 1, pollAgain: false };
  const ingressInput = (dynamics: string): IngressInput => ({
    table: dynamics,
    ...beats,
    ...(request && { carried: { ...asked, pending: request.mode ?? 'verify' } }),
  });
  const egressInput: EgressInput = {
    ...beats,
    ...(request && {
      carried: { ...asked, pending: request.since === undefined ? {} : { since: request.since } },
    }),
  };
  await executeChild(table === undefined ? 'egress' : 'ingress', {
    workflowId: flow,
    args: [table === undefined ? egressInput : ingressInput(table)],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    typedSearchAttributes: flowSearchAttributes(flow),
    staticSummary: flowSummary(flow),
  });
}

/** False when the run ended before the signal reached it. */
async function signalled(flow: string, request: TickInput['request']): Promise<boolean> {
  try {
    const run = getExternalWorkflowHandle(flow);
    await (request ? run.signal(signals.resync, request) : run.signal(signals.poll));
    return true;
  } catch {
    return false;
  }
}
