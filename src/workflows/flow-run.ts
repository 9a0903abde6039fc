import {
  allHandlersFinished,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
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
  queries,
  signals,
  type FlowId,
  type FlowOutcome,
  type Progress,
  type ResyncRequest,
  type SliceResult,
  type TickInput,
} from '../contracts.js';
import { closingSearchAttributes } from './visibility.js';

export const resyncSignal = defineSignal<[ResyncRequest?]>(signals.resync);
export const pollSignal = defineSignal(signals.poll);
export const pauseSignal = defineSignal(signals.pause);
export const resumeSignal = defineSignal(signals.resume);
export const progressQuery = defineQuery<Progress<unknown>>(queries.progress);

/** A slice works for about this long before the workflow looks at its signals again (DESIGN §4). */
export const SLICE_SECONDS = 60;

/** What continue-as-new carries on: requests that are still to be looked at, and that a person has paused the flow. */
export interface Carried<Pending> {
  paused: boolean;
  pending?: Pending;
  /** How many resync requests this chain has taken: names each one for the ledger. */
  requests: number;
  pollAgain: boolean;
}

/** What makes one flow's run differ from another's. */
export interface FlowSteps<Counts, Pending> {
  flow: FlowId;
  noCounts: Counts;
  heartbeatSeconds?: number;
  carried?: Carried<Pending>;
  slice(runId: string): Promise<SliceResult<Counts>>;
  /** Of a request and what is pending already: what is to be begun next. */
  merge(pending: Pending | undefined, request: ResyncRequest | undefined): Pending;
  begin(pending: Pending, requestId: string): Promise<void>;
  pendingName(pending: Pending): NonNullable<Progress['pending']>;
  details(progress: Progress<Counts>): string;
  /** The workflow's input when it goes on as new. */
  continued(carried: Carried<Pending>): unknown;
}

export interface FlowRun<Counts> {
  /** Something has changed that the run must look at: its wait ends, and it looks once more before it ends. */
  lookAgain(): void;
  /** Works until nothing is left; fails with a code of errors.ts as the failure's type. */
  run(): Promise<{ outcome: FlowOutcome; counts: Counts }>;
}

/** Activities that read and write for up to a slice, and those that only move a feed or close a run. */
export function flowActivities(heartbeatSeconds = 30) {
  const slices = proxyActivities<Activities>({
    startToCloseTimeout: '30 minutes',
    heartbeatTimeout: heartbeatSeconds * 1000,
    // How often a fault may repeat without progress is the activity's decision: it knows kills from faults.
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '30 seconds' },
  });
  const short = proxyActivities<Activities>({
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1 second', maximumInterval: '30 seconds', maximumAttempts: 8 },
  });
  return { slices, short };
}

/**
 * One flow's run, slice by slice. A paused run stays open; a resync or a poll that arrives while it works is looked at before it
 * ends, also across continue-as-new (DESIGN §4).
 */
export function flowRun<Counts, Pending>(steps: FlowSteps<Counts, Pending>): FlowRun<Counts> {
  const { flow } = steps;
  const { finishRun } = flowActivities().short;
  const runId = workflowInfo().firstExecutionRunId;
  let { paused, pending, requests, pollAgain }: Carried<Pending> = steps.carried ?? {
    paused: false,
    requests: 0,
    pollAgain: false,
  };
  let last: SliceResult<Counts> | undefined;
  let poked = false;
  let told = 0;

  setHandler(resyncSignal, (request) => {
    requests += 1;
    pending = steps.merge(pending, request);
    poked = true;
  });
  setHandler(pollSignal, lookAgain);
  setHandler(pauseSignal, () => {
    paused = true;
    poked = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
    poked = true;
  });
  setHandler(progressQuery, progress);

  function lookAgain(): void {
    pollAgain = true;
    poked = true;
  }

  function progress(): Progress<Counts> {
    return {
      outcome: paused ? 'paused' : last?.waiting ? 'waiting' : 'working',
      ...(last && { phase: last.phase }),
      position: last?.position ?? 0,
      counts: last?.counts ?? steps.noCounts,
      paused,
      ...(pending !== undefined && { pending: steps.pendingName(pending) }),
      ...(last?.waiting && { waiting: last.waiting }),
    };
  }
  const show = (): void => setCurrentDetails(steps.details(progress()));

  /** Flows that this slice made work for look at it now, not when their next tick comes. */
  async function tellReleased(flows: FlowId[]): Promise<void> {
    const { heartbeatSeconds } = steps;
    for (const released of flows) {
      told += 1;
      const tick: TickInput = { flow: released, poll: true, ...(heartbeatSeconds && { heartbeatSeconds }) };
      await startChild('tick', {
        workflowId: `tick/${released}-released-${workflowInfo().runId}-${told}`,
        args: [tick],
        parentClosePolicy: ParentClosePolicy.ABANDON,
        staticSummary: `Released by ${flow}: ${released}`,
      });
    }
  }

  async function work(): Promise<SliceResult<Counts>> {
    for (;;) {
      if (workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        await continueAsNew(
          steps.continued({ paused, requests, pollAgain, ...(pending !== undefined && { pending }) }),
        );
      }
      if (paused) {
        show();
        upsertSearchAttributes(closingSearchAttributes('paused', last));
        await condition(() => !paused || workflowInfo().continueAsNewSuggested);
        continue;
      }
      poked = false;
      pollAgain = false;
      if (pending !== undefined) {
        const begun = pending;
        pending = undefined;
        await steps.begin(begun, `${runId}/${requests}`);
      }
      last = withUntil(await steps.slice(runId));
      show();
      // An approval, a throttle or a lease is waited for here and not in the activity: the slot stays free and the
      // reason is to be seen.
      await tellReleased(last.released ?? []);
      if (last.waiting) {
        await condition(() => poked, last.waiting.forMs);
        // What was waited for has come, or is looked for again: nothing is waited for now.
        const { waiting: _over, ...slice } = last;
        last = slice;
      } else if (last.drained && pending === undefined && !pollAgain && !paused) {
        await condition(allHandlersFinished);
        if (pending === undefined && !pollAgain && !paused) return last;
      }
    }
  }

  async function run(): Promise<{ outcome: FlowOutcome; counts: Counts }> {
    try {
      const { held, counts } = await work();
      const outcome = held ? 'waiting' : 'in-sync';
      upsertSearchAttributes(closingSearchAttributes(outcome, last));
      return { outcome, counts };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const code = codeOf(error);
      if (code === undefined) throw error;
      await CancellationScope.nonCancellable(async () => {
        upsertSearchAttributes(closingSearchAttributes('failed', last));
        await finishRun({ flow, runId, errorCode: code });
      });
      throw ApplicationFailure.create({ type: code, message: messageOf(error), nonRetryable: true });
    }
  }

  return { lookAgain, run };
}

/** A wait says until when, on this workflow's clock. */
function withUntil<Counts>({ waiting, ...slice }: SliceResult<Counts>): SliceResult<Counts> {
  if (!waiting) return slice;
  return { ...slice, waiting: { ...waiting, until: new Date(Date.now() + waiting.forMs).toISOString() } };
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ActivityFailure && error.cause instanceof ApplicationFailure
    ? (error.cause.type ?? undefined)
    : undefined;
}
const messageOf = (error: unknown): string =>
  error instanceof ActivityFailure && error.cause ? error.cause.message : String(error);
