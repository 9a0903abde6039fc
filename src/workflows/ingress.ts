import {
  allHandlersFinished,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineUpdate,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  startChild,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import {
  ingressFlow,
  noCounts,
  queries,
  signals,
  updates,
  type ApproveDeletions,
  type FlowId,
  type IngressInput,
  type IngressResult,
  type Progress,
  type ResyncMode,
  type ResyncRequest,
  type SliceResult,
  type TickInput,
} from '../contracts.js';
import { closingSearchAttributes, currentDetails } from './visibility.js';

export const resyncSignal = defineSignal<[ResyncRequest?]>(signals.resync);
export const pollSignal = defineSignal(signals.poll);
export const pauseSignal = defineSignal(signals.pause);
export const resumeSignal = defineSignal(signals.resume);
export const approveDeletionsUpdate = defineUpdate<void, [ApproveDeletions]>(updates.approveDeletions);
export const progressQuery = defineQuery<Progress>(queries.progress);

/** A slice works for about this long before the workflow looks at its signals again (DESIGN §4). */
const SLICE_SECONDS = 60;

/**
 * Carries one table from Dynamics to Campaign until nothing is left to read, slice by slice. A paused run stays open;
 * a resync or a poll that arrives while it works is looked at before it ends, also across continue-as-new.
 * Fails with a code of errors.ts as the failure's type.
 */
export async function ingress(input: IngressInput): Promise<IngressResult> {
  const { table, heartbeatSeconds = 30 } = input;
  const { syncSlice } = proxyActivities<Activities>({
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: heartbeatSeconds * 1000,
    // How often a fault may repeat without progress is the activity's decision: it knows kills from faults.
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  });
  const { beginResync, finishRun, approveDeletions } = proxyActivities<Activities>({
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: 8 },
  });

  const runId = workflowInfo().firstExecutionRunId;
  let { paused, pending, requests, pollAgain } = input.carried ?? {
    paused: false,
    pending: undefined as ResyncMode | undefined,
    requests: 0,
    pollAgain: false,
  };
  let last: SliceResult | undefined;
  let poked = false;
  let told = 0;

  setHandler(resyncSignal, (request) => {
    requests += 1;
    pending = pending === 'rewrite' || request?.mode === 'rewrite' ? 'rewrite' : 'verify';
    poked = true;
  });
  setHandler(pollSignal, () => {
    pollAgain = true;
    poked = true;
  });
  setHandler(pauseSignal, () => {
    paused = true;
    poked = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
    poked = true;
  });
  setHandler(
    approveDeletionsUpdate,
    async ({ version, count }) => {
      await approveDeletions({ table, version, count });
      pollAgain = true;
      poked = true;
    },
    { validator: refuseUnnamedSet },
  );
  setHandler(progressQuery, progress);

  function progress(): Progress {
    return {
      outcome: paused ? 'paused' : last?.waiting ? 'waiting' : 'working',
      ...(last && { phase: last.phase }),
      position: last?.position ?? 0,
      counts: last?.counts ?? noCounts,
      paused,
      ...(pending && { pending }),
      ...(last?.waiting && { waiting: last.waiting }),
    };
  }
  const show = (): void => setCurrentDetails(currentDetails(table, progress()));

  /** Flows that this slice made work for look at it now, not when their next tick comes. */
  async function tellReleased(flows: FlowId[]): Promise<void> {
    for (const flow of flows) {
      told += 1;
      const tick: TickInput = { flow, poll: true, ...(input.heartbeatSeconds && { heartbeatSeconds }) };
      await startChild('tick', {
        workflowId: `tick/${flow}-released-${workflowInfo().runId}-${told}`,
        args: [tick],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `Released by ${ingressFlow(table)}: ${flow}`,
      });
    }
  }

  try {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        await continueAsNew<typeof ingress>({
          ...input,
          carried: { paused, requests, pollAgain, ...(pending && { pending }) },
        });
      }
      if (paused) {
        show();
        upsertSearchAttributes(closingSearchAttributes('paused', last));
        await condition(() => !paused || workflowInfo().continueAsNewSuggested);
        continue;
      }
      poked = false;
      pollAgain = false;
      if (pending) {
        const mode = pending;
        pending = undefined;
        await beginResync({ table, mode, requestId: `${runId}/${requests}` });
      }
      last = withUntil(await syncSlice({ table, runId, maxSeconds: SLICE_SECONDS }));
      show();
      // An approval, a throttle or a lease is waited for here and not in the activity: the slot stays free and the
      // reason is to be seen.
      await tellReleased(last.released ?? []);
      if (last.waiting) {
        await condition(() => poked, last.waiting.forMs);
        // What was waited for has come, or is looked for again: nothing is waited for now.
        const { waiting: _over, ...slice } = last;
        last = slice;
      } else if (last.drained && !pending && !pollAgain && !paused) {
        await condition(allHandlersFinished);
        if (!pending && !pollAgain && !paused) break;
      }
    }
    const outcome = last.held ? 'waiting' : 'in-sync';
    upsertSearchAttributes(closingSearchAttributes(outcome, last));
    return { outcome, counts: last.counts };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const code = codeOf(error);
    if (code === undefined) throw error;
    await CancellationScope.nonCancellable(async () => {
      upsertSearchAttributes(closingSearchAttributes('failed', last));
      await finishRun({ flow: ingressFlow(table), runId, errorCode: code });
    });
    throw ApplicationFailure.create({ type: code, message: messageOf(error), nonRetryable: true });
  }
}

/** A wait says until when, on this workflow's clock. */
function withUntil({ waiting, ...slice }: SliceResult): SliceResult {
  if (!waiting) return slice;
  return { ...slice, waiting: { ...waiting, until: new Date(Date.now() + waiting.forMs).toISOString() } };
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

function codeOf(error: unknown): string | undefined {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure
    ? (error.cause.type ?? undefined)
    : undefined;
}
const messageOf = (error: unknown): string =>
  error instanceof ActivityFailure && error.cause ? error.cause.message : String(error);
