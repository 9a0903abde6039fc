import type { EventKind } from './email-event.js';
import { readEvent, type EventReading, type RawField } from './event-reading.js';
import { createEventTimes } from './event-times.js';

/** What of an event's form no public source confirms (campaign.md §6). */
export interface JournalEventSettings {
  /** Where the id of the mirror page is: names of members, with dots between. */
  mirrorPageField?: string;
}

const MIRROR_PAGE_FIELD = 'message.mirrorPageID';

type Members = Record<string, unknown>;

const utc = createEventTimes('UTC');

/**
 * Reads an event in the form of Adobe's Experience Data Model, as the journal holds it. Names count with or without a prefix, `xdm:` or an
 * address, and in any case: Adobe's samples and schemas disagree (campaign.md §6).
 */
export function readJournalEvent(
  event: unknown,
  nowMs: number,
  { mirrorPageField = MIRROR_PAGE_FIELD }: JournalEventSettings = {},
): EventReading {
  if (!isMembers(event)) return { kind: 'fault', code: 'EVENT_UNREADABLE', field: 'event' };
  const message = objectIn(event, 'message');
  const happened = happeningOf(event, isTrue(member(message, 'quarantine')));
  if (happened === 'other-type' || happened === 'soft-bounce') return { kind: 'filtered', reason: happened };
  if (!isEmail(member(event, 'channel'))) return { kind: 'filtered', reason: 'other-channel' };

  const delivery = objectIn(event, 'delivery');
  const campaign = objectIn(event, 'marketingCampaign');
  const link = objectIn(event, 'link');
  const named = (field: string, value: unknown): RawField => ({ field, value });
  return readEvent(
    {
      kind: happened,
      logId: named('message.id', member(message, 'id')),
      linkId: named('link.id', member(link, 'id')),
      eventId: named('event_id', member(event, 'event_id') ?? member(event, 'eventid')),
      // The one in the message is not the profile's by the schema, and in Adobe's samples it is (campaign.md §6).
      contactIds: [member(event, 'externalID'), member(message, 'externalID')],
      at: { field: 'timestamp', ms: timeOf(event) },
      isTest: isTrue(member(message, 'proofMember')) || isTrue(member(message, 'seedMember')),
      replayed: String(member(event, 'eventSource') ?? '').startsWith('replay-'),
      texts: {
        campaignName: named('marketingCampaign.campaignName', member(campaign, 'campaignName')),
        deliveryName: named('delivery.deliveryName', member(delivery, 'deliveryName')),
        deliveryLabel: named('delivery.deliveryLabel', member(delivery, 'deliveryLabel')),
        mirrorPageId: named(mirrorPageField, at(event, mirrorPageField)),
        ...(happened === 'click' && {
          url: named('link.url', member(link, 'url')),
          urlLabel: named('link.label', member(link, 'label')),
        }),
        ...(happened === 'bounce' && { reason: named('message.reason', member(message, 'reason')) }),
      },
    },
    nowMs,
  );
}

/** When it happened, milliseconds since 1970; undefined when it does not say. */
export function timeOfJournalEvent(event: unknown): number | undefined {
  return isMembers(event) ? timeOf(event) : undefined;
}

function timeOf(event: Members): number | undefined {
  const written = member(event, 'timestamp');
  return typeof written === 'string' ? utc.read(written) : undefined;
}

/** Bounces come first: Adobe sends one as the same message's send with another metric. */
function happeningOf(event: Members, quarantined: boolean): EventKind | 'soft-bounce' | 'other-type' {
  const metrics = objectIn(event, 'directMarketing');
  const withdrawn = withdrawnBy(member(event, 'mutation'));
  const has = (metric: string): boolean =>
    counts(member(metrics, metric)) && !withdrawn.has(metric.toLowerCase());
  // Adobe's own bounce sample has it at the top, around `sends` (campaign.md §6).
  if (has('nonDeliverables') || isMembers(member(event, 'nonDeliverables'))) return 'bounce';
  if (has('bounces')) return quarantined ? 'bounce' : 'soft-bounce';
  if (has('clicks')) return 'click';
  if (has('opens')) return 'open';
  return has('sends') ? 'send' : 'other-type';
}

function counts(metric: unknown): boolean {
  if (!isMembers(metric)) return Number(metric ?? 0) > 0;
  const value = member(metric, 'value');
  return value === undefined || Number(value) > 0;
}

/** Names of the metrics that a later event makes undone, in small letters. */
function withdrawnBy(mutation: unknown): Set<string> {
  if (typeof mutation === 'string') return new Set([nameOf(mutation)]);
  if (Array.isArray(mutation)) return new Set(mutation.map((name) => nameOf(String(name))));
  if (!isMembers(mutation)) return new Set();
  const parts = [mutation, objectIn(mutation, 'metrics'), objectIn(mutation, 'directMarketing')];
  return new Set(parts.flatMap((part) => Object.keys(part).map(nameOf)));
}

/** Without one, the event is an email's: other channels name themselves. */
function isEmail(channel: unknown): boolean {
  const id = isMembers(channel) ? (member(channel, '@id') ?? member(channel, '_id')) : channel;
  return id === undefined || id === null || nameOf(String(id)) === 'email';
}

function at(event: Members, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inside, name) => (isMembers(inside) ? member(inside, name) : undefined), event);
}

const PREFIXES = ['https://ns.adobe.com/experience/campaign/', 'xdm:', ''];

function member(members: Members, name: string): unknown {
  for (const prefix of PREFIXES) {
    const value = members[prefix + name];
    if (value !== undefined) return value;
  }
  const wanted = name.toLowerCase();
  const key = Object.keys(members).find((each) => nameOf(each) === wanted);
  return key === undefined ? undefined : members[key];
}

/** What is left of a name without its prefix, in small letters. */
const nameOf = (key: string): string =>
  key.slice(Math.max(key.lastIndexOf('/'), key.lastIndexOf(':')) + 1).toLowerCase();

function objectIn(members: Members, name: string): Members {
  const value = member(members, name);
  return isMembers(value) ? value : {};
}

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || value === 'true' || value === '1';
