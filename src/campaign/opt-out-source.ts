import type { ErrorCode } from '../errors.js';
import type { Files } from './file-progress.js';

/** A flag of a profile. */
export interface FlagOfProfile {
  optedOut: boolean;
  /** When it was last changed, ISO 8601 UTC; absent where Campaign keeps or gives none. */
  stamp?: string;
  /** Campaign keeps a time of this flag, and has none: on this profile it was never changed. */
  isUntouched?: true;
}

/** Flags of a profile as Campaign tells them, by their names in Campaign. */
export interface ProfileFlags {
  kind: 'flags';
  externalId: string;
  flags: Record<string, FlagOfProfile>;
  /** Address of this very profile, where Campaign gave it; not to be stored (campaign.md §2 "PKey and keys"). */
  href?: string;
  /** When the profile was last changed, ISO 8601 UTC. */
  modifiedAt?: string;
}

export type OptOutItem =
  | (ProfileFlags & { position: string })
  /** `key`: the contact's id where it is known, otherwise made from the position. `field` is the name of a column, never its value. */
  | { kind: 'fault'; position: string; key: string; code: ErrorCode; field?: string };

/** Where a source has been read to: plain JSON without personal data. */
export type OptOutCursor =
  | { source: 'files'; files: Files }
  | {
      source: 'changes';
      /** Profiles modified at or after this time of Campaign's clock, ISO 8601; absent: all profiles. */
      since?: string;
      /** Of a pass that is not at its end: what follows, when it began, and the latest modification it has met. */
      link?: string;
      beganAt?: string;
      latest?: string;
    };

export interface OptOutPage {
  items: OptOutItem[];
  next: OptOutCursor;
  /** There is more to read at once. */
  more: boolean;
  waitMs?: number;
  /** Of files: time of the newest one, ISO 8601; absent when there is none. */
  newestAt?: string;
}

/** Where opt-outs of Campaign come from. Every error carries a code of errors.ts. */
export interface OptOutSource {
  /** One page after the cursor; without one, from the beginning. */
  read(cursor: OptOutCursor | undefined, signal: AbortSignal): Promise<OptOutPage>;
  /** Reads one item again from its position; undefined when the source does not have it any more. */
  reread(position: string): Promise<OptOutItem | undefined>;
  close(): Promise<void>;
}
