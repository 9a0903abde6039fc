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
import { optOutsOf } from '../mapping/opt-out-schema.js';
import { failureOf } from './failure.js';
import type { ActivityDependencies } from './dependencies.js';
import { createPages, type Step } from './ingress-pages.js';
import type { PageContext } from './page-context.js';
import { onFeed, runSlice } from './slice.js';
import { childTables, isLoaded, parentWait, tiedTables } from './table-order.js';

export function createIngress(dependencies: ActivityDependencies) {
  const { ledger, mappings, clock, log } = dependencies;
  const pages = createPages(dependencies);

  /**
   * Carries one table's changes into Campaign until its feed is drained, `maxSeconds` have passed, or something must be
   * waited for. Returns position and counts only: no field value may enter a workflow history (DESIGN §2, P8).
   * Throws what interrupted a page, with its code from errors.ts. A bad row is parked, never thrown.
   */
  function syncSlice({ table, runId, maxSeconds }: SliceInput): Promise<SliceResult> {
    const flow = ingressFlow(table);
    return runSlice(dependencies, {
      flow,
      runId,
      maxSeconds,
      async work(opened, slice) {
        const released = new Set<string>();
        const { config } = await mappings.config();
        const page: PageContext = {
          table,
          options: slice.options,
          inForce: await mappings.inForce(table),
          childFlows: childTables(config, table).map(ingressFlow),
          tiedFlows: tiedTables(config, table).map(ingressFlow),
          keepsOptOuts: optOutsOf(table, config.optOut).length > 0,
          released: (flows) => flows.forEach((each) => released.add(each)),
        };
        let feed = await pages.prepare(opened, page);
        slice.committed(feed);
        const waiting = await parentWait(ledger, feed, page.inForce.mapping);
        if (waiting) return { ...(await sliceResult(feed, { drained: false })), waiting };
        for (;;) {
          const wasLoaded = isLoaded(feed.position);
          const step = await nextPage(feed, page);
          feed = step.feed;
          slice.committed(feed);
          if (!wasLoaded && isLoaded(feed.position)) page.released(page.childFlows);
          if (step.waiting)
            return { ...(await sliceResult(feed, { drained: false, released })), waiting: step.waiting };
          if (step.drained) {
            const result = await sliceResult(feed, { drained: true, released });
            await ledger.finishRun(flow, runId, result.held ? 'waiting' : 'in-sync');
            return result;
          }
          if (slice.isOver()) return await sliceResult(feed, { drained: false, released });
        }
      },
      waiting: async (waiting, feed) =>
        feed
          ? { ...(await sliceResult(feed, { drained: false })), waiting }
          : await busyResult(flow, waiting),
      async endOf(error, feed) {
        if (!(await isUnmapped(error))) return undefined;
        await ledger.finishRun(flow, runId, 'in-sync');
        return sliceResult(feed, { drained: true });
      },
    });
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
      const flow = ingressFlow(table);
      const isApproved = await ledger.approveHeld(flow, { version, count });
      if (!isApproved)
        throw new SyncError('HELD_SET_CHANGED', { subject: `${table}: ${count} of version ${version}` });
      log('deletions.approved', { flow, version, deletions: count });
    } catch (error) {
      throw failureOf(error, 0);
    }
  }

  /** Moves the feed to the start of a full read; the same request twice moves it once. */
  function beginResync({ table, mode, requestId }: BeginResyncInput): Promise<void> {
    const flow = ingressFlow(table);
    return onFeed(dependencies, flow, async (feed) => {
      if (feed.position?.resyncId === requestId) return;
      await mappings.inForce(table, { fresh: true });
      await ledger.clearSweep(flow);
      await ledger.moveFeed(feed, { ...startOf(mode, feed.position), resyncId: requestId });
      log('resync.begun', { flow, mode });
    });
  }

  async function finishRun({ flow, runId, errorCode }: FinishRunInput): Promise<void> {
    await ledger.finishRun(flow, runId, 'failed', errorCode);
    log('run.failed', { flow, code: errorCode });
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
      ...(drained && { backlog: 0 }),
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

/**
 * A verify looks at Campaign first; a rewrite need not, it sends everything: but what Campaign holds must have been seen once, or
 * all of it would be created a second time.
 */
const startOf = (mode: 'verify' | 'rewrite', position: Position | undefined): Position =>
  mode === 'verify' || !position || position.phase === 'survey'
    ? { phase: 'survey', mode }
    : { phase: 'full', mode };
