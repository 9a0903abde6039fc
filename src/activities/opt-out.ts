import { createHash } from 'node:crypto';
import { createChangedProfiles } from '../campaign/changed-profiles.js';
import type { OptOutCursor, OptOutItem, OptOutPage } from '../campaign/opt-out-source.js';
import {
  ingressFlow,
  OPT_OUT,
  type BeginComparisonInput,
  type OptOutCounts,
  type OptOutSliceInput,
  type SliceResult,
} from '../contracts.js';
import type { Change } from '../dynamics/client.js';
import { SyncError } from '../errors.js';
import type { ConsentPage, DueContact } from '../ledger/consent-store.js';
import type { Feed, Position } from '../ledger/store.js';
import { durationMs } from '../mapping/names-schema.js';
import { OPT_OUT_TABLE, wantsOptOut, type OptOutInForce } from '../mapping/opt-out-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { dynamicsFlags, isNews } from './opt-out-decide.js';
import {
  createOptOutPages,
  flagColumns,
  profileFlags,
  type Look,
  type OptOutContext,
} from './opt-out-pages.js';
import { PAGE_SIZE, OVERLAP_MS, SURVEY_PAGE_SIZE } from './reading.js';
import { onFeed, runSlice, type OpenSlice } from './slice.js';
import { isLoaded } from './table-order.js';

const DUE_AT_ONCE = 500;
/** More contacts than this that nothing is agreed on are settled by reading all profiles, page by page, instead of one by one. */
const MANY = 2_000;

/** Where the flow stands on both sides. */
interface OptOutPosition {
  /** Of the settings that decide what is compared: others begin anew. */
  settings: string;
  campaign: {
    cursor: OptOutCursor;
    /** Where the present pass began, and whether it has found something new: then the same window is looked at again. */
    window?: OptOutCursor;
    found?: boolean;
    /** Of export files: time of the newest. */
    newestAt?: string;
  };
  dynamics: {
    phase: 'full' | 'overlap' | 'following';
    link?: string;
    /** Start of the full read on the server's clock; where to go on after the overlap. */
    startedAt?: string;
    deltaLink?: string;
  };
}

