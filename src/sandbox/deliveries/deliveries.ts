import { profileCall } from '../campaign/profile-call.js';
import type { Resources } from '../campaign/resources.js';
import { updateRecord } from '../campaign/writes.js';
import type { CampaignRecord } from '../campaign/record-table.js';
import type { SandboxContext } from '../context.js';
import type { Content, Entries } from '../journal/entries.js';
import { createRandom, guid, type Random } from '../seed/random.js';
import type { EmailEvent } from './email-event.js';
import type { Exports } from './exports.js';
import { drawFates, type Fate } from './fates.js';
import type { BroadLog, Delivery, Logs, TrackingLog } from './logs.js';
import type { DeliveryReport, DeliveryRequest } from './request.js';

export interface Deliveries {
  /** Sends a marketing delivery: logs, journal entries, exported files. Committed when it returns. */
  send(request: DeliveryRequest): DeliveryReport;
}

export interface DeliveryRoom {
  context: SandboxContext;
  resources: Resources;
  logs: Logs;
  entries: Entries;
  exports: Exports;
}

interface Recipient {
  recipient: number;
  externalId: string;
  test?: 'proof' | 'seed';
}

/** Recipients that are no profiles have numbers of their own. */
const FIRST_STRANGER = 900_000_001;
/** A commit is one text, whose length has a limit. */
const MESSAGES_PER_COMMIT = 50_000;

/** Marketing deliveries, as far as their traces go (campaign.md §5, §6): nothing is written, rendered or mailed. */
export function createDeliveries({ context, resources, logs, entries, exports }: DeliveryRoom): Deliveries {
  function send(request: DeliveryRequest): DeliveryReport {
    const delivery = newDelivery(request);
    const random = createRandom(request.seed ^ delivery.id);
    const nowMs = context.clock.nowMs();
    const profiles = eligible(resources, request.profiles);
    const asked = { ...request, links: delivery.links.length };
    const messages = [
      ...pair(profiles, drawFates(random, profiles.length, asked, nowMs)),
      ...beside(random, profiles, request, nowMs),
    ];
    const firstLog = logs.take('broadLog', messages.length);
    const firstTracking = logs.take(
      'trackingLog',
      messages.reduce((sum, { fate }) => sum + actions(fate), 0),
    );
    let nextTracking = firstTracking;
    const events: EmailEvent[] = [];
    for (const [place, { to, fate }] of messages.entries()) {
      const log = broadLog(firstLog + place, delivery, to, fate);
      logs.broadLogs.set(String(log.id), log);
      if (place % MESSAGES_PER_COMMIT === MESSAGES_PER_COMMIT - 1) context.store.commit();
      addEvents(random, events, log);
      for (const tracking of trackingOf(fate, log, delivery, nextTracking)) {
        nextTracking = tracking.id + 1;
        logs.trackingLogs.set(String(tracking.id), tracking);
        const { kind, atMs, id } = tracking;
        events.push({ id: guid(random), kind, log: log.id, tracking: id, atMs });
      }
      if (fate.unsubscribeMs !== undefined) denyEmail(to.recipient);
    }
    events.sort((left, right) => left.atMs - right.atMs);
    const contents = events.map((email): Content => ({ email }));
    const duplicates = entries.append(contents, request.seed ^ delivery.id);
    const files = exports.prepare({
      delivery: delivery.id,
      broadLogs: { first: firstLog, amount: messages.length },
      trackingLogs: { first: firstTracking, amount: nextTracking - firstTracking },
    });
    context.store.commit();
    exports.writePrepared();
    const count = (has: (fate: Fate) => boolean) =>
      messages.filter(({ to, fate }) => to.externalId !== '' && to.test === undefined && has(fate)).length;
    return {
      delivery: delivery.name,
      deliveryId: delivery.id,
      campaign: delivery.campaignName,
      label: delivery.label,
      profiles: profiles.length,
      sends: count(({ failure }) => failure?.type !== 'soft'),
      opens: count(({ openMs }) => openMs !== undefined),
      clicks: count(({ click }) => click !== undefined),
      bounces: count(({ failure }) => failure?.type === 'hard'),
      softBounces: count(({ failure }) => failure?.type === 'soft'),
      unsubscribes: count(({ unsubscribeMs }) => unsubscribeMs !== undefined),
      proofs: request.proofs,
      seeds: request.seeds,
      withoutExternalId: messages.filter(({ to }) => to.externalId === '' && to.test === undefined).length,
      journal: { entries: contents.length + duplicates, duplicates },
      files,
    };
  }

  function newDelivery(request: DeliveryRequest): Delivery {
    const id = logs.take('delivery');
    const campaignId = logs.take('campaign');
    const firstLink = logs.take('link', request.links);
    const name = request.delivery ?? `DM${id}`;
    const delivery: Delivery = {
      id,
      name,
      label: request.label ?? `Spring offer ${id}`,
      campaignId,
      campaignName: request.campaign ?? `CMP${campaignId}`,
      links: Array.from({ length: request.links }, (_, place) => ({
        id: firstLink + place,
        url: `https://shop.example/${encodeURIComponent(name)}/${place + 1}?utm_campaign=${id}&utm_medium=email`,
        label: `Offer ${place + 1}`,
      })),
    };
    logs.deliveries.set(String(id), delivery);
    return delivery;
  }

  /** As the profile's own page would do it, with the stamps that belong to it. */
  function denyEmail(profile: number): void {
    const record = resources.table('profile').get(profile);
    if (!record) return;
    const call = profileCall(context, resources);
    updateRecord(call, { record, by: 'pkey', key: '' }, { blackListEmail: true });
  }

  return { send };
}

