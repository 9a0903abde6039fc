import type { BroadLog, Delivery, TrackingLog } from './logs.js';
import { fileTime } from './text-file.js';

/** Columns of the exports that the sandbox's tenant has set up (campaign.md §5, §7). */
export const DELIVERY_LOG_COLUMNS = [
  'id',
  'status',
  'failureType',
  'failureReason',
  'messageType',
  'contactDate',
  'eventDate',
  'lastModified',
  'delivery-id',
  'deliveryName',
  'deliveryLabel',
  'campaignName',
  'externalId',
  'testMember',
];

export const TRACKING_LOG_COLUMNS = [
  'id',
  'logDate',
  'trackingUrlType',
  'url-id',
  'urlSource',
  'urlLabel',
  'broadLog-id',
  'contactDate',
  'delivery-id',
  'deliveryName',
  'deliveryLabel',
  'campaignName',
  'externalId',
];

const STATUS = { sent: '1', failed: '2' };
const FAILURE_TYPE = { none: '0', soft: '1', hard: '2' };
const EMAIL = '0';
const URL_TYPE = { click: '1', open: '2', unsubscribe: '3' };
/** The addresses that every delivery has without naming them. */
const COMMON_URLS = { open: ['1', '', 'Open'], unsubscribe: ['2', '', 'Unsubscription link'] };

/** @param failure what the row shows: nothing while a message that bounces later is still taken as sent. */
export function deliveryLogRow(
  log: BroadLog,
  delivery: Delivery,
  failure: BroadLog['failure'],
  modifiedMs: number,
): string[] {
  return [
    String(log.id),
    failure ? STATUS.failed : STATUS.sent,
    FAILURE_TYPE[failure?.type ?? 'none'],
    String(failure?.reason ?? 0),
    EMAIL,
    fileTime(log.contactMs),
    fileTime(failure?.atMs ?? log.contactMs),
    fileTime(modifiedMs),
    ...deliveryColumns(delivery),
    log.externalId,
    log.test === undefined ? '0' : '1',
  ];
}

export function trackingLogRow(tracking: TrackingLog, log: BroadLog, delivery: Delivery): string[] {
  const link = delivery.links.find(({ id }) => id === tracking.link);
  const url = tracking.kind === 'click' ? undefined : COMMON_URLS[tracking.kind];
  return [
    String(tracking.id),
    fileTime(tracking.atMs),
    URL_TYPE[tracking.kind],
    ...(url ?? [String(link?.id ?? ''), link?.url ?? '', link?.label ?? '']),
    String(log.id),
    fileTime(log.contactMs),
    ...deliveryColumns(delivery),
    log.externalId,
  ];
}

const deliveryColumns = ({ id, name, label, campaignName }: Delivery): string[] => [
  String(id),
  name,
  label,
  campaignName,
];
