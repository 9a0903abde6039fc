import type { Waiting } from '../contracts.js';
import type { Feed } from '../ledger/store.js';
import type { Decision } from './decide.js';
import type { ActivityDependencies } from './dependencies.js';
import type { PageContext } from './page-context.js';

/** How long children are waited for before a record is deleted that theirs lead to, and how often they are looked at. */
const CHILDREN_WAIT_MS = 120_000;
const CHILDREN_LOOK_MS = 2_000;

/** What of a page may be carried out now, or that it has to wait. */
export type Cleared =
  { kind: 'clear'; decisions: Decision[] } | { kind: 'wait'; feed: Feed; waiting: Waiting };

export function createChildrenFirst({ ledger, clock }: ActivityDependencies) {
  /**
   * A record goes after those that lead to it: Campaign hides some of them with it, out of reach for good, and others lose their link
   * (campaign.md §2). They are called, and their flows are asked to run; children that do not come in time are not waited for.
   * While a child's deletion waits for a person, its parent's does too.
   */
  return async function childrenFirst(
    feed: Feed,
    page: PageContext,
    decisions: Decision[],
  ): Promise<Cleared> {
    const ids = decisions.flatMap((decision) => (decision.kind === 'delete' ? [decision.sourceId] : []));
    if (ids.length === 0 || page.tiedFlows.length === 0) return { kind: 'clear', decisions };
    const { held, awaited } = await ledger.leave(feed, ids, page.tiedFlows);
    const nowMs = clock.nowMs();
    const since = feed.position?.childrenSince;
    const isTimeUp = since !== undefined && nowMs - Date.parse(since) > CHILDREN_WAIT_MS;
    if (awaited.length === 0 || isTimeUp || !feed.position)
      return { kind: 'clear', decisions: decisions.map((decision) => heldBack(decision, held)) };
    page.released(awaited);
    return {
      kind: 'wait',
      waiting: { reason: 'children', forMs: CHILDREN_LOOK_MS },
      feed:
        since === undefined
          ? await ledger.moveFeed(feed, { ...feed.position, childrenSince: new Date(nowMs).toISOString() })
          : feed,
    };
  };
}

/** What a person has approved already stays so, and is looked at again by the next slice. */
function heldBack(decision: Decision, held: Set<string>): Decision {
  if (decision.kind !== 'delete' || !held.has(decision.sourceId)) return decision;
  const { sourceId, sourceVersion, approved } = decision;
  if (approved) return { kind: 'settled', outcome: { sourceId, outcome: 'repeat' } };
  return {
    kind: 'settled',
    outcome: {
      sourceId,
      outcome: 'held',
      leaving: true,
      ...(sourceVersion !== undefined && { sourceVersion }),
    },
  };
}
