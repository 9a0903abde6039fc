import { isDeepStrictEqual } from 'node:util';
import type { EventCursor, EventPage, EventSource } from '../campaign/event-source.js';
import {
  EGRESS,
  type BeginReplayInput,
  type EventCounts,
  type EventSliceInput,
  type SliceResult,
} from '../contracts.js';
import type { EventOutcome, Feed, Position, SourceGap } from '../ledger/store.js';
import { wantsEvents, type Events } from '../mapping/events-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { createEventPages } from './event-pages.js';
import { createEventTables } from './event-tables.js';
import { onFeed, runSlice, type OpenSlice } from './slice.js';

const PARKED_AT_ONCE = 100;
/** Longer than any source repeats its events: the journal keeps seven days, files are kept fifteen (campaign.md §6, §7). */
const REMEMBERED_DAYS = 60;

/** Campaign's email events onto the timelines of their contacts in Dynamics (DESIGN §8). */
export function createEgress(dependencies: ActivityDependencies) {
  const { ledger, mappings, log } = dependencies;
  const pages = createEventPages(dependencies, createEventTables(dependencies));

  /**
   * Carries events into Dynamics until their source has no more, or `maxSeconds` have passed. Returns counts only (P8). Throws what
   * interrupted a page, with its code; an event that is refused is parked, never thrown.
   */
  function syncEvents({ runId, maxSeconds }: EventSliceInput): Promise<SliceResult<EventCounts>> {
    return runSlice(dependencies, {
      flow: EGRESS,
      runId,
      maxSeconds,
      async work(feed, slice) {
        const events = await wantedEvents();
        if (!events) return finished(feed);
        const source = dependencies.eventSource(events);
        try {
          return await read(feed, source, events, slice);
        } finally {
          await source.close();
        }
      },
      waiting: async (waiting, feed) => ({ ...(await sliceResult(runId, feed, false)), waiting }),
    });

    async function read(
      opened: Feed,
      source: EventSource,
      events: Events,
      slice: OpenSlice,
    ): Promise<SliceResult<EventCounts>> {
      let feed = opened;
      let page = await source.read(cursorOf(feed, events), slice.options.signal);
      for (;;) {
        // The next page is read while this one is written.
        const ahead = page.more ? source.read(page.next, slice.options.signal) : undefined;
        ahead?.catch(() => undefined);
        feed = await carryOut(feed, page, events, slice);
        if (!ahead) return finished(await retryParked(feed, source, events, slice));
        if (slice.isOver()) return sliceResult(runId, feed, false);
        page = await ahead;
      }
    }

    async function finished(feed: Feed): Promise<SliceResult<EventCounts>> {
      const result = await sliceResult(runId, feed, true);
      await ledger.finishRun(EGRESS, runId, 'in-sync');
      if (result.counts.read > 0) await ledger.forgetEvents(REMEMBERED_DAYS);
      return result;
    }
  }

  async function carryOut(feed: Feed, page: EventPage, events: Events, slice: OpenSlice): Promise<Feed> {
    const next = positionAt(feed, page.next);
    const isStill = page.items.length === 0 && isDeepStrictEqual(next, feed.position);
    if (isStill && !page.gap) return feed;
    if (page.gap) log('events.gap', { flow: EGRESS, ...page.gap });
    const gap: SourceGap | undefined = page.gap && {
      until: page.gap.to,
      ...(page.gap.from !== undefined && { from: page.gap.from }),
    };
    return commit(feed, page.items, next, events, slice, { ...(gap && { gap }) });
  }

  async function commit(
    feed: Feed,
    items: EventPage['items'],
    next: Position,
    events: Events,
    slice: OpenSlice,
    { expired = [], ...also }: { gap?: SourceGap; reread?: string[]; expired?: EventOutcome[] } = {},
  ): Promise<Feed> {
    const { outcomes, interruption } = await pages.settle(feed, items, events, slice);
    const recorded = await ledger.commitEvents(
      feed,
      [...outcomes, ...expired],
      interruption ? undefined : next,
      also,
    );
    slice.committed(recorded);
    if (interruption) throw interruption;
    log('page.committed', { flow: EGRESS, position: feed.version, read: items.length });
    return recorded;
  }

  /** Parked events that are due are read again from their place: their content was never kept. */
  async function retryParked(
    opened: Feed,
    source: EventSource,
    events: Events,
    slice: OpenSlice,
  ): Promise<Feed> {
    let feed = opened;
    let after = '';
    for (;;) {
      const due = await ledger.dueEvents(EGRESS, { after, limit: PARKED_AT_ONCE });
      const last = due.at(-1);
      if (!last || slice.isOver()) return feed;
      after = last.id;
      const items: EventPage['items'] = [];
      const expired: EventOutcome[] = [];
      for (const { id, place } of due) {
        const item = await source.reread(place);
        if (item) items.push(item);
        else expired.push({ id, outcome: 'filtered', reason: 'expired' });
      }
      const reread = due.map(({ id }) => id);
      const at = feed.position ?? positionAt(feed, undefined);
      feed = await commit(feed, items, at, events, slice, { reread, expired });
    }
  }

  /** Undefined when no kind of event is wanted any more. */
  async function wantedEvents(): Promise<Events | undefined> {
    const { events } = (await mappings.config()).config;
    return wantsEvents(events) ? events : undefined;
  }

  async function sliceResult(
    runId: string,
    feed: Feed | undefined,
    drained: boolean,
  ): Promise<SliceResult<EventCounts>> {
    const [counts, { now }] = await Promise.all([ledger.eventCounts(EGRESS, runId), ledger.summary(EGRESS)]);
    return {
      phase: 'following',
      position: feed?.version ?? 0,
      counts,
      drained,
      parked: now.parked,
      lagSeconds: 0,
    };
  }

  /** Moves the cursor back, so that the source is read again from then; what is written already counts as duplicates. */
  function beginReplay({ since, requestId }: BeginReplayInput): Promise<void> {
    return onFeed(dependencies, EGRESS, async (feed) => {
      if (feed.position?.resyncId === requestId) return;
      const events = await wantedEvents();
      if (!events) return;
      const source = dependencies.eventSource(events);
      try {
        const cursor = since === undefined ? undefined : await source.since(since);
        await ledger.moveFeed(feed, { ...positionAt(feed, cursor), resyncId: requestId });
        log('resync.begun', { flow: EGRESS });
      } finally {
        await source.close();
      }
    });
  }

  return { syncEvents, beginReplay };
}

/** A cursor of the other source is none of this one's: that one is read from its oldest, and the ledger knows what is written. */
function cursorOf({ position }: Feed, { source }: Events): EventCursor | undefined {
  const cursor = position?.cursor as EventCursor | undefined;
  return cursor?.source === source ? cursor : undefined;
}

function positionAt({ position }: Feed, cursor: EventCursor | undefined): Position {
  return {
    phase: 'following',
    mode: 'changes',
    ...(cursor && { cursor }),
    ...(position?.resyncId !== undefined && { resyncId: position.resyncId }),
  };
}
