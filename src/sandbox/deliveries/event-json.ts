import { reasonOf } from './failure-reasons.js';
import type { EmailEvent, EmailEventKind } from './email-event.js';
import type { BroadLog, Logs } from './logs.js';

const CAMPAIGN = 'https://ns.adobe.com/experience/campaign';

/** The metric that counts the event: a permanent failure is `nonDeliverables`, a passing one `bounces` (campaign.md §6). */
const METRICS: Record<EmailEventKind, string> = {
  send: 'sends',
  open: 'opens',
  click: 'clicks',
  unsubscribe: 'unsubscriptions',
  'soft-bounce': 'bounces',
  'hard-bounce': 'nonDeliverables',
};

const SOURCES: Record<EmailEventKind, string> = {
  send: 'pipelined-mta',
  open: 'pipelined-trackinglogd',
  click: 'pipelined-trackinglogd',
  unsubscribe: 'pipelined-trackinglogd',
  'soft-bounce': 'pipelined-mta',
  // It came back by mail, after the receiving server had taken the message.
  'hard-bounce': 'pipelined-inMail',
};

export interface EventJsonOptions {
  clientId: string;
  /** Whether the address of the mirror page is told (campaign.md §6, "Evidence"). */
  mirrorPageId: boolean;
}

/** An email event in the XDM form of campaign.md §6; undefined when its logs are gone. */
export function eventJson(
  logs: Logs,
  event: EmailEvent,
  { clientId, mirrorPageId }: EventJsonOptions,
): Record<string, unknown> | undefined {
  const log = logs.broadLogs.get(String(event.log));
  const delivery = log && logs.deliveries.get(String(log.delivery));
  if (!log || !delivery) return undefined;
  const tracking = event.tracking === undefined ? undefined : logs.trackingLogs.get(String(event.tracking));
  const link = delivery.links.find(({ id }) => id === tracking?.link);
  return {
    event_id: event.id,
    eventid: event.id,
    recipient_client_id: clientId,
    recipientclientid: clientId,
    'xdm:timestamp': xdmTime(event.atMs),
    'xdm:channel': { '@id': 'https://ns.adobe.com/xdm/channels/email' },
    'xdm:directMarketing': { [`xdm:${METRICS[event.kind]}`]: { 'xdm:value': 1 } },
    'xdm:identityMap': { CPGN: [{ 'xdm:id': String(log.recipient), 'xdm:primary': true }] },
    [`${CAMPAIGN}/message`]: messageOf(log, event, mirrorPageId),
    ...(log.externalId !== '' && { [`${CAMPAIGN}/externalID`]: log.externalId }),
    [`${CAMPAIGN}/delivery`]: {
      'xdm:id': delivery.id,
      'xdm:deliveryName': delivery.name,
      'xdm:deliveryLabel': delivery.label,
    },
    [`${CAMPAIGN}/marketingCampaign`]: {
      'xdm:id': delivery.campaignId,
      'xdm:campaignName': delivery.campaignName,
    },
    ...(link && {
      [`${CAMPAIGN}/link`]: { 'xdm:id': String(link.id), 'xdm:url': link.url, 'xdm:label': link.label },
    }),
    ...(event.kind === 'hard-bounce' && { [`${CAMPAIGN}/mutation`]: mutationOf(log) }),
    [`${CAMPAIGN}/eventSource`]: SOURCES[event.kind],
  };
}

function messageOf(log: BroadLog, { kind }: EmailEvent, mirrorPageId: boolean): Record<string, unknown> {
  const { failure } = log;
  const failed = failure && (kind === 'hard-bounce' || kind === 'soft-bounce');
  return {
    'xdm:id': log.id,
    'xdm:variant': 'default',
    'xdm:quarantine': kind === 'hard-bounce',
    'xdm:proofMember': log.test === 'proof',
    'xdm:seedMember': log.test === 'seed',
    ...(failed && { 'xdm:reason': reasonOf(failure).name, 'xdm:reasonMessage': reasonOf(failure).message }),
    ...(mirrorPageId && { 'xdm:mirrorPageID': mirrorPageOf(log) }),
  };
}

/** What no longer holds: the message was counted as sent. */
const mutationOf = (log: BroadLog): Record<string, unknown> => ({
  'xdm:timestamp': xdmTime(log.contactMs),
  'xdm:directMarketing': { 'xdm:sends': { 'xdm:value': 1 } },
  'xdm:quarantine': false,
});

const mirrorPageOf = (log: BroadLog): string =>
  `https://t.sandbox.campaign.example/r/?id=h${log.delivery.toString(16)},${log.id.toString(16)},1`;

/** `2024-05-02T08:45:10+00:00`. */
const xdmTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, '+00:00');
