import type { Waiting } from '../contracts.js';
import { SyncError } from '../errors.js';
import type { Call } from '../ledger/link-store.js';
import type { Feed, Position } from '../ledger/store.js';
import { createChildrenFirst } from './children-first.js';
import type { Change, Decision } from './decide.js';
import { createDecideAhead, type DecidedPage } from './decide-ahead.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';
import { createReadAgain } from './read-again.js';
import { createReadAhead } from './read-ahead.js';
import {
  DELETES_AT_ONCE,
  OVERLAP_MS,
  PAGE_SIZE,
  positionUnder,
  restartOf,
  SWEEP_PAGE_SIZE,
} from './reading.js';
import { createSurvey } from './survey.js';
import { createPageSync } from './sync-page.js';

export interface Step {
  feed: Feed;
  /** Nothing is left to read now, parked rows included. */
  drained: boolean;
  /** Nothing can be done for so long. */
  waiting?: Waiting;
}

/**
 * The walk of a table's feed, page by page: survey of Campaign → full read → sweep of keys → overlap → changes. Each page is
 * read, mapped, decided, written and recorded, in this order; its outcomes and the cursor commit together.
 */
export function createPages(dependencies: ActivityDependencies) {
  const { dynamics, ledger, clock } = dependencies;
  const survey = createSurvey(dependencies);
  const pageSync = createPageSync(dependencies);
  const childrenFirst = createChildrenFirst(dependencies);
  const again = createReadAgain(dependencies, (feed, page, changes, answered) =>
    syncChanges(
      feed,
      page,
      changes,
      { sameVersionIsRepeat: false, nextPosition: positionOf(feed) },
      answered,
    ),
  );
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
    const called = await again.answerCalls(feed, page);
    if (called) return called;
    try {
      switch (position.phase) {
        case 'survey':
          return { feed: await survey.page(feed, page), drained: false };
        case 'full':
          return await fullPage(feed, page);
        case 'sweep':
          return position.swept
            ? await deleteAbsent(feed, page)
            : { feed: await sweepPage(feed, page), drained: false };
        case 'overlap':
          return await overlapPage(feed, page);
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
      dependencies.log('token.expired', { flow: feed.flow, phase: position.phase });
      await ledger.clearSweep(feed.flow);
      return { feed: await ledger.moveFeed(feed, restartOf(position)), drained: false };
    }
  }

  async function fullPage(feed: Feed, page: PageContext): Promise<Step> {
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
    return carryOut(feed, page, decisions, nextPosition);

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
    let step = await carryOut(feed, page, decisions, { ...position, ...(link !== undefined && { link }) });
    if (step.waiting || read.nextLink !== undefined) return step;
    step = await again.retryParked(step.feed, page);
    if (!step.waiting) step = await again.deleteDue(step.feed, page);
    return step.waiting ? step : { feed: step.feed, drained: true };
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
  async function deleteAbsent(feed: Feed, page: PageContext): Promise<Step> {
    const { swept: _done, ...position } = positionOf(feed);
    const ids = await ledger.unsweptIds(feed.flow, '', DELETES_AT_ONCE);
    if (ids.length === 0) {
      await ledger.clearSweep(feed.flow);
      return { feed: await ledger.moveFeed(feed, { ...position, phase: 'overlap' }), drained: false };
    }
    const gone = ids.map((id): Change => ({ kind: 'gone', id }));
    const step = await syncChanges(feed, page, gone, {
      sameVersionIsRepeat: false,
      nextPosition: positionOf(feed),
    });
    if (step.waiting) return step;
    // What stays in Campaign although it is gone from Dynamics would be found again and again: note it as seen.
    return { feed: await ledger.commitSweepPage(step.feed, ids, positionOf(step.feed)), drained: false };
  }

  async function overlapPage(feed: Feed, page: PageContext): Promise<Step> {
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

  /** One page's walk: map and decide, write, record. */
  async function syncChanges(
    feed: Feed,
    page: PageContext,
    changes: Change[],
    { sameVersionIsRepeat, nextPosition }: { sameVersionIsRepeat: boolean; nextPosition: Position },
    answered: (decisions: Decision[]) => Call[] = () => [],
  ): Promise<Step> {
    const decisions = await pageSync.decide(feed, page, changes, { sameVersionIsRepeat });
    return carryOut(feed, page, decisions, nextPosition, answered(decisions));
  }

  async function carryOut(
    feed: Feed,
    page: PageContext,
    decisions: Decision[],
    nextPosition: Position,
    answered: Call[] = [],
  ): Promise<Step> {
    const cleared = await childrenFirst(feed, page, decisions);
    if (cleared.kind === 'wait') return { feed: cleared.feed, drained: false, waiting: cleared.waiting };
    const { childrenSince: _waited, ...next } = nextPosition;
    return { feed: await pageSync.carryOut(feed, page, cleared.decisions, next, answered), drained: false };
  }

  return { prepare, next };
}

function positionOf(feed: Feed): Position {
  if (!feed.position) throw new SyncError('INTERNAL', { subject: `${feed.flow} has no position` });
  return feed.position;
}
