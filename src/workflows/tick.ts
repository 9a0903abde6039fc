import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, getExternalWorkflowHandle, ParentClosePolicy } from '@temporalio/workflow';
import { flowStart, signals, type TickInput, type TickResult } from '../contracts.js';
import { flowDetails } from './details.js';
import { toldFailure } from './failures.js';
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
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw toldFailure(error) ?? error;
    }
    if (!request && !poll) return { outcome: 'coalesced' };
    if (await signalled(flow, request)) return { outcome: 'signalled' };
  }
}

async function runFlow({ flow, request, heartbeatSeconds }: TickInput): Promise<void> {
  const start = flowStart(flow, heartbeatSeconds, request);
  if (!start) throw new Error(`no workflow runs the flow ${flow}`);
  await executeChild(start.workflow, {
    workflowId: flow,
    args: [start.input],
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    typedSearchAttributes: flowSearchAttributes(flow),
    staticSummary: flowSummary(flow),
    staticDetails: flowDetails(flow),
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
