import type { Position } from '../ledger/store.js';

/*
 * How a table is read: by what pages, from where, and again from where. A sync and a plan of it keep to the same rules, so that
 * the plan tells what the sync does.
 */

export const PAGE_SIZE = 2_000;
export const SWEEP_PAGE_SIZE = 5_000;
export const READ_AGAIN_AT_ONCE = 100;
export const DELETES_AT_ONCE = 500;
/** Records per list call of Campaign; campaign.md §3 gives no maximum. */
export const SURVEY_PAGE_SIZE = 500;
/** Rows changed behind the reader of a full read may be in neither read; dataverse.md §3, client rule 2. */
export const OVERLAP_MS = 15 * 60 * 1000;

/**
 * Where a feed goes on under a mapping: a new feed at its start, one whose mapping has changed at the start of a comparing read, any
 * other (the very same object) where it is.
 */
export function positionUnder(position: Position | undefined, mappingHash: string): Position {
  if (!position) return { phase: 'survey', mode: 'first', mappingHash };
  if (position.mappingHash === mappingHash) return position;
  if (position.mappingHash === undefined) return { ...position, mappingHash };
  return {
    phase: position.phase === 'survey' ? 'survey' : 'full',
    mode: position.mode === 'changes' ? 'compare' : position.mode,
    mappingHash,
    ...(position.resyncId !== undefined && { resyncId: position.resyncId }),
  };
}

/** After an expired token or link: the whole table is read again and compared with the ledger (P7). */
export function restartOf({ mode, mappingHash, resyncId }: Position): Position {
  return {
    phase: 'full',
    mode: mode === 'changes' ? 'compare' : mode,
    ...(mappingHash !== undefined && { mappingHash }),
    ...(resyncId !== undefined && { resyncId }),
  };
}
