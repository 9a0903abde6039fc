/**
 * One thing that happened to a message, as the journal keeps it. What a reader gets is written from this and from the
 * logs that it names (campaign.md §6).
 */
export interface EmailEvent {
  /** The event's own id, a UUID: a repeated delivery carries the same. */
  id: string;
  kind: EmailEventKind;
  /** Delivery log. */
  log: number;
  /** Tracking log, of what a recipient did. */
  tracking?: number;
  atMs: number;
}

export type EmailEventKind = 'send' | 'open' | 'click' | 'unsubscribe' | 'soft-bounce' | 'hard-bounce';
