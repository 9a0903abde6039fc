import { setTimeout as sleep } from 'node:timers/promises';
import { OPT_OUT } from '../contracts.js';
import { SyncError } from '../errors.js';
import type { Call } from '../ledger/link-store.js';
import type { Feed, Position, ReadMode, RowOutcome } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';
import { decidePage } from './decide-page.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';
import { waitsForOf } from './leads.js';
import { orphaned } from './parents.js';
import { createPKeys } from './pkeys.js';
import { writeDecisions, type Writer } from './write-decisions.js';

/** One page's walk through the ledger and Campaign: decide, write, record. */
export function createPageSync(dependencies: ActivityDependencies) {
  const { ledger, clock, log } = dependencies;
  const pkeys = createPKeys(dependencies);

  function decide(
    feed: Feed,
    { inForce }: PageContext,
    changes: Change[],
    { sameVersionIsRepeat }: { sameVersionIsRepeat: boolean },
  ): Promise<Decision[]> {
    return decidePage(ledger, feed.flow, inForce.mapping, changes, {
      mode: modeOf(feed),
      feedVersion: feed.version,
      sameVersionIsRepeat,
    });
  }

  /**
   * The cursor moves last, with the outcomes. Moved earlier, it would lose rows to a crash (P1); here a crash only repeats the page:
   * updates carry their key, creates are found by their intent mark (P2). Throws what interrupted the page, after its outcomes so
   * far are recorded.
   */
  async function carryOut(
    feed: Feed,
    page: PageContext,
    decisions: Decision[],
    nextPosition: Position,
    answered: Call[],
  ): Promise<Feed> {
    const led = await leadOnlyToThoseThatStay(feed, decisions);
    const { outcomes, interruption } = await writeDecisions(await writerOf(feed, page, led), led);
    const { version: mappingVersion } = page.inForce;
    const stamped = outcomes.map((outcome): RowOutcome => ({ ...outcome, mappingVersion }));
    const recorded = await ledger.commitPage(
      feed,
      stamped,
      interruption ? undefined : nextPosition,
      answered,
      { optOuts: page.keepsOptOuts },
    );
    page.released(recorded.released ?? []);
    if (page.keepsOptOuts && outcomes.some(({ bornWith }) => bornWith !== undefined))
      page.released([OPT_OUT]);
    if (interruption) throw interruption;
    log('page.committed', { flow: feed.flow, position: feed.version, read: decisions.length });
    const deletions = outcomes.filter(({ outcome }) => outcome === 'held').length;
    if (deletions > 0) log('deletions.held', { flow: feed.flow, deletions });
    return recorded;
  }

  /** A parent may have begun to leave since the page was decided: from here on none of these can, before it has called them. */
  async function leadOnlyToThoseThatStay(feed: Feed, decisions: Decision[]): Promise<Decision[]> {
    const leading = decisions.flatMap((decision) =>
      decision.kind === 'create' || decision.kind === 'update'
        ? [{ sourceId: decision.sourceId, leads: decision.leads ?? [] }]
        : [],
    );
    const rows = leading.filter(({ leads }) => leads.length > 0);
    if (rows.length === 0) return decisions;
    const refused = await ledger.noteLeads(feed, rows);
    return decisions.map((decision) => {
      if (decision.kind !== 'create' && decision.kind !== 'update') return decision;
      const name = refused.get(decision.sourceId);
      const parent = decision.parents.find((each) => waitsForOf(each) === name);
      return parent ? orphaned(decision, parent) : decision;
    });
  }

  async function writerOf(
    feed: Feed,
    { inForce: { mapping, resource }, options }: PageContext,
    decisions: Decision[],
  ): Promise<Writer> {
    const terms = { ...options, priority: modeOf(feed) === 'changes' ? 'change' : 'first-load' } as const;
    return {
      campaign: dependencies.campaign,
      resource,
      mapping,
      options: terms,
      maxConcurrent: dependencies.campaignMaxConcurrent,
      settleMs: dependencies.settleMs,
      flagsAtBirth: await flagsAtBirth(decisions),
      bind: (payload) => pkeys.bind(feed.runId ?? '', mapping.pkeyLinks, payload, terms),
      markIntents: (ids) => ledger.markIntents(feed, ids),
      nowMs: clock.monotonicMs,
      sleep: (ms) => sleep(ms, undefined, options.signal ? { signal: options.signal } : {}),
    };
  }

  /** What was agreed on before the profile went counts on: it may have been said in Campaign, and was to travel (DESIGN §9). */
  async function flagsAtBirth(decisions: Decision[]): Promise<Writer['flagsAtBirth']> {
    const ids = decisions.flatMap((each) => (each.kind === 'create' && each.optOuts ? [each.sourceId] : []));
    const foreseen = new Set(ids);
    const agreements = ids.length > 0 ? await ledger.agreements(ids) : new Map<string, never>();
    return async (id, optOuts) => {
      const agreed = (foreseen.has(id) ? agreements : await ledger.agreements([id])).get(id);
      return Object.entries(optOuts).map(([flag, dynamics]) => ({
        flag,
        dynamics,
        optedOut: dynamics || agreed?.get(flag)?.optedOut === true,
      }));
    };
  }

  return { decide, carryOut };
}

function modeOf({ flow, position }: Feed): ReadMode {
  if (!position) throw new SyncError('INTERNAL', { subject: `${flow} has no position` });
  return position.mode;
}
