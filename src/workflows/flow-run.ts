import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  ParentClosePolicy,
  patched,
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
import { currentDetails } from './details.js';
import { toldFailure } from './failures.js';
import { outcomeSearchAttributes, searchAttributeKeys, sliceSummary, waitingText } from './visibility.js';

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
export interface FlowSteps<Counts extends object, Pending> {
  flow: FlowId;
  noCounts: Counts;
  heartbeatSeconds?: number;
  carried?: Carried<Pending>;
  /** `summary`: the slice's title in the history. */
  slice(runId: string, summary: string): Promise<SliceResult<Counts>>;
  /** Of a request and what is pending already: what is to be begun next. */
  merge(pending: Pending | undefined, request: ResyncRequest | undefined): Pending;
  begin(pending: Pending, requestId: string): Promise<void>;
  pendingName(pending: Pending): NonNullable<Progress['pending']>;
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
export function flowRun<Counts extends object, Pending>(steps: FlowSteps<Counts, Pending>): FlowRun<Counts> {
  const { flow } = steps;
  const { finishRun } = flowActivities().short;
  const runId = workflowInfo().firstExecutionRunId;
  let { paused, pending, requests, pollAgain }: Carried<Pending> = steps.carried ?? {
    paused: false,
    requests: 0,
    pollAgain: false,
  };
  let last: SliceResult<Counts> | undefined;
  let ended: FlowOutcome | undefined;
  let lastErrorCode: string | undefined;
  let poked = false;
  let told = 0;
  let sliceCount = 0;

  setHandler(
    resyncSignal,
    (request) => {
      requests += 1;
      pending = steps.merge(pending, request);
      poke();
    },
    {
      description:
        'Read everything again. Input, all optional: {"mode": "verify" | "rewrite", "since": "…", "reason": "…"}',
    },
  );
  setHandler(pollSignal, lookAgain, { description: 'Look once more before the run ends. No input.' });
  setHandler(
    pauseSignal,
    () => {
      paused = true;
      poke();
    },
    { description: 'Hold the flow after the slice at work; the run stays open. No input.' },
  );
  setHandler(
    resumeSignal,
    () => {
      paused = false;
      poke();
    },
    { description: 'Let a paused flow go on. No input.' },
  );
  setHandler(progressQuery, progress, { description: 'Phase, position, counts, backlog and lag.' });

  function lookAgain(): void {
    pollAgain = true;
    poke();
  }
  /** Ends a wait; what the signal has changed is to be seen at once. */
  function poke(): void {
    poked = true;
    show();
  }

  function progress(): Progress<Counts> {
    return {
      outcome: ended ?? (paused ? 'paused' : last?.waiting ? 'waiting' : 'working'),
      ...(last && { phase: last.phase, parked: last.parked, lagSeconds: last.lagSeconds }),
      position: last?.position ?? 0,
      counts: last?.counts ?? steps.noCounts,
      ...(last?.backlog !== undefined && { backlog: last.backlog }),
      ...(last?.held && { held: last.held }),
      paused,
      ...(pending !== undefined && { pending: steps.pendingName(pending) }),
      ...(last?.waiting && { waiting: last.waiting }),
      ...(lastErrorCode !== undefined && { lastErrorCode }),
    };
  }
  function show(): void {
    setCurrentDetails(currentDetails(flow, progress()));
  }

  /** That a run waits, and goes on, can be searched for. Histories from before that know nothing of it. */
  function tellOutcome(outcome: FlowOutcome): void {
    const before = workflowInfo().typedSearchAttributes.get(searchAttributeKeys.outcome);
    if (before !== outcome && patched('tells-that-it-waits'))
      upsertSearchAttributes(outcomeSearchAttributes(outcome, last));
  }

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
        upsertSearchAttributes(outcomeSearchAttributes('paused', last));
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
      sliceCount += 1;
      last = withUntil(await steps.slice(runId, sliceSummary(sliceCount, progress())));
      show();
      // An approval, a throttle or a lease is waited for here and not in the activity: the slot stays free and the
      // reason is to be seen.
      await tellReleased(last.released ?? []);
      if (!last.drained) tellOutcome(last.waiting ? 'waiting' : 'working');
      if (last.waiting) {
        await condition(() => poked, last.waiting.forMs, { summary: `Waits ${waitingText(last.waiting)}` });
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
      ended = held ? 'waiting' : 'in-sync';
      show();
      upsertSearchAttributes(outcomeSearchAttributes(ended, last));
      return { outcome: ended, counts };
    } catch (error) {
      if (isCancellation(error)) throw error;
      const failure = toldFailure(error);
      if (!failure) throw error;
      ended = 'failed';
      lastErrorCode = failure.type;
      show();
      await CancellationScope.nonCancellable(async () => {
        upsertSearchAttributes(outcomeSearchAttributes('failed', last));
        const summary = `Records that the run has failed: ${failure.type}`;
        await finishRun.executeWithOptions({ summary }, [{ flow, runId, errorCode: failure.type }]);
      });
      throw failure;
    }
  }

  return { lookAgain, run };
}

/** A wait says until when, on this workflow's clock. */
function withUntil<Counts>({ waiting, ...slice }: SliceResult<Counts>): SliceResult<Counts> {
  if (!waiting) return slice;
  return { ...slice, waiting: { ...waiting, until: new Date(Date.now() + waiting.forMs).toISOString() } };
}
