import type { Kysely, Transaction } from 'kysely';
import type { Counts } from './store.js';
import type { LeaseClock } from './lease.js';

/** What every part of the ledger works with. Plain SQL serves both backends; kysely carries it. */
export interface LedgerContext {
  database: Kysely<unknown>;
  leaseMs: number;
  clock: LeaseClock;
  /** Names this process among the lease holders: the same owner in another process is another owner. */
  processId: string;
  /** No other process can work on this ledger, so that a lease of another process is a dead one's. */
  aloneOnFolder: boolean;
}

export type Statements = Kysely<unknown> | Transaction<unknown>;

/** Rows of one statement: larger pages are split, so that an embedded database does not hold up its process for long. */
export const STATEMENT_ROWS = 2_000;

export function* inChunks<Item>(items: Item[]): Generator<Item[]> {
  for (let start = 0; start < items.length; start += STATEMENT_ROWS)
    yield items.slice(start, start + STATEMENT_ROWS);
}

export const noCounts: Readonly<Counts> = Object.freeze({
  read: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  deleted: 0,
  parked: 0,
  held: 0,
});
