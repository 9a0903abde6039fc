import type { Migration } from './migrate.js';

/** Held deletions are few among many records; their state changes so seldom that the index costs other writes nothing. */
export const heldSet: Migration = {
  name: 'held set',
  statements: [
    `create index record_held on ledger.record (flow, source_id) where state in ('held', 'approved')`,
  ],
};
