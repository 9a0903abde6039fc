import { SyncError, type ErrorCode } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { WebApi } from './web-api.js';
import type { EventKind, EventTableNames, EventTables } from './event-tables.js';

/** One row of a contact's timeline. */
export interface TimelineRow {
  /** Its activityid, a GUID. */
  id: string;
  kind: EventKind | 'task';
  contactId: string;
  subject: string;
  /** ISO 8601, UTC. */
  at: string;
  campaignName?: string;
  deliveryName?: string;
  mirrorPageUrl?: string;
  trackingUrl?: string;
  description?: string;
}

export type TimelineOutcome = { id: string } & (
  | { outcome: 'written' }
  | { outcome: 'contact-gone' }
  | { outcome: 'refused'; code: ErrorCode; field?: string }
);

export interface Timeline {
  describeEventTables(
    names: Partial<Record<EventKind, EventTableNames>>,
    options: { followUpTasks: boolean },
    call?: CallOptions,
  ): Promise<EventTables>;
  writeTimeline(
    tables: EventTables,
    rows: TimelineRow[],
    options: CallOptions & { concurrency: number; onOutcomes(outcomes: TimelineOutcome[]): void },
  ): Promise<void>;
  existingContacts(ids: string[], call?: CallOptions): Promise<Set<string>>;
  provision(call?: CallOptions): Promise<{ made: string[]; present: string[] }>;
}

export function createTimeline(_api: WebApi): Timeline {
  const later = (): never => {
    throw new SyncError('INTERNAL', { subject: 'timeline' });
  };
  return { describeEventTables: later, writeTimeline: later, existingContacts: later, provision: later };
}
