import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { Definitions, WritableColumn } from './definitions.js';
import type { WebApi } from './web-api.js';

export type EventKind = 'send' | 'open' | 'click' | 'bounce';

/** Logical names of an activity table and its columns; a column that is not named is not written. */
export interface EventTableNames {
  table: string;
  campaignName?: string | undefined;
  deliveryName?: string | undefined;
  occurredOn?: string | undefined;
  mirrorPageUrl?: string | undefined;
  trackingUrl?: string | undefined;
}

export type EventColumn = Exclude<keyof EventTableNames, 'table'>;

const columns = {
  campaignName: 'dcs_campaignname',
  deliveryName: 'dcs_deliveryname',
  occurredOn: 'dcs_occurredon',
  mirrorPageUrl: 'dcs_mirrorpageurl',
} as const;

/** The tables that `provision` makes. */
export const ourEventTables: Record<EventKind, EventTableNames> = {
  send: { table: 'dcs_emailsend', ...columns },
  open: { table: 'dcs_emailopen', ...columns },
  click: { table: 'dcs_emailclick', ...columns, trackingUrl: 'dcs_trackingurl' },
  bounce: { table: 'dcs_emailbounce', ...columns },
};

/** One activity table, as Dynamics describes it. */
export interface EventTable {
  logicalName: string;
  entitySetName: string;
  /** Navigation property by which a row regards a contact. */
  contactNavigation: string;
  /** Whether CreateMultiple writes it. */
  inBulk: boolean;
  subjectLength: number;
  /** What to write where. */
  columns: Partial<Record<EventColumn | 'description', WritableColumn>>;
}

/** The tables that events go to, as Dynamics describes them. */
export interface EventTables {
  kinds: Partial<Record<EventKind | 'task', EventTable>>;
  /** Calls at once that Dynamics recommends, if it does. */
  concurrency?: number;
}

/**
 * Reads what a write into these tables must know, nothing of it guessed: entity sets, the way to the contact, lengths, bulk support.
 * Throws DYNAMICS_EVENT_TABLE_UNFIT naming the table and column that is missing or of another kind.
 */
export async function describeEventTables(
  api: WebApi,
  definitions: Definitions,
  names: Partial<Record<EventKind, EventTableNames>>,
  { followUpTasks }: { followUpTasks: boolean },
  call?: CallOptions,
): Promise<EventTables> {
  const wanted = Object.entries({ ...names, ...(followUpTasks && { task: { table: 'task' } }) });
  const [concurrency, ...described] = await Promise.all([
    recommendedConcurrency(api, call),
    ...wanted.map(async ([kind, of]) => [kind, await describe(definitions, of, call)] as const),
  ]);
  return { kinds: Object.fromEntries(described), ...(concurrency !== undefined && { concurrency }) };
}

async function describe(
  definitions: Definitions,
  { table, ...names }: EventTableNames,
  call?: CallOptions,
): Promise<EventTable> {
  const found = await definitions.table(table, call);
  if (!found) throw unfit(`${table}: there is no such table`);
  if (!found.isActivity) throw unfit(`${table}: it is no activity`);
  const [there, contactNavigation, inBulk] = await Promise.all([
    definitions.columns(table, call),
    definitions.contactNavigation(table, call),
    definitions.takesMultiple(table, call),
  ]);
  if (contactNavigation === undefined) throw unfit(`${table}: it cannot regard a contact`);
  const subject = there.get('subject');
  if (subject?.kind !== 'text') throw unfit(`${table}: it has no subject`);
  const described: EventTable['columns'] = {};
  for (const [place, name] of Object.entries(names) as [EventColumn, string | undefined][]) {
    if (name === undefined) continue;
    const column = there.get(name);
    if (!column) throw unfit(`${table}: a column for texts or times is missing`, name);
    if (column.kind === 'moment' && place !== 'occurredOn')
      throw unfit(`${table}: a column that takes times is to take texts`, name);
    described[place] = column;
  }
  const description = there.get('description');
  if (description) described.description = description;
  return {
    logicalName: table,
    entitySetName: found.entitySetName,
    contactNavigation,
    inBulk,
    subjectLength: subject.maxLength,
    columns: described,
  };
}

/** WhoAmI is where the recommendation is sure to be (dataverse.md §1). */
async function recommendedConcurrency(api: WebApi, call?: CallOptions): Promise<number | undefined> {
  const hint = await api.get('WhoAmI', ({ headers }) => String(headers['x-ms-dop-hint'] ?? ''), call);
  const recommended = Number(hint);
  return Number.isInteger(recommended) && recommended > 0 ? recommended : undefined;
}

/** Names the table, what is wrong with it and the column. */
export const unfit = (subject: string, field?: string): SyncError =>
  new SyncError('DYNAMICS_EVENT_TABLE_UNFIT', {
    system: 'dynamics',
    subject,
    ...(field !== undefined && { field }),
  });
