import type { TrackedPage } from '../dynamics/client.js';
import type { Feed } from '../ledger/store.js';
import type { Change, Decision } from './decide.js';

/** A page of a full read with what is to be done for its rows. */
export interface DecidedPage {
  read: TrackedPage;
  decisions: Decision[];
}

interface Ahead {
  link: string;
  /** The feed's version when this page's turn comes, and the mapping it was decided under. */
  version: number;
  hash: string;
  page: Promise<DecidedPage | undefined>;
}

/**
 * Reads and decides a full read's next page while the page before is being written, so that Campaign need not wait for the ledger
 * (DESIGN §12). What is decided early is thrown away when it could have come out otherwise in its turn.
 */
export function createDecideAhead() {
  const aheadOf = new Map<string, Ahead>();

  /** What was prepared for this place in the feed, if it still holds. */
  async function take(feed: Feed, link: string | undefined, hash: string): Promise<DecidedPage | undefined> {
    const ahead = aheadOf.get(feed.flow);
    aheadOf.delete(feed.flow);
    if (!ahead || ahead.link !== link || ahead.version !== feed.version || ahead.hash !== hash)
      return undefined;
    return ahead.page;
  }

  /** Prepares the page at `link`, which follows `present`. `read` and `decide` are asked as they will be in its turn. */
  function prepare(
    feed: Feed,
    link: string,
    hash: string,
    present: DecidedPage,
    {
      read,
      decide,
    }: {
      read: () => Promise<TrackedPage>;
      decide: (changes: Change[], version: number) => Promise<Decision[]>;
    },
  ): void {
    const version = feed.version + 1;
    const page = (async () => {
      const next = await read();
      const ids = new Set(present.read.changes.map(({ id }) => id));
      // A row that stands on both pages is decided on once the first of them is recorded.
      if (next.changes.some(({ id }) => ids.has(id))) return undefined;
      const decisions = await decide(next.changes, version);
      return [...present.decisions, ...decisions].some(concernsBrake) ? undefined : { read: next, decisions };
    })();
    aheadOf.set(feed.flow, { link, version, hash, page: page.catch(() => undefined) });
  }

  return { take, prepare };
}

/** The brake counts deletions that are recorded: those of the page before must be. */
const concernsBrake = (decision: Decision): boolean =>
  decision.kind === 'delete' || (decision.kind === 'settled' && decision.outcome.outcome === 'held');
