import { createChangedProfiles } from '../campaign/changed-profiles.js';
import type {
  OptOutCursor,
  OptOutItem,
  OptOutPage,
  OptOutSource,
  ProfileFlags,
} from '../campaign/opt-out-source.js';
import {
  ingressFlow,
  OPT_OUT,
  type BeginComparisonInput,
  type OptOutCounts,
  type OptOutSliceInput,
  type SliceResult,
} from '../contracts.js';
import type { ConsentPage, DueContact } from '../ledger/consent-store.js';
import type { Feed } from '../ledger/store.js';
import { durationMs } from '../mapping/names-schema.js';
import { OPT_OUT_TABLE, wantsOptOut } from '../mapping/opt-out-schema.js';
import { createContactChanges } from './contact-changes.js';
import type { ActivityDependencies } from './dependencies.js';
import { dynamicsFlags, flagsOfAll, isNews } from './opt-out-decide.js';
import {
  createOptOutPages,
  flagColumns,
  profileFlags,
  type Look,
  type OptOutContext,
} from './opt-out-pages.js';
import {
  at,
  beginning,
  EVERYTHING,
  positionAt,
  positionOf,
  settingsOf,
  type OptOutPosition,
} from './opt-out-position.js';
import { SURVEY_PAGE_SIZE } from './reading.js';
import { onFeed, runSlice, type OpenSlice } from './slice.js';
import { isLoaded } from './table-order.js';

