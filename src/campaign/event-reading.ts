import type { EmailEvent, EventKind, FilterReason } from './email-event.js';
import { isoSecond } from './event-times.js';

/** What an entry of the journal or a row of a log file says. */
export type EventReading =
  | { kind: 'event'; event: EmailEvent; replayed?: boolean }
  | { kind: 'filtered'; reason: FilterReason }
  /** `field` is the member or column that cannot be read; `identity` where it is known all the same. */
  | { kind: 'fault'; code: 'EVENT_UNREADABLE'; field: string; identity?: string };

/** A value as it came, under the name that its source gives it. */
export interface RawField {
  field: string;
  value: unknown;
}

const TEXTS = [
  'campaignName',
  'deliveryName',
  'deliveryLabel',
  'mirrorPageId',
  'url',
  'urlLabel',
  'reason',
] as const;

/** An event of either source before its values are looked at. */
export interface RawEvent {
  kind: EventKind;
  logId: RawField;
  linkId?: RawField;
  eventId?: RawField;
  /** Where the contact's id may be, the likeliest first. */
  contactIds: unknown[];
  /** Milliseconds since 1970; undefined where the source's text is no time. */
  at: { field: string; ms: number | undefined };
  isTest: boolean;
  replayed?: boolean;
  texts: Partial<Record<(typeof TEXTS)[number], RawField>>;
}

/** Far more than any name or address of Campaign has; a text beyond it is not what it should be. */
const LONGEST_TEXT = 4_000;
/** So far a clock may be ahead of ours. */
const AHEAD_MS = 24 * 3_600_000;

/** Both sources are read by these rules alone, so that the same event is the same from either. */
export function readEvent(raw: RawEvent, nowMs: number): EventReading {
  if (raw.isTest) return { kind: 'filtered', reason: 'test-address' };
  const contact = contactIn(raw.contactIds);
  if (contact.kind !== 'id') return { kind: 'filtered', reason: contact.kind };
  let identity: string | undefined;
  try {
    const ids = idsOf(raw);
    identity = identityOf(raw.kind, ids);
    const at = isoSecond(timeOf(raw.at, nowMs));
    identity ??= identityOf(raw.kind, { ...ids, at });
    if (identity === undefined) throw new UnreadableField(raw.logId.field);
    return {
      kind: 'event',
      event: { kind: raw.kind, identity, contactId: contact.id, at, ...textsOf(raw) },
      ...(raw.replayed === true && { replayed: true }),
    };
  } catch (error) {
    if (!(error instanceof UnreadableField)) throw error;
    const { field } = error;
    return { kind: 'fault', code: 'EVENT_UNREADABLE', field, ...(identity !== undefined && { identity }) };
  }
}

/** Names the field only: its value may be a person's. */
class UnreadableField extends Error {
  constructor(readonly field: string) {
    super(field);
  }
}

interface Ids {
  logId?: string | undefined;
  linkId?: string | undefined;
  eventId?: string | undefined;
  at?: string;
}

const idsOf = ({ logId, linkId, eventId }: RawEvent): Ids => ({
  logId: idIn(logId),
  linkId: linkId && idIn(linkId),
  eventId: eventId && idIn(eventId),
});

/** What DESIGN §8 calls an event's identity; undefined while the time that it needs is not known, or when no id is there. */
function identityOf(kind: EventKind, { logId, linkId, eventId, at }: Ids): string | undefined {
  const byEvent = eventId === undefined ? undefined : `event:${eventId}`;
  if (logId === undefined) return byEvent;
  switch (kind) {
    case 'send':
    case 'bounce':
      return `${kind}:${logId}`;
    case 'open':
      return at && `open:${logId}:${at}`;
    case 'click':
      return linkId === undefined ? byEvent : at && `click:${logId}:${linkId}:${at}`;
  }
}

/** Campaign writes 0 for a record that is not there. */
function idIn({ field, value }: RawField): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text !== 'string') throw new UnreadableField(field);
  const id = text.trim();
  if (/^[+-]?\d{1,20}$/.test(id)) return BigInt(id) === 0n ? undefined : BigInt(id).toString();
  if (!/^[\w.:-]{1,128}$/.test(id)) throw new UnreadableField(field);
  return id;
}

function timeOf({ field, ms }: RawEvent['at'], nowMs: number): number {
  if (ms === undefined || ms < 0 || ms > nowMs + AHEAD_MS) throw new UnreadableField(field);
  return ms;
}

function textsOf({ texts }: RawEvent): Partial<EmailEvent> {
  const read: Partial<EmailEvent> = {};
  for (const name of TEXTS) {
    const text = texts[name] && textIn(texts[name], name === 'url');
    if (text !== undefined) read[name] = text;
  }
  return read;
}

function textIn({ field, value }: RawField, isUrl: boolean): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') throw new UnreadableField(field);
  const text = String(value).trim();
  if (text.length > LONGEST_TEXT) throw new UnreadableField(field);
  if (isUrl && /\p{Cc}/u.test(text)) throw new UnreadableField(field);
  return text === '' ? undefined : text;
}

/** Adobe's own samples write `uuid:` before the id (campaign.md §6, S7). */
const GUID = /^\s*(?:(?:urn:)?uuid:)?\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?\s*$/i;

/** A contact's id in small letters; undefined for any other text. */
export const contactIdIn = (text: string): string | undefined => GUID.exec(text)?.[1]?.toLowerCase();

function contactIn(
  values: unknown[],
): { kind: 'id'; id: string } | { kind: 'no-contact-id' | 'not-a-contact-id' } {
  const given = values.filter((value) => value !== undefined && value !== null && value !== '');
  for (const value of given) {
    const id = typeof value === 'string' ? contactIdIn(value) : undefined;
    if (id !== undefined) return { kind: 'id', id };
  }
  return { kind: given.length === 0 ? 'no-contact-id' : 'not-a-contact-id' };
}
