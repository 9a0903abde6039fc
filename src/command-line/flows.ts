import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowHandle,
  type WorkflowSignalWithStartOptions,
} from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import {
  flowStart,
  queries,
  signals,
  TASK_QUEUE,
  type FlowId,
  type FlowOutcome,
  type Progress,
  type ResyncRequest,
} from '../contracts.js';
import { SyncError } from '../errors.js';
import { flowDetails } from '../workflows/details.js';
import { flowSearchAttributes, flowSummary } from '../workflows/visibility.js';

/** What every flow's workflow answers. */
type FlowResult = { outcome: FlowOutcome };

/** How a flow's run ended, or why it is not being waited for any longer. */
export interface FlowEnd {
  flow: FlowId;
  outcome: FlowOutcome;
  error?: { code: string; message: string };
}

export interface FlowStarter {
  client: Client;
  heartbeatSeconds?: number;
}

/** Signals the flow's open run, or starts one with the signal: both reach the one fixed id (DESIGN §4). */
export async function signalFlow(
  { client, heartbeatSeconds }: FlowStarter,
  flow: FlowId,
  signal: keyof typeof signals,
  request?: ResyncRequest,
): Promise<WorkflowHandle> {
  const start = flowStart(flow, heartbeatSeconds);
  if (!start) throw new SyncError('MAPPING_MISSING', { subject: flow });
  return client.workflow.signalWithStart(start.workflow, {
    workflowId: flow,
    taskQueue: TASK_QUEUE,
    args: [start.input],
    signal: signals[signal],
    signalArgs: request ? [request] : [],
    typedSearchAttributes: flowSearchAttributes(flow),
    staticSummary: flowSummary(flow),
    staticDetails: flowDetails(flow),
  } as WorkflowSignalWithStartOptions);
}

/** Signals only what is open; false when the flow has no open run. */
export async function signalOpenFlow(
  { client }: FlowStarter,
  flow: FlowId,
  signal: keyof typeof signals,
): Promise<boolean> {
  try {
    await client.workflow.getHandle(flow).signal(signals[signal]);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** How often a run that is waited for is asked whether it is paused. */
const LOOK_EVERY_MS = 1_000;

/** Waits until the flow's run has ended, continue-as-new included, or stands paused. */
export async function waitForFlow(
  client: Client,
  flow: FlowId,
  onProgress?: (progress: Progress) => void,
  standsStill: () => boolean = () => false,
): Promise<FlowEnd> {
  const handle = client.workflow.getHandle<() => Promise<FlowResult | undefined>>(flow);
  const ended = handle.result().then(
    (result): FlowEnd => ({ flow, outcome: result?.outcome ?? 'in-sync' }),
    (error: unknown): FlowEnd => failedEnd(flow, error),
  );
  for (;;) {
    const first = await Promise.race([ended, sleep(LOOK_EVERY_MS)]);
    if (first) return first;
    const progress = await progressOf(client, flow);
    if (progress) onProgress?.(progress);
    if (progress?.paused) return { flow, outcome: 'paused' };
    if (standsStill()) return { flow, outcome: 'waiting' };
  }
}

/** Looks at a flow before it is believed that what it waits for will not come: a released flow takes a moment to go on. */
const LOOKS_BEFORE_STILL = 5;

/**
 * Waits for several flows. A table that waits for its parent's first load is waited for as long as any other flow is at work;
 * after that it ends as `waiting`, for nothing will come.
 */
export function waitForFlows(
  client: Client,
  flows: FlowId[],
  onProgress?: (flow: FlowId, progress: Progress) => void,
): Promise<FlowEnd[]> {
  const looksAtWaiting = new Map(flows.map((flow) => [flow, 0]));
  const standsStill = (): boolean =>
    [...looksAtWaiting.values()].every((looks) => looks >= LOOKS_BEFORE_STILL);
  const wait = async (flow: FlowId): Promise<FlowEnd> => {
    const look = (progress: Progress): void => {
      const isWaiting = progress.waiting?.reason === 'parent';
      looksAtWaiting.set(flow, isWaiting ? (looksAtWaiting.get(flow) ?? 0) + 1 : 0);
      onProgress?.(flow, progress);
    };
    const end = await waitForFlow(client, flow, look, standsStill);
    looksAtWaiting.delete(flow);
    // What this flow has released takes a moment to go on: the others are looked at anew.
    for (const waiting of looksAtWaiting.keys()) looksAtWaiting.set(waiting, 0);
    return end;
  };
  return Promise.all(flows.map(wait));
}

/** Undefined while no worker answers, or when the run has ended. */
export async function progressOf(client: Client, flow: FlowId): Promise<Progress | undefined> {
  try {
    return await client.workflow.getHandle(flow).query<Progress>(queries.progress);
  } catch {
    return undefined;
  }
}

function failedEnd(flow: FlowId, error: unknown): FlowEnd {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  const code = cause instanceof ApplicationFailure ? (cause.type ?? 'INTERNAL') : 'INTERNAL';
  return {
    flow,
    outcome: 'failed',
    error: { code, message: cause instanceof Error ? cause.message : String(cause) },
  };
}