const DUE_AT_ONCE = 500;
const PARKED_AT_ONCE = 100;
/** Profiles that share an id say something new at every pass. */
const MOST_REPEATS = 3;
/** More contacts than this that nothing is agreed on are settled by reading all profiles, page by page, instead of one by one. */
const MANY = 2_000;

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
        try {
          let feed = await flow.prepare(opened);
          for (const look of [flow.readCampaign, flow.readDynamics, flow.settleDue, flow.retryParked]) {
            feed = await look(feed);
            if (slice.isOver()) return sliceResult(feed, runId, false);
          }
          return finished(feed, runId);
        } finally {
          await flow.close();
        }
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
      backlog: due.count,
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
    let files: OptOutSource | undefined;
    const contactChanges = createContactChanges(dynamics, contact.source, flagColumns(optOut), options);
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
        const { cursor, window = cursor, repeats = 0 } = position.campaign;
        const isFirst = cursor.source === 'changes' && cursor.since === undefined;
        if (direction === 'dynamics-to-campaign' && !isFirst) return feed;
        const page = await readPage(cursor);
        const { page: settled, found } = await settleItems(feed, page.items, cursor.source === 'files');
        const isAny = found || position.campaign.found === true;
        const { newestAt } = page;
        const about = { ...(newestAt !== undefined && { newestAt }) };
        const isAgain = isAny && isRepeated(window) && repeats < MOST_REPEATS;
        const next: OptOutPosition['campaign'] = page.more
          ? { cursor: page.next, window, repeats, found: isAny, ...about }
          : isAgain
            ? { cursor: window, repeats: repeats + 1, ...about }
            : { cursor: afterwards(page.next), ...about };
        feed = await commit(feed, settled, { ...position, campaign: next });
        if (!page.more && !isAgain) return feed;
        if (slice.isOver()) return feed;
      }
    }

    /** The first pass reads all profiles, whatever the source; then come export files, if they are the source. */
    const afterwards = (next: OptOutCursor): OptOutCursor =>
      optOut.source === 'files' && next.source === 'changes' ? { source: 'files', files: {} } : next;

    /** A list is no snapshot: a window in which something was new is looked at once more (DESIGN §9). */
    const isRepeated = (window: OptOutCursor): boolean =>
      window.source === 'changes' && window.since !== undefined;

    function readPage(cursor: OptOutCursor): Promise<OptOutPage> {
      if (cursor.source === 'changes') return changed.read(cursor, options);
      return exportFiles().read(cursor, slice.options.signal);
    }
    const exportFiles = (): OptOutSource => (files ??= dependencies.optOutFiles(optOut));

    /** Rows of export files that were set aside are read again from their place: their content was never kept. */
    async function retryParked(opened: Feed): Promise<Feed> {
      let feed = opened;
      if (optOut.source !== 'files') return feed;
      let after = '';
      while (!slice.isOver()) {
        const due = await ledger.dueEvents(OPT_OUT, { after, limit: PARKED_AT_ONCE });
        const last = due.at(-1);
        if (!last) break;
        after = last.id;
        const items: OptOutItem[] = [];
        for (const { place } of due) {
          const item = await exportFiles().reread(place);
          if (item) items.push(item);
        }
        const { page } = await settleItems(feed, items, true);
        const reread = [...(page.reread ?? []), ...due.map(({ id }) => id)];
        feed = await commit(feed, { ...page, reread }, at(feed));
      }
      return feed;
    }

    async function close(): Promise<void> {
      await files?.close();
    }

    /** What an export says may be a day old: it only tells of whom Campaign is to be asked. */
    async function settleItems(
      feed: Feed,
      items: OptOutItem[],
      isOld: boolean,
    ): Promise<{ page: ConsentPage; found: boolean }> {
      const told = new Map<string, Look & { profiles: ProfileFlags[] }>();
      for (const item of items) {
        if (item.kind !== 'flags') continue;
        const { externalId: contactId } = item;
        const twins = isOld ? [] : (told.get(contactId)?.profiles ?? []);
        told.set(contactId, { contactId, profiles: [...twins, item] });
      }
      const agreements = await ledger.agreements([...told.keys()]);
      const learned: NonNullable<ConsentPage['learned']> = [];
      const looks = [...told.values()].filter(({ contactId, profiles }) => {
        const flags = flagsOfAll(profiles);
        const agreed = agreements.get(contactId);
        const values = Object.fromEntries(
          Object.entries(flags).map(([flag, { optedOut }]) => [flag, optedOut]),
        );
        if (profiles.length > 1 || isNews(values, agreed)) return true;
        for (const [flag, { stamp }] of Object.entries(flags)) {
          const agreement = agreed?.get(flag);
          if (!isOld && agreement && agreement.campaignStamp === undefined && stamp !== undefined)
            learned.push({ contactId, flag, agreement: { ...agreement, campaignStamp: stamp } });
        }
        return false;
      });
      const faults = items.flatMap((item) =>
        item.kind === 'fault' ? [{ id: item.key, place: item.position, fault: faultOf(item) }] : [],
      );
      const asked = isOld ? looks.map(({ contactId }) => ({ contactId, asksCampaign: true })) : looks;
      const { page, found } = await settle(feed, asked);
      // What is told in a later row is not set aside for an earlier one any more.
      const reread = isOld ? [...told.keys()] : [];
      return { page: { ...page, learned, faults, reread }, found };
    }

    async function readDynamics(opened: Feed): Promise<Feed> {
      let feed = opened;
      if (direction === 'campaign-to-dynamics') return feed;
      for (;;) {
        const position = at(feed);
        const { next, changes, more } = await contactChanges.next(position.dynamics);
        if (!next) {
          log('token.expired', { flow: OPT_OUT, phase: position.dynamics.phase });
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
        const looked = unknown > MANY ? await withoutUnknown(due) : due;
        // Of a contact that has just come to Campaign it is known what Campaign says, and of others it is not.
        const looks = looked.map(({ contactId, code }) => ({ contactId, asksCampaign: code !== undefined }));
        const { page } = await settle(feed, looks);
        isAgain ||= page.due.some(({ code }) => code === 'CONTACT_CHANGED_MEANWHILE');
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
      const { outcomes, due, settled, learned = [], faults = [], reread = [] } = page;
      const isStill = [outcomes, due, settled, learned, faults, reread].every((each) => each.length === 0);
      if (isStill && JSON.stringify(position) === JSON.stringify(feed.position)) return feed;
      const committed = await ledger.commitConsents(feed, page, position);
      slice.committed(committed);
      log('page.committed', { flow: OPT_OUT, position: feed.version, read: outcomes.length });
      return committed;
    }

    return { prepare, readCampaign, readDynamics, settleDue, retryParked, close };
  }

  /** Has all flags of all contacts compared once more; the same request twice begins it once. */
  function beginComparison({ requestId }: BeginComparisonInput): Promise<void> {
    return onFeed(dependencies, OPT_OUT, async (feed) => {
      if (feed.position?.resyncId === requestId) return;
      const { optOut } = (await mappings.config()).config;
      if (!wantsOptOut(optOut)) return;
      await mappings.inForce(OPT_OUT_TABLE, { fresh: true });
      await ledger.moveFeed(feed, { ...positionAt(feed, beginning(optOut)), resyncId: requestId });
      log('resync.begun', { flow: OPT_OUT });
    });
  }

  return { syncOptOuts, beginComparison };
}

const faultOf = ({ code, field }: OptOutItem & { kind: 'fault' }): { code: string; field?: string } => ({
  code,
  ...(field !== undefined && { field }),
});
