import type { EventItem } from './email-event.js';
import type { Files } from './file-progress.js';

/** Where a source has been read to: plain JSON without personal data. */
export type EventCursor =
  | {
      source: 'journal';
      /** What follows, as the journal named it. */
      link?: string;
      /** Without a link: the time to begin at, ISO 8601; without both, the oldest. */
      from?: string;
      /** Path of the journal that this is a place in. */
      journal?: string;
      /** Time of the last item, ISO 8601: where a gap begins. */
      at?: string;
    }
  | { source: 'files'; files: Files };

export interface EventPage {
  items: EventItem[];
  next: EventCursor;
  /** There is more to read at once. */
  more: boolean;
  waitMs?: number;
  /** What had left the source before it was read, ISO 8601; without `from`, all before. */
  gap?: { from?: string; to: string };
}

/** A source of email events: the event journal, or log files over SFTP. Every error carries a code of errors.ts. */
export interface EventSource {
  /** One page after the cursor; without one, from the oldest that is there. */
  read(cursor: EventCursor | undefined, signal: AbortSignal): Promise<EventPage>;
  /** Reads one item again from its position; undefined when the source does not have it any more. */
  reread(position: string): Promise<EventItem | undefined>;
  /** A cursor from which everything since this time (ISO 8601) is read again. */
  since(time: string): Promise<EventCursor>;
  close(): Promise<void>;
}
