import { ingressFlow, type Waiting } from '../contracts.js';
import type { Feed, Ledger, Position } from '../ledger/store.js';
import { tieOf } from '../mapping/links.js';
import type { CompiledMapping } from '../mapping/model.js';
import type { SyncConfig } from '../mapping/schema.js';

/** A parent that has loaded tells its children's flows; until then they look seldom. */
const LOOK_AGAIN_MS = 60_000;

/** Whether a table's first load has been through every row once. */
export function isLoaded(position: Position | undefined): boolean {
  if (!position) return false;
  const isReading = position.phase === 'survey' || position.phase === 'full';
  return position.mode !== 'first' || !isReading;
}

/** A table's first load waits for those of its parents (DESIGN §7): otherwise each of its rows would be set aside first. */
export async function parentWait(
  ledger: Ledger,
  feed: Feed,
  { parentTables }: CompiledMapping,
): Promise<Waiting | undefined> {
  if (isLoaded(feed.position)) return undefined;
  for (const table of parentTables) {
    const parent = await ledger.readFeed(ingressFlow(table));
    if (!isLoaded(parent?.position)) return { reason: 'parent', forMs: LOOK_AGAIN_MS };
  }
  return undefined;
}

/** The tables whose rows are children of this one's. */
export const childTables = ({ tables }: SyncConfig, table: string): string[] =>
  tables
    .filter(({ links }) => links.some((link) => 'table' in link && link.table === table))
    .map(({ dynamics }) => dynamics);

/** Those of them whose records Campaign ties to this one's: see `ParentRow`. */
export const tiedTables = ({ tables }: SyncConfig, table: string): string[] =>
  tables
    .filter(({ links }) =>
      links.some((link) => 'table' in link && link.table === table && tieOf(link) !== undefined),
    )
    .map(({ dynamics }) => dynamics);