interface Message {
  to: Recipient;
  fate: Fate;
}

const pair = (recipients: Recipient[], fates: Fate[]): Message[] =>
  recipients.flatMap((to, place) => {
    const fate = fates[place];
    return fate ? [{ to, fate }] : [];
  });

/** The first profiles that have an email and are on no denylist for it. */
function eligible(resources: Resources, amount: number): Recipient[] {
  const found: Recipient[] = [];
  for (const { id, values } of resources.table('profile').from(-1)) {
    if (found.length === amount) break;
    if (!mayBeMailed(values)) continue;
    found.push({ recipient: id, externalId: String(values['externalId'] ?? '') });
  }
  return found;
}

const mayBeMailed = ({ email, blackList, blackListEmail }: CampaignRecord['values']): boolean =>
  typeof email === 'string' && email !== '' && blackList !== true && blackListEmail !== true;

/** Proofs and seeds show a real profile's data, its external id included; strangers have none. */
function beside(
  random: Random,
  profiles: Recipient[],
  { proofs, seeds, withoutExternalId, over }: DeliveryRequest,
  nowMs: number,
): Message[] {
  const quiet = { opens: 0, clicks: 0, bounces: 0, softBounces: 0, unsubscribes: 0, links: 1, over };
  const recipients = Array.from({ length: proofs + seeds + withoutExternalId }, (_, place): Recipient => {
    const recipient = FIRST_STRANGER + place;
    if (place >= proofs + seeds) return { recipient, externalId: '' };
    const shown = profiles[place % Math.max(1, profiles.length)];
    return { recipient, externalId: shown?.externalId ?? '', test: place < proofs ? 'proof' : 'seed' };
  });
  return pair(recipients, drawFates(random, recipients.length, quiet, nowMs));
}

const actions = ({ openMs, click, unsubscribeMs }: Fate): number =>
  [openMs, click, unsubscribeMs].filter((action) => action !== undefined).length;

const broadLog = (id: number, delivery: Delivery, to: Recipient, { sentMs, failure }: Fate): BroadLog => ({
  id,
  delivery: delivery.id,
  ...to,
  contactMs: sentMs,
  ...(failure && { failure }),
});

function addEvents(random: Random, events: EmailEvent[], { id: log, contactMs, failure }: BroadLog): void {
  if (failure?.type !== 'soft') events.push({ id: guid(random), kind: 'send', log, atMs: contactMs });
  if (!failure) return;
  const kind = failure.type === 'soft' ? 'soft-bounce' : 'hard-bounce';
  events.push({ id: guid(random), kind, log, atMs: failure.atMs });
}

function trackingOf(
  { openMs, click, unsubscribeMs }: Fate,
  { id: broadLog }: BroadLog,
  { links }: Delivery,
  firstId: number,
): TrackingLog[] {
  let id = firstId;
  const tracked: TrackingLog[] = [];
  if (openMs !== undefined) tracked.push({ id: id++, broadLog, kind: 'open', atMs: openMs });
  if (click) {
    const link = links[click.link]?.id;
    tracked.push({
      id: id++,
      broadLog,
      kind: 'click',
      atMs: click.atMs,
      ...(link !== undefined && { link }),
    });
  }
  if (unsubscribeMs !== undefined) tracked.push({ id, broadLog, kind: 'unsubscribe', atMs: unsubscribeMs });
  return tracked;
}
