import { Context } from '@temporalio/activity';
import type { FlowId, Waiting } from '../contracts.js';
import { errorFields } from '../error-fields.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { Feed } from '../ledger/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { failureOf } from './failure.js';
import { keepLease } from './lease.js';

/** Heartbeats go out this often; an idle poll ends before the first and costs none. */
const HEARTBEAT_MS = 3_000;

interface HeartbeatDetails {
  /** Attempts in a row that failed without committing a page. Survives a failed attempt in its report. */
  fruitless: number;
  position: number;
}

/** What a flow does within one slice, and what it tells of itself. */
export interface SliceWork<Result> {
  flow: FlowId;
  runId: string;
  maxSeconds: number;
  /** Goes on page by page, and ends when nothing is left, when it must wait, or when `isOver`. */
  work(feed: Feed, slice: OpenSlice): Promise<Result>;
  /** Where the flow stands when it must wait; without a feed another attempt holds its lease. */
  waiting(waiting: Waiting, feed?: Feed): Promise<Result>;
  /** What an error means if it is no failure. */
  endOf?(error: unknown, feed: Feed): Promise<Result | undefined>;
}

export interface OpenSlice {
  /** Calls end with the lease, and with the activity. */
  options: Required<Pick<CallOptions, 'beforeCall' | 'signal'>>;
  /** A page is committed: what came before was not in vain. */
  committed(feed: Feed): void;
  /** The time is up, or the worker shuts down. */
  isOver(): boolean;
}

/**
 * Runs one slice of a flow: under its feed's lease, with heartbeats, and with each fault told to Temporal as it is meant: to be
 * waited for, to be retried, or to be mended by a person.
 */
export async function runSlice<Result>(
  dependencies: ActivityDependencies,
  { flow, runId, maxSeconds, ...flowWork }: SliceWork<Result>,
): Promise<Result> {
  const { ledger, clock, log } = dependencies;
  const context = Context.current();
  const details = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  let fruitless = details?.fruitless ?? 0;
  let feed: Feed | undefined;
  const beat = (): void =>
    context.heartbeat({ fruitless, position: feed?.version ?? 0 } satisfies HeartbeatDetails);
  const heartbeats = setInterval(beat, HEARTBEAT_MS);
  try {
    await dependencies.claimed();
    const opened = await ledger.openFeed(flow, dependencies.ownerOf(context.info));
    if (opened.kind === 'busy') return await flowWork.waiting({ reason: 'lease', forMs: opened.waitMs });
    feed = opened.feed;
    await ledger.startRun(flow, runId);
    feed = { ...feed, runId };
    const lease = keepLease(ledger, feed, dependencies.leaseMs, clock.monotonicMs);
    const stopAtMs = clock.monotonicMs() + maxSeconds * 1000;
    try {
      return await flowWork.work(feed, {
        options: {
          beforeCall: lease.beforeCall,
          signal: AbortSignal.any([lease.signal, context.cancellationSignal]),
        },
        committed(next) {
          if (next.version !== feed?.version) fruitless = 0;
          feed = next;
        },
        isOver: () => clock.monotonicMs() >= stopAtMs || dependencies.stopping(),
      });
    } finally {
      lease.stop();
      await ledger.closeFeed(feed).catch(() => undefined);
    }
  } catch (error) {
    if (context.cancellationSignal.aborted) {
      log('slice.cancelled', { flow });
      throw context.cancellationSignal.reason;
    }
    const end = feed && (await flowWork.endOf?.(error, feed));
    if (end !== undefined) return end;
    const waiting = waitingOf(error);
    if (waiting && feed) {
      log('slice.waiting', { flow, reason: waiting.reason, forMs: waiting.forMs });
      return await flowWork.waiting(waiting, feed);
    }
    fruitless += 1;
    beat();
    const failed = errorFields(error);
    dependencies.sliceFailed(flow, failed.code);
    log('slice.failed', { flow, ...failed, fruitless });
    throw failureOf(error, fruitless);
  } finally {
    clearInterval(heartbeats);
  }
}

/** Moves a feed between slices, under its lease. Throws LEASE_LOST, to be tried again, while another attempt holds it. */
export async function onFeed(
  { ledger, ownerOf }: ActivityDependencies,
  flow: FlowId,
  move: (feed: Feed) => Promise<void>,
): Promise<void> {
  try {
    const opened = await ledger.openFeed(flow, ownerOf(Context.current().info));
    if (opened.kind === 'busy')
      throw new SyncError('LEASE_LOST', { subject: flow, retryAfterMs: opened.waitMs });
    try {
      await move(opened.feed);
    } finally {
      await ledger.closeFeed(opened.feed);
    }
  } catch (error) {
    throw failureOf(error, 0);
  }
}

/** Waits longer than a slice are the workflow's: visible, and without holding a slot (DESIGN §4). */
const LONG_WAIT_MS = 60_000;
function waitingOf(error: unknown): Waiting | undefined {
  if (!(error instanceof SyncError)) return undefined;
  const forMs = error.evidence.retryAfterMs ?? 0;
  if (error.code === 'BUDGET_USED_UP') return { reason: 'budget', forMs: Math.max(forMs, 1000) };
  const throttled = error.code === 'DYNAMICS_THROTTLED' || error.code === 'CAMPAIGN_THROTTLED';
  return throttled && forMs >= LONG_WAIT_MS ? { reason: 'throttled', forMs } : undefined;
}
