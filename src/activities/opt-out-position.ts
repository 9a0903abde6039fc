import { createHash } from 'node:crypto';
import type { OptOutCursor } from '../campaign/opt-out-source.js';
import { SyncError } from '../errors.js';
import type { Feed, FeedState, Position } from '../ledger/store.js';
import { durationMs } from '../mapping/names-schema.js';
import type { OptOut, OptOutInForce } from '../mapping/opt-out-schema.js';

/** Where the flow stands on both sides. */
export interface OptOutPosition {
  /** Of the settings that decide what is compared: others begin anew. */
  settings: string;
  campaign: {
    cursor: OptOutCursor;
    /** Where the present pass began, and whether it has found something new: then the same window is looked at again. */
    window?: OptOutCursor;
    found?: boolean;
    /** How often it has been looked at again. */
    repeats?: number;
    /** Of export files: time of the newest. */
    newestAt?: string;
  };
  dynamics: {
    phase: 'full' | 'overlap' | 'following';
    link?: string;
    /** Start of the full read on the server's clock; where to go on after the overlap. */
    startedAt?: string;
    deltaLink?: string;
  };
}

/** All profiles. */
export const EVERYTHING: OptOutCursor = { source: 'changes' };
export const beginning = (optOut: OptOutInForce): OptOutPosition => ({
  settings: settingsOf(optOut),
  campaign: { cursor: EVERYTHING },
  dynamics: { phase: optOut.direction === 'campaign-to-dynamics' ? 'following' : 'full' },
});

/** What makes a comparison of everything necessary when it changes. */
export function settingsOf({ direction, rule, flags, source }: OptOutInForce): string {
  const text = JSON.stringify([direction, rule, flags, source]);
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** Time of the newest export file that the flow has seen, ISO 8601. */
export const newestExport = (feed: FeedState | undefined): string | undefined =>
  feed && positionOf(feed)?.campaign.newestAt;

/** An exporting workflow that stops says nothing: its last file grows old (campaign.md §7). */
export const isStaleExport = (
  newestAt: string,
  { staleAfter }: Pick<OptOut, 'staleAfter'>,
  nowMs: number,
): boolean => nowMs - Date.parse(newestAt) > durationMs(staleAfter);

export const positionOf = ({ position }: FeedState): OptOutPosition | undefined =>
  position?.cursor as OptOutPosition | undefined;

/** The position of a feed that has one. */
export function at(feed: Feed): OptOutPosition {
  const position = positionOf(feed);
  if (!position) throw new SyncError('INTERNAL', { subject: `${feed.flow} has no position` });
  return position;
}

export function positionAt({ position }: Feed, cursor: OptOutPosition): Position {
  const { campaign, dynamics } = cursor;
  const isComparing =
    (campaign.cursor.source === 'changes' && campaign.cursor.since === undefined) ||
    dynamics.phase !== 'following';
  return {
    phase: isComparing ? 'full' : 'following',
    mode: 'changes',
    cursor,
    ...(position?.resyncId !== undefined && { resyncId: position.resyncId }),
  };
}
