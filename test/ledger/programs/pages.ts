import type { Feed, Ledger, RowOutcome } from '../../../src/ledger/store.js';

export const FLOW = 'ingress/contact';
export const LEASE_MS = 1_500;
export const ROWS = 50;

/** Commits the feed's next page: some rows are created, one is parked, and the position names the page. */
export function commitPage(ledger: Ledger, feed: Feed): Promise<Feed> {
  const number = feed.version + 1;
  const rows = Array.from({ length: ROWS - 1 }, (_, index): RowOutcome => {
    const sourceId = `${number}-${index}`;
    return {
      sourceId,
      outcome: 'created',
      accepted: { full: `full ${number}`, following: `following ${number}` },
    };
  });
  const parked: RowOutcome = {
    sourceId: `${number}-parked`,
    outcome: 'parked',
    fault: { code: 'TEXT_TOO_LONG' },
  };
  return ledger.commitPage(feed, [...rows, parked], { phase: 'full', mode: 'first', link: `page ${number}` });
}
