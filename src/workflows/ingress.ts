import { ApplicationFailure, defineUpdate, setHandler } from '@temporalio/workflow';
import {
  ingressFlow,
  noCounts,
  updates,
  type ApproveDeletions,
  type IngressInput,
  type IngressResult,
  type ResyncMode,
  type RowCounts,
} from '../contracts.js';
import { flowActivities, flowRun, SLICE_SECONDS } from './flow-run.js';

export const approveDeletionsUpdate = defineUpdate<void, [ApproveDeletions]>(updates.approveDeletions);

/**
 * Carries one table from Dynamics to Campaign until nothing is left to read. Fails with a code of errors.ts as the failure's type.
 */
export async function ingress(input: IngressInput): Promise<IngressResult> {
  const { table, heartbeatSeconds } = input;
  const { slices, short } = flowActivities(heartbeatSeconds);
  const flow = flowRun<RowCounts, ResyncMode>({
    flow: ingressFlow(table),
    noCounts,
    ...(heartbeatSeconds && { heartbeatSeconds }),
    ...(input.carried && { carried: input.carried }),
    slice: (runId, summary) =>
      slices.syncSlice.executeWithOptions({ summary }, [{ table, runId, maxSeconds: SLICE_SECONDS }]),
    merge: (pending, request) =>
      pending === 'rewrite' || request?.mode === 'rewrite' ? 'rewrite' : 'verify',
    begin: (mode, requestId) =>
      short.beginResync.executeWithOptions({ summary: `Begins a resync: ${mode}` }, [
        { table, mode, requestId },
      ]),
    pendingName: (mode) => mode,
    continued: (carried): IngressInput => ({ ...input, carried }),
  });
  setHandler(
    approveDeletionsUpdate,
    async ({ version, count }) => {
      const summary = `Approves ${count} deletions, version ${version} of the set`;
      await short.approveDeletions.executeWithOptions({ summary }, [{ table, version, count }]);
      flow.lookAgain();
    },
    {
      validator: refuseUnnamedSet,
      description:
        'Do the held deletions. Input: {"version": …, "count": …}, as `starter deletions show` tells them.',
    },
  );
  return flow.run();
}

/** Without the set's name nobody can say what they approve. */
function refuseUnnamedSet(set: ApproveDeletions): void {
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
  if (!isCount((set as ApproveDeletions | undefined)?.version) || !isCount(set.count)) {
    throw ApplicationFailure.nonRetryable(
      'name the set: {"version": …, "count": …}, as `starter deletions show` tells them',
      'HELD_SET_CHANGED',
    );
  }
}