/** Keeps opt-outs in step, both ways (DESIGN §9). */
export function createOptOut(dependencies: ActivityDependencies) {
  const { ledger, mappings, dynamics, campaign, clock, log } = dependencies;
  const pages = createOptOutPages(dependencies);

  /**
   * Looks at what is new on the sides that opt-outs travel from, then at contacts that are due, until nothing is left or `maxSeconds`
   * have passed. Counts only; values never enter a history (P8). A contact that cannot be settled stays due, and is never thrown.
   */
  function syncOptOuts({ runId, maxSeconds }: OptOutSliceInput): Promise<SliceResult<OptOutCounts>> {
    return runSlice(dependencies, {
      flow: OPT_OUT,
      runId,
      maxSeconds,
      async work(opened, slice) {
        const context = await inForce(slice);
        if (!context) return finished(opened, runId);
        const flow = createFlow(context, slice);
        let feed = await flow.prepare(opened);
        for (const look of [flow.readCampaign, flow.readDynamics, flow.settleDue]) {
          feed = await look(feed);
          if (slice.isOver()) return sliceResult(feed, runId, false);
        }
        return finished(feed, runId);
      },
      waiting: async (waiting, feed) => ({ ...(await sliceResult(feed, runId, false)), waiting }),
    });
  }

  async function finished(feed: Feed, runId: string): Promise<SliceResult<OptOutCounts>> {
    const result = await sliceResult(feed, runId, true);
    await ledger.finishRun(OPT_OUT, runId, 'in-sync');
    return result;
  }

  async function sliceResult(
    feed: Feed | undefined,
    runId: string,
    drained: boolean,
  ): Promise<SliceResult<OptOutCounts>> {
    const [counts, due] = await Promise.all([ledger.optOutCounts(OPT_OUT, runId), ledger.dueSummary()]);
    const oldestMs = due.oldestAt === undefined ? clock.nowMs() : Date.parse(due.oldestAt);
    return {
      phase: feed?.position?.phase ?? 'full',
      position: feed?.version ?? 0,
      counts,
      drained,
      parked: due.failing,
      lagSeconds: Math.max(0, Math.round((clock.nowMs() - oldestMs) / 1000)),
    };
  }

  /** Undefined when opt-outs are not to be kept in step any more. */
  async function inForce(slice: OpenSlice): Promise<OptOutContext | undefined> {
    const { optOut } = (await mappings.config()).config;
    if (!wantsOptOut(optOut)) return undefined;
    const options = { ...slice.options, priority: 'opt-out' } as const;
    return { optOut, contact: await mappings.inForce(OPT_OUT_TABLE), options };
  }

  /** The three looks of a slice. Each goes on until it is drained, or the slice is over. */
  function createFlow(context: OptOutContext, slice: OpenSlice) {
    const { optOut, contact, options } = context;
    const { direction } = optOut;
    const changed = createChangedProfiles({
      campaign,
      profile: contact.resource,
      keyField: contact.mapping.keyField,
      filter: optOut.changes.filter,
      parameter: optOut.changes.parameter,
      overlapMs: durationMs(optOut.changes.overlap),
      flags: profileFlags(optOut),
      lineCount: SURVEY_PAGE_SIZE,
      nowMs: clock.nowMs,
    });

    async function prepare(feed: Feed): Promise<Feed> {
      if (positionOf(feed)?.settings === settingsOf(optOut)) return feed;
      return ledger.moveFeed(feed, positionAt(feed, beginning(optOut)));
    }

    async function readCampaign(opened: Feed): Promise<Feed> {
      let feed = opened;
      for (;;) {
        const position = at(feed);
        const { cursor, window = cursor } = position.campaign;
        const isFirst = cursor.source === 'changes' && cursor.since === undefined;
        if (direction === 'dynamics-to-campaign' && !isFirst) return feed;
        const page = await readPage(cursor);
        const { page: settled, found } = await settleItems(feed, page.items);
        const isAny = found || position.campaign.found === true;
        const { newestAt } = page;
        const about = { ...(newestAt !== undefined && { newestAt }) };
        const next: OptOutPosition['campaign'] = page.more
          ? { cursor: page.next, window, found: isAny, ...about }
          : { cursor: isAny && isRepeated(window) ? window : afterwards(page.next), ...about };
        feed = await commit(feed, settled, { ...position, campaign: next });
        if (!page.more && !(isAny && isRepeated(window))) return feed;
        if (slice.isOver()) return feed;
      }
    }

    /** The first pass reads all profiles, whatever the source; then come export files, if they are the source. */
    const afterwards = (next: OptOutCursor): OptOutCursor =>
      optOut.source === 'files' && next.source === 'changes' ? { source: 'files', files: {} } : next;

    /** A list is no snapshot: a window in which something was new is looked at once more (DESIGN §9). */
    const isRepeated = (window: OptOutCursor): boolean =>
      window.source === 'changes' && window.since !== undefined;

    async function readPage(cursor: OptOutCursor): Promise<OptOutPage> {
      return changed.read(cursor as OptOutCursor & { source: 'changes' }, options);
    }

    async function settleItems(
      feed: Feed,
      items: OptOutItem[],
    ): Promise<{ page: ConsentPage; found: boolean }> {
      const told = new Map<string, Look & { campaign: NonNullable<Look['campaign']> }>();
      for (const item of items)
        if (item.kind === 'flags')
          told.set(item.externalId, { contactId: item.externalId, campaign: item.flags });
      const agreements = await ledger.agreements([...told.keys()]);
      const learned: NonNullable<ConsentPage['learned']> = [];
      const looks = [...told.values()].filter(({ contactId, campaign: flags }) => {
        const agreed = agreements.get(contactId);
        const values = Object.fromEntries(
          Object.entries(flags).map(([flag, { optedOut }]) => [flag, optedOut]),
        );
        if (isNews(values, agreed)) return true;
        for (const [flag, { stamp }] of Object.entries(flags)) {
          const agreement = agreed?.get(flag);
          if (agreement && agreement.campaignStamp === undefined && stamp !== undefined)
            learned.push({ contactId, flag, agreement: { ...agreement, campaignStamp: stamp } });
        }
        return false;
      });
      const { page, found } = await settle(feed, looks);
      return { page: { ...page, learned }, found };
    }

    async function readDynamics(opened: Feed): Promise<Feed> {
      let feed = opened;
      if (direction === 'campaign-to-dynamics') return feed;
      for (;;) {
        const position = at(feed);
        const { next, changes, more } = await nextChanges(position.dynamics);
        if (!next) {
          log.warn({ event: 'token.expired', flow: OPT_OUT, phase: position.dynamics.phase });
          feed = await ledger.moveFeed(feed, positionAt(feed, { ...position, dynamics: { phase: 'full' } }));
          slice.committed(feed);
          continue;
        }
        const rows = changes.flatMap((change) => (change.kind === 'row' ? [change] : []));
        const agreements = await ledger.agreements(rows.map(({ id }) => id));
        const looks = rows
          .filter((row) => isNews(dynamicsFlags(row.row, row.version, optOut).flags, agreements.get(row.id)))
          .map((row): Look => ({ contactId: row.id, row }));
        const { page } = await settle(feed, looks);
        feed = await commit(feed, page, { ...position, dynamics: next });
        if (!more || slice.isOver()) return feed;
      }
    }

    type DynamicsPosition = OptOutPosition['dynamics'];
    interface Read {
      /** Absent: the link is refused, and everything is to be read again (P7). */
      next?: DynamicsPosition;
      changes: Change[];
      more: boolean;
    }

    /** First all contacts, then those changed behind the reader, then what changes (DESIGN §7, "read"). */
    async function nextChanges(position: DynamicsPosition): Promise<Read> {
      const { phase, link, startedAt, deltaLink } = position;
      const from = {
        table: contact.source,
        select: flagColumns(optOut),
        pageSize: PAGE_SIZE,
        ...(link !== undefined && { link }),
      };
      try {
        if (phase === 'overlap') {
          const since = new Date(Date.parse(startedAt ?? '') - OVERLAP_MS).toISOString();
          const read = await dynamics.readModifiedSince({ ...from, since }, options);
          const next: DynamicsPosition =
            read.nextLink === undefined
              ? { phase: 'following', ...(deltaLink !== undefined && { link: deltaLink }) }
              : { ...position, link: read.nextLink };
          return { next, changes: read.changes, more: true };
        }
        const read = await dynamics.readTracked(from, options);
        const began = startedAt ?? read.serverTime;
        const { changes, nextLink, deltaLink: delta } = read;
        if (phase === 'following') {
          const on = nextLink ?? delta ?? link;
          return {
            next: { phase, ...(on !== undefined && { link: on }) },
            changes,
            more: nextLink !== undefined,
          };
        }
        const next: DynamicsPosition =
          nextLink === undefined
            ? { phase: 'overlap', startedAt: began, ...(delta !== undefined && { deltaLink: delta }) }
            : { phase, startedAt: began, link: nextLink };
        return { next, changes, more: true };
      } catch (error) {
        if (!(error instanceof SyncError) || error.code !== 'DYNAMICS_TOKEN_EXPIRED' || link === undefined)
          throw error;
        return { changes: [], more: true };
      }
    }

    /** Contacts that have just come to Campaign, and those that could not be settled before. */
    async function settleDue(opened: Feed): Promise<Feed> {
      let feed = opened;
      let { unknown } = await ledger.dueSummary();
      if (unknown > MANY && isLoaded((await ledger.readFeed(ingressFlow(OPT_OUT_TABLE)))?.position)) {
        feed = await readCampaign(await compareAll(feed));
        ({ unknown } = await ledger.dueSummary());
      }
      let after = '';
      let isAgain = false;
      while (!slice.isOver()) {
        const due = await ledger.dueContacts({ after, limit: DUE_AT_ONCE });
        const last = due.at(-1);
        if (!last && !isAgain) break;
        if (!last) {
          after = '';
          isAgain = false;
          continue;
        }
        after = last.contactId;
        const { page } = await settle(feed, unknown > MANY ? await withoutUnknown(due) : due);
        // A contact that changed while it was being settled is looked at once more at once.
        isAgain ||= page.due.some(({ code }) => code === undefined);
        feed = await commit(feed, page, at(feed));
      }
      return feed;
    }

    /** While their first load goes on, contacts that nothing is agreed on wait for the comparison at its end. */
    async function withoutUnknown(due: DueContact[]): Promise<DueContact[]> {
      const agreements = await ledger.agreements(due.map(({ contactId }) => contactId));
      return due.filter(({ contactId, code }) => code !== undefined || agreements.has(contactId));
    }

    async function compareAll(feed: Feed): Promise<Feed> {
      const next = { ...at(feed), campaign: { cursor: EVERYTHING } };
      return ledger.moveFeed(feed, positionAt(feed, next));
    }

    async function settle(feed: Feed, looks: Look[]): Promise<{ page: ConsentPage; found: boolean }> {
      const { page, interruption } = await pages.settle(looks, context);
      if (interruption) {
        slice.committed(await ledger.commitConsents(feed, page));
        throw interruption;
      }
      return { page, found: page.outcomes.some(({ agreement }) => agreement !== undefined) };
    }

    async function commit(feed: Feed, page: ConsentPage, next: OptOutPosition): Promise<Feed> {
      const position = positionAt(feed, next);
      const { outcomes, due, settled, learned = [] } = page;
      const isStill = outcomes.length + due.length + settled.length + learned.length === 0;
      if (isStill && JSON.stringify(position) === JSON.stringify(feed.position)) return feed;
      const committed = await ledger.commitConsents(feed, page, position);
      slice.committed(committed);
      log.debug({
        event: 'page.committed',
        flow: OPT_OUT,
        position: feed.version,
        read: outcomes.length,
      });
      return committed;
    }

    return { prepare, readCampaign, readDynamics, settleDue };
  }

  /** Has all flags of all contacts compared once more; the same request twice begins it once. */
  function beginComparison({ requestId }: BeginComparisonInput): Promise<void> {
    return onFeed(dependencies, OPT_OUT, async (feed) => {
      if (feed.position?.resyncId === requestId) return;
      const { optOut } = (await mappings.config()).config;
      if (!wantsOptOut(optOut)) return;
      await mappings.inForce(OPT_OUT_TABLE, { fresh: true });
      await ledger.moveFeed(feed, { ...positionAt(feed, beginning(optOut)), resyncId: requestId });
    });
  }

  return { syncOptOuts, beginComparison };
}

