import { createHash } from 'node:crypto';
import type { Dynamics } from '../../src/dynamics/client.js';
import { ourEventTables, type EventTables } from '../../src/dynamics/event-tables.js';
import type { TimelineOutcome, TimelineRow } from '../../src/dynamics/timeline.js';
import type { SyncError } from '../../src/errors.js';
import type { Systems } from '../support/systems.js';
import { organisation } from './organisation.js';

/** An organisation with our tables, described, and its contacts. */
export async function provisioned(contacts: number) {
  const made = await organisation(contacts);
  const dynamics = made.connect();
  await dynamics.provision();
  const tables = await dynamics.describeEventTables(ourEventTables, { followUpTasks: true });
  await made.systems.sandbox.resetStats();
  return { ...made, dynamics, tables, contacts: await made.systems.contacts.ids() };
}

/** A GUID that follows from a text. */
export const guid = (text: string): string =>
  createHash('md5')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

export const rowsOf = (
  count: number,
  contacts: string[],
  kind: TimelineRow['kind'] = 'send',
): TimelineRow[] =>
  Array.from({ length: count }, (_, index) => ({
    id: guid(`${kind} ${index}`),
    kind,
    contactId: contacts[index % contacts.length] ?? '',
    subject: `Campaign Name: CMP1; Delivery Name: DM${index}`,
    at: '2026-03-04T09:15:00Z',
    campaignName: 'CMP1',
    deliveryName: `DM${index}`,
  }));

/** What was told of the rows, and the error that ended the write, if one did. */
export async function write(dynamics: Dynamics, tables: EventTables, rows: TimelineRow[]) {
  const told: TimelineOutcome[] = [];
  const error: SyncError | undefined = await dynamics
    .writeTimeline(tables, rows, {
      concurrency: 4,
      onOutcomes: (outcomes) => told.push(...outcomes),
    })
    .then(
      () => undefined,
      (reason: SyncError) => reason,
    );
  return { told, error, tally: tallyOf(told) };
}

function tallyOf(told: TimelineOutcome[]): Record<string, number> {
  const tally: Record<string, number> = {};
  for (const { outcome } of told) tally[outcome] = (tally[outcome] ?? 0) + 1;
  return tally;
}

export const sends = async (systems: Systems, entitySet = 'dcs_emailsends'): Promise<string[]> =>
  (await systems.rows.all(entitySet, ['activityid'])).map(({ activityid }) => String(activityid)).toSorted();
export const idsOf = (rows: TimelineRow[]): string[] => rows.map(({ id }) => id).toSorted();
