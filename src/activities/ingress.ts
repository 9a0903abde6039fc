import { Context } from '@temporalio/activity';
import {
  ingressFlow,
  type ApproveDeletionsInput,
  type BeginResyncInput,
  type FinishRunInput,
  type SliceInput,
  type SliceResult,
  type Waiting,
} from '../contracts.js';
import { SyncError } from '../errors.js';
import type { Feed, Position } from '../ledger/store.js';
import { failureOf } from './failure.js';
import type { ActivityDependencies } from './dependencies.js';
import { createPages, type Step } from './ingress-pages.js';
import type { PageContext } from './page-context.js';
import { keepLease } from './lease.js';
import { childTables, isLoaded, parentWait } from './table-order.js';

/** Heartbeats go out this often; an idle poll ends before the first and costs none. */
const HEARTBEAT_MS = 3_000;

interface HeartbeatDetails {
  /** Attempts in a row that failed without committing a page. Survives a failed attempt in its report. */
  fruitless: number;
  position: number;
}

export function createIngress(dependencies: ActivityDependencies) {
  const { ledger, mappings, clock } = dependencies;
  const pages = createPages(dependencies);

  /**
   * Carries one table's changes into Campaign until its feed is drained, `maxSeconds` have passed, or something must be
   * waited for. Returns position and counts only: no field value may enter a workflow history (DESIGN §2, P8).
   * Throws what interrupted a page, with its code from errors.ts. A bad row is parked, never thrown.
   */
  async function syncSlice({ table, runId, maxSeconds }: SliceInput): Promise<SliceResult> {
    const flow = ingressFlow(table);
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
      if (opened.kind === 'busy') return await busyResult(flow, { reason: 'lease', forMs: opened.waitMs });
      feed = opened.feed;
      await ledger.startRun(flow, runId);
      feed = { ...feed, runId };
      const lease = keepLease(ledger, feed, dependencies.leaseMs, clock.monotonicMs);
      const released = new Set<string>();
      try {
        const stopAtMs = clock.monotonicMs() + maxSeconds * 1000;
        const signal = AbortSignal.any([lease.signal, context.cancellationSignal]);
        const page: PageContext = {
          table,
          options: { beforeCall: lease.beforeCall, signal },
          inForce: await mappings.inForce(table),
          childFlows: childTables((await mappings.config()).config, table).map(ingressFlow),
          released: (flows) => flows.forEach((each) => released.add(each)),
        };
        feed = await pages.prepare(feed, page);
        const waiting = await parentWait(ledger, feed, page.inForce.mapping);
        if (waiting) return { ...(await sliceResult(feed, { drained: false })), waiting };
        for (;;) {
          const wasLoaded = isLoaded(feed.position);
          const step = await nextPage(feed, page);
          if (step.feed.version !== feed.version) fruitless = 0;
          feed = step.feed;
          if (!wasLoaded && isLoaded(feed.position)) {
            page.released(page.childFlows);
          }
          if (step.waiting)
            return { ...(await sliceResult(feed, { drained: false, released })), waiting: step.waiting };
          if (step.drained) {
            const result = await sliceResult(feed, { drained: true, released });
            await ledger.finishRun(flow, runId, result.held ? 'waiting' : 'in-sync');
            return result;
          }
          if (clock.monotonicMs() >= stopAtMs || dependencies.stopping())
            return await sliceResult(feed, { drained: false, released });
        }
      } finally {
        lease.stop();
        await ledger.closeFeed(feed).catch(() => undefined);
      }
    } catch (error) {
      if (context.cancellationSignal.aborted) {
        dependencies.log.info({ event: 'slice.cancelled', flow });
        throw context.cancellationSignal.reason;
      }
      if (feed && (await isUnmapped(error))) {
        await ledger.finishRun(flow, runId, 'in-sync');
        return await sliceResult(feed, { drained: true });
      }
      const waiting = waitingOf(error);
      if (waiting && feed) return { ...(await sliceResult(feed, { drained: false })), waiting };
      fruitless += 1;
      beat();
      dependencies.log.warn({ event: 'slice.failed', flow, ...errorFields(error), fruitless });
      throw failureOf(error, fruitless);
    } finally {
      clearInterval(heartbeats);
    }
  }

  /** A page that Dynamics refuses may be asked for with columns that are gone: their metadata is read again, and says so. */
  async function nextPage(feed: Feed, page: PageContext): Promise<Step> {
    try {
      return await pages.next(feed, page);
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'DYNAMICS_REQUEST_REFUSED') throw error;
      const { hash } = page.inForce.mapping;
      page.inForce = await mappings.inForce(page.table, { fresh: true });
      if (page.inForce.mapping.hash === hash) throw error;
      return { feed: await pages.prepare(feed, page), drained: false };
    }
  }

  /** A table that the file in force no longer maps has nothing to do: its run ends as it is. */
  async function isUnmapped(error: unknown): Promise<boolean> {
    const isMissing = error instanceof SyncError && error.code === 'MAPPING_MISSING';
    return isMissing && (await ledger.mappings.inForce()) !== undefined;
  }

  /** Lets exactly the held deletions pass that a person has seen; they are done by the next slice. Throws HELD_SET_CHANGED. */
  async function approveDeletions({ table, version, count }: ApproveDeletionsInput): Promise<void> {
    try {
      const isApproved = await ledger.approveHeld(ingressFlow(table), { version, count });
      if (!isApproved)
        throw new SyncError('HELD_SET_CHANGED', { subject: `${table}: ${count} of version ${version}` });
    } catch (error) {
      throw failureOf(error, 0);
    }
  }

  /** Moves the feed to the start of a full read; the same request twice moves it once. */
  async function beginResync({ table, mode, requestId }: BeginResyncInput): Promise<void> {
    const flow = ingressFlow(table);
    try {
      const opened = await ledger.openFeed(flow, dependencies.ownerOf(Context.current().info));
      if (opened.kind === 'busy')
        throw new SyncError('LEASE_LOST', { subject: flow, retryAfterMs: opened.waitMs });
      const { feed } = opened;
      try {
        if (feed.position?.resyncId === requestId) return;
        await mappings.inForce(table, { fresh: true });
        await ledger.clearSweep(flow);
        await ledger.moveFeed(feed, { ...startOf(mode), resyncId: requestId });
      } finally {
        await ledger.closeFeed(feed);
      }
    } catch (error) {
      throw failureOf(error, 0);
    }
  }

  async function finishRun({ flow, runId, errorCode }: FinishRunInput): Promise<void> {
    await ledger.finishRun(flow, runId, 'failed', errorCode);
  }

  async function sliceResult(
    feed: Feed,
    { drained, released }: { drained: boolean; released?: Set<string> },
  ): Promise<SliceResult> {
    const { now } = await ledger.summary(feed.flow);
    const startedAt = feed.position?.startedAt;
    return {
      phase: feed.position?.phase ?? 'full',
      position: feed.version,
      counts: feed.counts,
      drained,
      parked: now.parked,
      ...(now.held > 0 && { held: now.held }),
      ...(released && released.size > 0 && { released: [...released].sort() }),
      lagSeconds:
        drained || !startedAt ? 0 : Math.max(0, Math.round((clock.nowMs() - Date.parse(startedAt)) / 1000)),
    };
  }

  async function busyResult(flow: string, waiting: Waiting): Promise<SliceResult> {
    const [state, { counts, now }] = await Promise.all([ledger.readFeed(flow), ledger.summary(flow)]);
    return {
      phase: state?.position?.phase ?? 'full',
      position: state?.version ?? 0,
      counts,
      drained: false,
      parked: now.parked,
      lagSeconds: 0,
      waiting,
    };
  }

  return { syncSlice, beginResync, approveDeletions, finishRun };
}

