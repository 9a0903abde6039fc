import { setTimeout as sleep } from 'node:timers/promises';
import { SyncError } from '../errors.js';
import type { Feed, Position, RowOutcome } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';
import { decidePage } from './decide-page.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';
import { createPKeys } from './pkeys.js';
import { createReadAhead } from './read-ahead.js';
import { createSurvey } from './survey.js';
import { writeDecisions } from './write-decisions.js';

export interface Step {
  feed: Feed;
  /** Nothing is left to read now, parked rows included. */
  drained: boolean;
}

const PAGE_SIZE = 2_000;
const SWEEP_PAGE_SIZE = 5_000;
const READ_AGAIN_AT_ONCE = 100;
const DELETES_AT_ONCE = 500;
/** Rows changed behind the reader of a full read may be in neither read; dataverse.md §3, client rule 2. */
const OVERLAP_MS = 15 * 60 * 1000;

/**
 * The walk of a table's feed, page by page: survey of Campaign → full read → sweep of keys → overlap → changes. Each page is
 * read, mapped, decided, written and recorded, in this order; its outcomes and the cursor commit together.
 */
export function createPages(dependencies: ActivityDependencies) {
  const { dynamics, ledger, clock } = dependencies;
  const survey = createSurvey(dependencies);
  const pkeys = createPKeys(dependencies);
  const readers = new Map<string, ReturnType<typeof createReadAhead>>();

  /** Puts a new feed at its start, and one whose mapping has changed at the start of a comparing read. */
  async function prepare(feed: Feed, { inForce }: PageContext): Promise<Feed> {
    const { position } = feed;
    const mappingHash = inForce.mapping.hash;
    if (!position) return ledger.moveFeed(feed, { phase: 'survey', mode: 'first', mappingHash });
    if (position.mappingHash === mappingHash) return feed;
    if (position.mappingHash === undefined) return ledger.moveFeed(feed, { ...position, mappingHash });
    await ledger.clearSweep(feed.flow);
    return ledger.moveFeed(feed, {
      phase: position.phase === 'survey' ? 'survey' : 'full',
      mode: position.mode === 'changes' ? 'compare' : position.mode,
      mappingHash,
      ...(position.resyncId !== undefined && { resyncId: position.resyncId }),
    });
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
    const read = await readTracked(position.link, page);
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
    return syncChanges(feed, page, read.changes, { sameVersionIsRepeat: false, nextPosition });
  }

  async function followingPage(feed: Feed, page: PageContext): Promise<Step> {
    const position = positionOf(feed);
    const read = await readTracked(position.link, page);
    const link = read.nextLink ?? read.deltaLink ?? position.link;
    const nextPosition: Position = { ...position, ...(link !== undefined && { link }) };
    const recorded = await syncChanges(feed, page, read.changes, { sameVersionIsRepeat: true, nextPosition });
    if (read.nextLink !== undefined) return { feed: recorded, drained: false };
    return { feed: await deleteApproved(await retryParked(recorded, page), page), drained: true };
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
    const { mapping, resource, version } = page.inForce;
    const position = positionOf(feed);
    const decisions = await decidePage(ledger, feed.flow, mapping, changes, {
      mode: position.mode,
      feedVersion: feed.version,
      sameVersionIsRepeat,
    });
    const { outcomes, interruption } = await write(feed, page, decisions);

    // The cursor moves last, with the outcomes. Moved earlier, it would lose rows to a crash (P1); here a crash only
    // repeats the page: updates carry their key, creates are found by their intent mark (P2).
    const stamped = outcomes.map((outcome): RowOutcome => ({ ...outcome, mappingVersion: version }));
    const recorded = await ledger.commitPage(feed, stamped, interruption ? undefined : nextPosition);
    page.released(recorded.released ?? []);
    if (interruption) throw interruption;
    dependencies.log.debug({
      event: 'page.committed',
      flow: feed.flow,
      position: feed.version,
      read: changes.length,
    });
    return recorded;

    function write(current: Feed, { options }: PageContext, toWrite: Decision[]) {
      const priority = position.mode === 'changes' ? 'change' : 'first-load';
      const terms = { ...options, priority } as const;
      return writeDecisions(
        {
          campaign: dependencies.campaign,
          resource,
          mapping,
          options: terms,
          maxConcurrent: dependencies.campaignMaxConcurrent,
          settleMs: dependencies.settleMs,
          bind: (payload) => pkeys.bind(current.runId ?? '', mapping.pkeyLinks, payload, terms),
          markIntents: (ids) => ledger.markIntents(current, ids),
          nowMs: clock.monotonicMs,
          sleep: (ms) => sleep(ms, undefined, options.signal ? { signal: options.signal } : {}),
        },
        toWrite,
      );
    }
  }

  return { prepare, next };
}

/** After an expired token or link: the whole table is read again and compared with the ledger (P7). */
function restartOf({ mode, mappingHash, resyncId }: Position): Position {
  return {
    phase: 'full',
    mode: mode === 'changes' ? 'compare' : mode,
    ...(mappingHash !== undefined && { mappingHash }),
    ...(resyncId !== undefined && { resyncId }),
  };
}

function positionOf(feed: Feed): Position {
  if (!feed.position) throw new SyncError('INTERNAL', { subject: `${feed.flow} has no position` });
  return feed.position;
}
