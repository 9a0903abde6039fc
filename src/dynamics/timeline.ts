import { z } from 'zod';
import type { ErrorCode } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { divided } from './chunk-size.js';
import { createDefinitions } from './definitions.js';
import {
  describeEventTables,
  type EventKind,
  type EventTableNames,
  type EventTables,
} from './event-tables.js';
import { idsFilter, isGuid } from './ids.js';
import { createPace, usualProtection, type ServiceProtection } from './pace.js';
import { createProvision, type Provisioned } from './provision.js';
import { createTimelineWriter } from './timeline-writer.js';
import type { WebApi } from './web-api.js';

/** One row of a contact's timeline. */
export interface TimelineRow {
  /** Its activityid, a GUID. */
  id: string;
  kind: EventKind | 'task';
  contactId: string;
  subject: string;
  /** ISO 8601, UTC. */
  at: string;
  campaignName?: string;
  deliveryName?: string;
  mirrorPageUrl?: string;
  trackingUrl?: string;
  description?: string;
}

export type TimelineOutcome = { id: string } & (
  | { outcome: 'written' }
  | { outcome: 'contact-gone' }
  | { outcome: 'refused'; code: ErrorCode; field?: string }
);

/** What email events ask of Dynamics (DESIGN §8). */
export interface Timeline {
  /**
   * The tables of these names as Dynamics describes them. Throws DYNAMICS_EVENT_TABLE_UNFIT naming the table or column that is missing
   * or of another kind.
   */
  describeEventTables(
    names: Partial<Record<EventKind, EventTableNames>>,
    options: { followUpTasks: boolean },
    call?: CallOptions,
  ): Promise<EventTables>;
  /**
   * Writes each row once: one whose id is there already counts as written, so that anything may be sent again. Outcomes are told as they
   * come; never a throw for a row. Throws when Dynamics is throttled beyond patience, out of reach, lacks a right or has changed its
   * tables: rows without an outcome are then still to be written.
   */
  writeTimeline(
    tables: EventTables,
    rows: TimelineRow[],
    options: CallOptions & { concurrency: number; onOutcomes(outcomes: TimelineOutcome[]): void },
  ): Promise<void>;
  /** Those of these contacts that are there, a hundred asked for in a call; ids as they were given. */
  existingContacts(ids: string[], call?: CallOptions): Promise<Set<string>>;
  /** Makes our event tables as far as they are missing; see provision.ts. */
  provision(call?: CallOptions): Promise<Provisioned>;
}

export function createTimeline(api: WebApi, protection: ServiceProtection = usualProtection): Timeline {
  const definitions = createDefinitions(api);
  const writer = createTimelineWriter(api, createPace(api.clock, protection));
  return {
    describeEventTables: (names, options, call) =>
      describeEventTables(api, definitions, names, options, call),
    writeTimeline: (tables, rows, options) => writer.write(tables, rows, options),
    existingContacts: (ids, call) => existingContacts(api, ids, call),
    provision: createProvision(api, definitions),
  };
}

const IDS_A_CALL = 100;
const contacts = z.object({ value: z.array(z.object({ contactid: z.string() })) });

async function existingContacts(api: WebApi, ids: string[], call?: CallOptions): Promise<Set<string>> {
  const wanted = [...new Set(ids)].filter(isGuid);
  const found = await Promise.all(
    divided(wanted, IDS_A_CALL).map((group) => {
      const address = `contacts?$select=contactid&${idsFilter('contactid', group)}`;
      return api.getLong(address, ({ body }) => contacts.safeParse(body).data?.value, call);
    }),
  );
  const there = new Set(found.flat().map(({ contactid }) => contactid.toLowerCase()));
  return new Set(wanted.filter((id) => there.has(id.toLowerCase())));
}