/** A verify looks at Campaign first; a rewrite need not, it sends everything. */
const startOf = (mode: 'verify' | 'rewrite'): Position =>
  mode === 'verify' ? { phase: 'survey', mode } : { phase: 'full', mode };

/** Waits longer than a slice are the workflow's: visible, and without holding a slot (DESIGN §4). */
const LONG_WAIT_MS = 60_000;
function waitingOf(error: unknown): Waiting | undefined {
  if (!(error instanceof SyncError)) return undefined;
  const forMs = error.evidence.retryAfterMs ?? 0;
  if (error.code === 'BUDGET_USED_UP') return { reason: 'budget', forMs: Math.max(forMs, 1000) };
  const throttled = error.code === 'DYNAMICS_THROTTLED' || error.code === 'CAMPAIGN_THROTTLED';
  return throttled && forMs >= LONG_WAIT_MS ? { reason: 'throttled', forMs } : undefined;
}

/** Of an error that is none of ours only where it arose: its message may quote a value (JSON.parse does). */
function errorFields(error: unknown): { code: string; message: string } {
  if (error instanceof SyncError) return { code: error.code, message: error.message };
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  const name = error instanceof Error ? error.name : typeof error;
  return { code: 'INTERNAL', message: [name, ...frames.slice(0, 8).map((line) => line.trim())].join(' ') };
}
