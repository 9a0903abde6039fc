import {
  noOptOutCounts,
  OPT_OUT,
  type OptOutComparison,
  type OptOutCounts,
  type OptOutInput,
  type OptOutResult,
} from '../contracts.js';
import { flowActivities, flowRun, SLICE_SECONDS } from './flow-run.js';

/**
 * Keeps the opt-out flags of contacts and profiles in step until neither side has anything new. A resync compares all of them once
 * more. Fails with a code of errors.ts as the failure's type.
 */
export async function optOut(input: OptOutInput): Promise<OptOutResult> {
  const { heartbeatSeconds } = input;
  const { slices, short } = flowActivities(heartbeatSeconds);
  const flow = flowRun<OptOutCounts, OptOutComparison>({
    flow: OPT_OUT,
    noCounts: noOptOutCounts,
    ...(heartbeatSeconds && { heartbeatSeconds }),
    ...(input.carried && { carried: input.carried }),
    slice: (runId, summary) =>
      slices.syncOptOuts.executeWithOptions({ summary }, [{ runId, maxSeconds: SLICE_SECONDS }]),
    merge: () => ({}),
    begin: (_comparison, requestId) =>
      short.beginComparison.executeWithOptions({ summary: 'Begins to compare all flags' }, [{ requestId }]),
    pendingName: () => 'comparison',
    continued: (carried): OptOutInput => ({ ...input, carried }),
  });
  return flow.run();
}
