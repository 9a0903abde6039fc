import type { ErrorCode } from '../errors.js';

export type EventKind = 'send' | 'open' | 'click' | 'bounce';

/** One thing that happened to an email of Campaign, from whatever source it was read (DESIGN §8). */
export interface EmailEvent {
  kind: EventKind;
  /**
   * The same text from both sources: `send:<log id>`, `bounce:<log id>`, `open:<log id>:<second>`, `click:<log id>:<link id>:<second>`;
   * `event:<event id>` where there is no log id.
   */
  identity: string;
  /** Id of the contact, a GUID in small letters: the profile's external id. */
  contactId: string;
  /** ISO 8601, UTC, whole seconds. */
  at: string;
  campaignName?: string;
  deliveryName?: string;
  deliveryLabel?: string;
  mirrorPageId?: string;
  url?: string;
  urlLabel?: string;
  reason?: string;
}

/** Why an item of a source is no event for Dynamics. */
export type FilterReason =
  'other-type' | 'other-channel' | 'soft-bounce' | 'test-address' | 'no-contact-id' | 'not-a-contact-id';

/** One item of a source, with the place where it can be read again. */
export type EventItem = { position: string } & (
  | { kind: 'event'; event: EmailEvent; replayed?: boolean }
  | { kind: 'filtered'; reason: FilterReason }
  /** It cannot be read. `key`: its identity where it is known, otherwise made from its position; the same every time. */
  | { kind: 'fault'; key: string; code: ErrorCode; field?: string }
);
