import type { Waiting } from '../contracts.js';
import { SyncError } from '../errors.js';
import type { Feed, Position } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';
import { createDecideAhead, type DecidedPage } from './decide-ahead.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';
import { createReadAhead } from './read-ahead.js';
import {
  DELETES_AT_ONCE,
  OVERLAP_MS,
  PAGE_SIZE,
  positionUnder,
  READ_AGAIN_AT_ONCE,
  restartOf,
  SWEEP_PAGE_SIZE,
} from './reading.js';
import { createSurvey } from './survey.js';
import { createPageSync } from './sync-page.js';
import { flowsBehind } from './table-order.js';

export interface Step {
  feed: Feed;
  /** Nothing is left to read now, parked rows included. */
  drained: boolean;
  /** Nothing can be done for so long. */
  waiting?: Waiting;
}

/** How long children are waited for before a parent is deleted, and how often they are looked at. */
const CHILDREN_WAIT_MS = 120_000;
const CHILDREN_LOOK_MS = 2_000;

/**
 * The walk of a table's feed, page by page: survey of Campaign → full read → sweep of keys → overlap → changes. Each page is
 * read, mapped, decided, written and recorded, in this order; its outcomes and the cursor commit together.
 */
export function createPages(dependencies: ActivityDependencies) {
  const { dynamics, ledger, clock } = dependencies;
  const survey = createSurvey(dependencies);
  const pageSync = createPageSync(dependencies);
  const ahead = createDecideAhead();
  const readers = new Map<string, ReturnType<typeof createReadAhead>>();

  /** Puts a new feed at its start, and one whose mapping has changed at the start of a comparing read. */
  async function prepare(feed: Feed, { inForce }: PageContext): Promise<Feed> {
    const next = positionUnder(feed.position, inForce.mapping.hash);
    if (next === feed.position) return feed;
    if (feed.position?.mappingHash !== undefined) await ledger.clearSweep(feed.flow);
    return ledger.moveFeed(feed, next);
  }

  /** Works through the next page of whatever phase the feed is in. */
  async function next(feed: Feed, page: PageContext): Promise<Step> {
    const position = positionOf(feed);
    try {
      switch (position.phase) {
        case 'survey':
          return { feed: await survey.page(feed, page), drained: false };
        case 'full':
          return { feed: await fullPage(feed, page), drained: false };
        case 'sweep':
          return {
            feed: position.swept ? await deleteAbsent(feed, page) : await sweepPage(feed, page),
            drained: false,
          };
        case 'overlap':
          return { feed: await overlapPage(feed, page), drained: false };
        case 'following':
          return await followingPage(feed, page);
      }
    } catch (error) {
      if (
        !(error instanceof SyncError) ||
        error.code !== 'DYNAMICS_TOKEN_EXPIRED' ||
        position.link === undefined
      )
        throw error;
      dependencies.log.warn({ event: 'token.expired', flow: feed.flow, phase: position.phase });
      await ledger.clearSweep(feed.flow);
      return { feed: await ledger.moveFeed(feed, restartOf(position)), drained: false };
    }
  }

  async function fullPage(feed: Feed, page: PageContext): Promise<Feed> {
    const position = positionOf(feed);
    const { hash } = page.inForce.mapping;
    const decideAt = (changes: Change[], version: number): Promise<Decision[]> =>
      pageSync.decide({ ...feed, version }, page, changes, { sameVersionIsRepeat: false });
    const present = (await ahead.take(feed, position.link, hash)) ?? (await decidedNow());
    const { read, decisions } = present;
    const startedAt = position.startedAt ?? read.serverTime;
    const { deltaLink: _none, link: _link, ...rest } = position;
    const nextPosition: Position =
      read.nextLink !== undefined
        ? { ...rest, startedAt, link: read.nextLink }
        : {
            ...rest,
            startedAt,
            phase: 'sweep',
            ...(read.deltaLink !== undefined && { deltaLink: read.deltaLink }),
          };
    const { nextLink } = read;
    if (nextLink !== undefined) {
      const readNext = () => readTracked(nextLink, page);
      ahead.prepare(feed, nextLink, hash, present, { read: readNext, decide: decideAt });
    }
    return pageSync.carryOut(feed, page, decisions, nextPosition);

    async function decidedNow(): Promise<DecidedPage> {
      const now = await readTracked(position.link, page);
      return { read: now, decisions: await decideAt(now.changes, feed.version) };
    }
  }

  async function followingPage(feed: Feed, page: PageContext): Promise<Step> {
    const position = positionOf(feed);
    const read = await readTracked(position.link, page);
    const link = read.nextLink ?? read.deltaLink ?? position.link;
    const decisions = await pageSync.decide(feed, page, read.changes, { sameVersionIsRepeat: true });
    const children = await childrenBehind(feed, page, decisions, read.serverTime);
    if (children) return children;

    const { childrenSince: _waited, ...rest } = position;
    const isDrained = read.nextLink === undefined;
    const recorded = await pageSync.carryOut(feed, page, decisions, {
      ...rest,
      ...(link !== undefined && { link }),
      ...(isDrained && { drainedAt: read.serverTime }),
    });
    if (!isDrained) return { feed: recorded, drained: false };
    return { feed: await deleteApproved(await retryParked(recorded, page), page), drained: true };
  }

  /**
   * A record goes after its children: Campaign hides a child whose parent is gone, if their link is an inner join, so that nothing
   * could ever be written to it again (campaign.md §2). Children that do not catch up in time are not waited for.
   */
  async function childrenBehind(
    feed: Feed,
    page: PageContext,
    decisions: Decision[],
    serverTime: string,
  ): Promise<Step | undefined> {
    if (!decisions.some((decision) => decision.kind === 'delete')) return undefined;
    const position = positionOf(feed);
    const since = position.childrenSince ?? serverTime;
    const behind = await flowsBehind(ledger, page.childFlows, since);
    if (behind.length === 0 || Date.parse(serverTime) - Date.parse(since) > CHILDREN_WAIT_MS)
      return undefined;
    page.released(behind);
    const waiting: Waiting = { reason: 'children', forMs: CHILDREN_LOOK_MS };
    const noted = position.childrenSince === undefined;
    return {
      feed: noted ? await ledger.moveFeed(feed, { ...position, childrenSince: since }) : feed,
      drained: false,
      waiting,
    };
  }

  /** Reads one page by its link, and begins to read the page after it while this one is being written. */
  async function readTracked(link: string | undefined, { table, inForce, options }: PageContext) {
    const read = (from: string | undefined) =>
      dynamics.readTracked(
        {
          table: inForce.source,
          select: inForce.mapping.select,
          pageSize: PAGE_SIZE,
          ...(from !== undefined && { link: from }),
        },
        options.signal ? { signal: options.signal } : {},
      );
    return readerOf(`${table}/rows`)(link, read);
  }

  function readerOf(name: string): ReturnType<typeof createReadAhead> {
    const reader = readers.get(name) ?? createReadAhead();
    readers.set(name, reader);
    return reader;
  }

  async function sweepPage(feed: Feed, { table, inForce, options }: PageContext): Promise<Feed> {
    const position = positionOf(feed);
    const read = await readerOf(`${table}/keys`)(position.link, (from) =>
      dynamics.readKeys(
        { table: inForce.source, pageSize: SWEEP_PAGE_SIZE, ...(from !== undefined && { link: from }) },
        options.signal ? { signal: options.signal } : {},
      ),
    );
    const { link: _read, ...rest } = position;
    return ledger.commitSweepPage(
      feed,
      read.ids,
      read.nextLink === undefined ? { ...rest, swept: true } : { ...rest, link: read.nextLink },
    );
  }

  /** A row deleted behind the full read's reader leaves no tombstone: what the sweep did not see is gone (DESIGN §7). */
  async function deleteAbsent(feed: Feed, page: PageContext): Promise<Feed> {
    const { swept: _done, ...position } = positionOf(feed);
    const ids = await ledger.unsweptIds(feed.flow, '', DELETES_AT_ONCE);
    if (ids.length === 0) {
      await ledger.clearSweep(feed.flow);
      return ledger.moveFeed(feed, { ...position, phase: 'overlap' });
    }
    const gone = ids.map((id): Change => ({ kind: 'gone', id }));
    const recorded = await syncChanges(feed, page, gone, {
      sameVersionIsRepeat: false,
      nextPosition: positionOf(feed),
    });
    // What stays in Campaign although it is gone from Dynamics would be found again and again: note it as seen.
    return ledger.commitSweepPage(recorded, ids, positionOf(feed));
  }

  async function overlapPage(feed: Feed, page: PageContext): Promise<Feed> {
    const position = positionOf(feed);
    const { startedAt = new Date(clock.nowMs()).toISOString(), deltaLink } = position;
    const read = await dynamics.readModifiedSince(
      {
        table: page.inForce.source,
        select: page.inForce.mapping.select,
        since: new Date(Date.parse(startedAt) - OVERLAP_MS).toISOString(),
        pageSize: PAGE_SIZE,
        ...(position.link !== undefined && { link: position.link }),
      },
      page.options,
    );
    const { link: _read, deltaLink: _delta, startedAt: _started, ...rest } = position;
    const nextPosition: Position =
      read.nextLink === undefined
        ? {
            ...rest,
            phase: 'following',
            mode: 'changes',
            ...(deltaLink !== undefined && { link: deltaLink }),
          }
        : { ...position, startedAt, link: read.nextLink };
    return syncChanges(feed, page, read.changes, { sameVersionIsRepeat: true, nextPosition });
  }

  /** Parked rows that are due (DESIGN §7). */
  const retryParked = (feed: Feed, page: PageContext): Promise<Feed> =>
    readAgain(feed, page, (after) => ledger.dueParked(feed.flow, { after, limit: READ_AGAIN_AT_ONCE }));

  /** Deletions that a person has approved; a row that is back meanwhile is synchronised instead. */
  const deleteApproved = (feed: Feed, page: PageContext): Promise<Feed> =>
    readAgain(feed, page, (after) => ledger.approvedIds(feed.flow, { after, limit: READ_AGAIN_AT_ONCE }));

  /** Rows are read again by id, in groups: their values were never kept. */
  async function readAgain(
    feed: Feed,
    page: PageContext,
    idsAfter: (after: string) => Promise<string[]>,
  ): Promise<Feed> {
    let current = feed;
    let after = '';
    for (;;) {
      const ids = await idsAfter(after);
      if (ids.length === 0) return current;
      after = ids.at(-1) ?? after;
      const { source, mapping } = page.inForce;
      const rows = await dynamics.readByIds({ table: source, select: mapping.select, ids }, page.options);
      const read = new Set(rows.map((row) => row.id));
      const gone = ids.filter((id) => !read.has(id)).map((id): Change => ({ kind: 'gone', id }));
      current = await syncChanges(current, page, [...rows, ...gone], {
        sameVersionIsRepeat: false,
        nextPosition: positionOf(current),
      });
    }
  }

  /** One page's walk: map and decide, write, record. */
  async function syncChanges(
    feed: Feed,
    page: PageContext,
    changes: Change[],
    { sameVersionIsRepeat, nextPosition }: { sameVersionIsRepeat: boolean; nextPosition: Position },
  ): Promise<Feed> {
    const decisions = await pageSync.decide(feed, page, changes, { sameVersionIsRepeat });
    return pageSync.carryOut(feed, page, decisions, nextPosition);
  }

  return { prepare, next };
}

function positionOf(feed: Feed): Position {
  if (!feed.position) throw new SyncError('INTERNAL', { subject: `${feed.flow} has no position` });
  return feed.position;
}
