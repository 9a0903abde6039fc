import type { Store } from '../store.js';

/** The database-wide row version: every change of a row, of a table's schema or a deletion takes the next one. */
export interface RowVersion {
  current(): number;
  next(): number;
}

/** Dataverse versions of a young organisation have six digits; clients must not take them for small counters. */
const FIRST_VERSION = 100_000;

/** The counter kept in the store, shared by all who open it over the same store (dataverse.md §12, 1). */
export function createRowVersion(store: Store): RowVersion {
  const counters = store.collection<number>('row-version');
  const current = () => counters.get('current') ?? FIRST_VERSION;
  return {
    current,
    next() {
      const version = current() + 1;
      counters.set('current', version);
      return version;
    },
  };
}
