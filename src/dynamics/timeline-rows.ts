import type { ErrorCode } from '../errors.js';
import type { EventColumn, EventTable } from './event-tables.js';
import type { WritableColumn } from './definitions.js';
import type { TimelineRow } from './timeline.js';

export type Prepared =
  { kind: 'ready'; values: Record<string, string> } | { kind: 'refused'; code: ErrorCode; field: string };

/** The values that take a text of the row as they are, and whether it is an address. */
const TEXTS = {
  campaignName: false,
  deliveryName: false,
  mirrorPageUrl: true,
  trackingUrl: true,
  description: false,
} as const satisfies Record<Exclude<EventColumn, 'occurredOn'> | 'description', boolean>;

/**
 * A timeline row as Dynamics takes it. The subject is cut to its column; any other text that does not fit is refused, since half an
 * address or name would be a wrong one: TEXT_TOO_LONG, TEXT_NOT_ALLOWED, VALUE_NOT_CONVERTIBLE, with the column's name.
 */
export function prepare(row: TimelineRow, table: EventTable): Prepared {
  const values: Record<string, string> = {
    activityid: row.id,
    subject: titleOf(row.subject, table.subjectLength),
    [`${table.contactNavigation}@odata.bind`]: `/contacts(${row.contactId})`,
  };
  for (const [place, isAddress] of Object.entries(TEXTS) as [keyof typeof TEXTS, boolean][]) {
    const text = row[place];
    const column = table.columns[place];
    if (text === undefined || column?.kind !== 'text') continue;
    const code = faultOf(text, isAddress, column.maxLength);
    if (code) return { kind: 'refused', code, field: column.name };
    values[column.name] = text;
  }
  const { occurredOn } = table.columns;
  if (occurredOn) {
    const moment = momentFor(occurredOn, row.at);
    if (moment === undefined)
      return { kind: 'refused', code: 'VALUE_NOT_CONVERTIBLE', field: occurredOn.name };
    values[occurredOn.name] = moment;
  }
  return { kind: 'ready', values };
}

/** What XML cannot hold, and Dynamics refuses. */
const NOT_IN_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;
const NOT_IN_ADDRESSES = /[\p{Cc}\p{Cs}]/u;
const ELLIPSIS = '…';

/** Lengths count UTF-16 code units, as both sides do; a character of two is not cut in half. */
function titleOf(subject: string, maxLength: number): string {
  const title = subject.replace(NOT_IN_XML, ' ');
  if (title.length <= maxLength) return title;
  return title.slice(0, maxLength - ELLIPSIS.length).replace(/[\uD800-\uDBFF]$/, '') + ELLIPSIS;
}

function faultOf(text: string, isAddress: boolean, maxLength: number): ErrorCode | undefined {
  if (text.length > maxLength) return 'TEXT_TOO_LONG';
  const isRefused = isAddress ? NOT_IN_ADDRESSES.test(text) : text.search(NOT_IN_XML) >= 0;
  return isRefused ? 'TEXT_NOT_ALLOWED' : undefined;
}

/** To the second, as Dynamics keeps it. */
function momentFor(column: WritableColumn, at: string): string | undefined {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return undefined;
  const moment = `${date.toISOString().slice(0, 19)}Z`;
  if (column.kind === 'moment') return column.dateOnly ? moment.slice(0, 10) : moment;
  return moment.length <= column.maxLength ? moment : undefined;
}
