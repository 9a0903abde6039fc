import type { Call } from '../ledger/link-store.js';
import type { Feed } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';
import type { ActivityDependencies } from './dependencies.js';
import type { Step } from './ingress-pages.js';
import type { PageContext } from './page-context.js';
import { READ_AGAIN_AT_ONCE } from './reading.js';

/** Decides on changes that came by no feed and carries them out, where the feed stands. `answered`: calls that led to them. */
type SyncAgain = (
  feed: Feed,
  page: PageContext,
  changes: Change[],
  answered: (decisions: Decision[]) => Call[],
) => Promise<Step>;

/** Rows that are read again by id, in groups, since their values were never kept (DESIGN §7). */
export function createReadAgain({ dynamics, ledger }: ActivityDependencies, syncAgain: SyncAgain) {
  /** Parked rows that are due. */
  const retryParked = (feed: Feed, page: PageContext): Promise<Step> =>
    eachGroup(feed, page, (after) => ledger.dueParked(feed.flow, { after, limit: READ_AGAIN_AT_ONCE }));

  /** Deletions that a person has approved, or that waited for those of children; a row that is back meanwhile is synchronised instead. */
  const deleteDue = (feed: Feed, page: PageContext): Promise<Step> =>
    eachGroup(feed, page, (after) => ledger.deletionsDue(feed.flow, { after, limit: READ_AGAIN_AT_ONCE }));

  async function eachGroup(
    feed: Feed,
    page: PageContext,
    idsAfter: (after: string) => Promise<string[]>,
  ): Promise<Step> {
    let step: Step = { feed, drained: false };
    for (let after = ''; !step.waiting;) {
      const ids = await idsAfter(after);
      if (ids.length === 0) break;
      after = ids.at(-1) ?? after;
      step = await syncAgain(step.feed, page, await changesOf(page, ids), () => []);
    }
    return step;
  }

  /** Some of the rows that are called; undefined when none is. */
  async function answerCalls(feed: Feed, page: PageContext): Promise<Step | undefined> {
    const calls = await ledger.called(feed.flow, { after: '', limit: READ_AGAIN_AT_ONCE });
    if (calls.length === 0) return undefined;
    const ids = calls.map(({ sourceId }) => sourceId);
    return syncAgain(feed, page, await changesOf(page, ids), (decisions) => {
      const toldAgain = new Set(
        decisions.flatMap((decision) =>
          decision.kind === 'settled' && decision.again ? [decision.outcome.sourceId] : [],
        ),
      );
      return calls.filter(({ sourceId }) => !toldAgain.has(sourceId));
    });
  }

  async function changesOf({ inForce: { source, mapping }, options }: PageContext, ids: string[]) {
    const rows = await dynamics.readByIds({ table: source, select: mapping.select, ids }, options);
    const read = new Set(rows.map((row) => row.id));
    return [...rows, ...ids.filter((id) => !read.has(id)).map((id): Change => ({ kind: 'gone', id }))];
  }

  return { retryParked, deleteDue, answerCalls };
}
