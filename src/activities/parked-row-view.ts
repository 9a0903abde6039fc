import type { ParkedRowView } from '../contracts.js';
import { catalogue, type ErrorCode } from '../errors.js';
import type { ParkedRow } from '../ledger/store.js';

/** A parked row as people are shown it, with what to do about it. */
export const parkedRowView = ({ sourceId, ...row }: ParkedRow): ParkedRowView => ({
  ...row,
  id: sourceId,
  next: nextOf(row.code),
});

/** What a person should do about an error's code. */
export const nextOf = (code: string): string =>
  code in catalogue ? catalogue[code as ErrorCode].next : 'See docs/reference/errors.md.';