/** All profiles. */
const EVERYTHING: OptOutCursor = { source: 'changes' };
const beginning = (optOut: OptOutInForce): OptOutPosition => ({
  settings: settingsOf(optOut),
  campaign: { cursor: EVERYTHING },
  dynamics: { phase: optOut.direction === 'campaign-to-dynamics' ? 'following' : 'full' },
});

/** What makes a comparison of everything necessary when it changes. */
function settingsOf({ direction, rule, flags, source, changes: { filter } }: OptOutInForce): string {
  const text = JSON.stringify([direction, rule, flags, source, filter]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

const positionOf = ({ position }: Feed): OptOutPosition | undefined =>
  position?.cursor as OptOutPosition | undefined;

function at(feed: Feed): OptOutPosition {
  const position = positionOf(feed);
  if (!position) throw new SyncError('INTERNAL', { subject: `${feed.flow} has no position` });
  return position;
}

function positionAt({ position }: Feed, cursor: OptOutPosition): Position {
  const { campaign, dynamics } = cursor;
  const isComparing =
    (campaign.cursor.source === 'changes' && campaign.cursor.since === undefined) ||
    dynamics.phase !== 'following';
  return {
    phase: isComparing ? 'full' : 'following',
    mode: 'changes',
    cursor,
    ...(position?.resyncId !== undefined && { resyncId: position.resyncId }),
  };
}
