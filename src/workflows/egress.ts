import {
  EGRESS,
  noEventCounts,
  type EgressInput,
  type EgressReplay,
  type EgressResult,
  type EventCounts,
} from '../contracts.js';
import { flowActivities, flowRun, SLICE_SECONDS } from './flow-run.js';

/**
 * Carries Campaign's email events onto the timelines of their contacts until the source has no more. Fails with a code of errors.ts
 * as the failure's type.
 */
export async function egress(input: EgressInput): Promise<EgressResult> {
  const { heartbeatSeconds } = input;
  const { slices, short } = flowActivities(heartbeatSeconds);
  const flow = flowRun<EventCounts, EgressReplay>({
    flow: EGRESS,
    noCounts: noEventCounts,
    ...(heartbeatSeconds && { heartbeatSeconds }),
    ...(input.carried && { carried: input.carried }),
    slice: (runId, summary) =>
      slices.syncEvents.executeWithOptions({ summary }, [{ runId, maxSeconds: SLICE_SECONDS }]),
    merge: (pending, request) => earlier(pending, request?.since),
    begin: (replay, requestId) =>
      short.beginReplay.executeWithOptions(
        { summary: `Reads the source again, ${replay.since ? `since ${replay.since}` : 'all it has'}` },
        [{ ...replay, requestId }],
      ),
    pendingName: () => 'replay',
    continued: (carried): EgressInput => ({ ...input, carried }),
  });
  return flow.run();
}

/** Without a time, from the oldest that the source still has; the earlier one of two. */
function earlier(pending: EgressReplay | undefined, since: string | undefined): EgressReplay {
  if (since === undefined || (pending && pending.since === undefined)) return {};
  return pending?.since !== undefined && pending.since < since ? pending : { since };
}
