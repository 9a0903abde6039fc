import { columnPlaces, isOfColumns } from './delimited-columns.js';
import type { EventKind, FilterReason } from './email-event.js';
import { readEvent, type EventReading, type RawField } from './event-reading.js';
import type { EventTimes } from './event-times.js';

export type LogKind = 'delivery' | 'tracking';

/** Columns of Campaign's exported logs (campaign.md §5), and the headings they have unless the settings say otherwise. */
export const logColumns = {
  delivery: [
    'id',
    'status',
    'failureType',
    'failureReason',
    'messageType',
    'contactDate',
    'eventDate',
    'deliveryName',
    'deliveryLabel',
    'campaignName',
    'externalId',
    'testMember',
  ],
  tracking: [
    'trackingUrlType',
    'logDate',
    'url-id',
    'urlSource',
    'urlLabel',
    'broadLog-id',
    'deliveryName',
    'deliveryLabel',
    'campaignName',
    'externalId',
  ],
} as const;
/** Without these nothing can be told; of alternatives one is enough. */
const REQUIRED = {
  delivery: [['id'], ['status'], ['failureType'], ['externalId'], ['eventDate', 'contactDate']],
  tracking: [['trackingUrlType'], ['logDate'], ['url-id'], ['broadLog-id'], ['externalId']],
} as const;

/** Where the columns are in a file. */
export interface LogColumns {
  kind: LogKind;
  count: number;
  cell(cells: string[], column: string): string | undefined;
  /** A column's heading in the file. */
  heading(column: string): string;
}

/** Finds the columns by the file's first row. `missing` is the heading of a column that is needed and not there. */
export function columnsOf(
  kind: LogKind,
  headings: string[],
  names: Partial<Record<string, string>>,
): LogColumns | { missing: string } {
  const heading = (column: string): string => names[column] ?? column;
  const placeOf = columnPlaces(headings);
  const places = new Map(logColumns[kind].map((column) => [column as string, placeOf(heading(column))]));
  const has = (column: string): boolean => places.get(column) !== undefined;
  for (const alternatives of REQUIRED[kind])
    if (!alternatives.some(has)) return { missing: heading(alternatives[0]) };
  return {
    kind,
    count: headings.length,
    heading,
    cell: (cells, column) => cells[places.get(column) ?? -1],
  };
}

/** Reads a row of a log file. */
export function readLogRow(
  cells: string[],
  columns: LogColumns,
  times: EventTimes,
  nowMs: number,
): EventReading {
  if (!isOfColumns(cells, columns.count)) return { kind: 'fault', code: 'EVENT_UNREADABLE', field: 'row' };
  const cell = (column: string): string => columns.cell(cells, column)?.trim() ?? '';
  const raw = (column: string): RawField => ({ field: columns.heading(column), value: cell(column) });
  const happened = columns.kind === 'delivery' ? deliveryOf(cell) : trackingOf(cell);
  if (typeof happened === 'object')
    return 'reason' in happened
      ? { kind: 'filtered', reason: happened.reason }
      : { kind: 'fault', code: 'EVENT_UNREADABLE', field: columns.heading(happened.unreadable) };

  const isDelivery = columns.kind === 'delivery';
  const time = isDelivery ? (cell('eventDate') === '' ? 'contactDate' : 'eventDate') : 'logDate';
  return readEvent(
    {
      kind: happened,
      logId: raw(isDelivery ? 'id' : 'broadLog-id'),
      ...(happened === 'click' && { linkId: raw('url-id') }),
      contactIds: [cell('externalId')],
      at: { field: columns.heading(time), ms: times.read(cell(time)) },
      isTest: ['1', 'true', 'yes'].includes(cell('testMember').toLowerCase()),
      texts: {
        campaignName: raw('campaignName'),
        deliveryName: raw('deliveryName'),
        deliveryLabel: raw('deliveryLabel'),
        ...(happened === 'click' && { url: raw('urlSource'), urlLabel: raw('urlLabel') }),
        ...(happened === 'bounce' && { reason: reasonOf(raw('failureReason')) }),
      },
    },
    nowMs,
  );
}

type Happened = EventKind | { reason: FilterReason } | { unreadable: string };

const isCode = (text: string): boolean => /^\d{1,3}$/.test(text);

/** By the codes of campaign.md §5. An export of labels in their place would otherwise pass for events that nobody wants. */
function deliveryOf(cell: (column: string) => string): Happened {
  const status = cell('status');
  if (!isCode(status)) return { unreadable: 'status' };
  if (status !== '1' && status !== '2') return { reason: 'other-type' };
  if (!['', '0', 'email', 'mail'].includes(cell('messageType').toLowerCase()))
    return { reason: 'other-channel' };
  if (status === '1') return 'send';
  const failureType = cell('failureType');
  if (!isCode(failureType)) return { unreadable: 'failureType' };
  return failureType === '2' ? 'bounce' : { reason: 'soft-bounce' };
}

function trackingOf(cell: (column: string) => string): Happened {
  const type = cell('trackingUrlType');
  if (!isCode(type)) return { unreadable: 'trackingUrlType' };
  switch (type) {
    case '2':
      return 'open';
    case '1':
    case '10':
    case '11':
      return 'click';
    default:
      return { reason: 'other-type' };
  }
}

/** The journal's names for the codes (campaign.md §5, §6). */
const REASONS: Readonly<Record<string, string>> = {
  1: 'unknown_user',
  2: 'invalid_domain',
  3: 'unreachable',
  4: 'disabled',
  5: 'mailbox_full',
  6: 'not_connected',
  8: 'blacklisted',
  20: 'refused',
};

const reasonOf = ({ field, value }: RawField): RawField => ({
  field,
  value: REASONS[String(value)] ?? value,
});
