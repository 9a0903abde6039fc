import type { EventItem } from '../campaign/email-event.js';
import { SyncError } from '../errors.js';
import { ingressFlow } from '../contracts.js';
import type { TimelineOutcome, TimelineRow } from '../dynamics/timeline.js';
import type { EventOutcome, Feed } from '../ledger/store.js';
import { asksForTask, eventKinds, type Events } from '../mapping/events-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { eventRowId, subjectOf, taskRowId } from './event-rows.js';
import type { EventTablesInForce } from './event-tables.js';
import type { OpenSlice } from './slice.js';

/** What a page of events came to. `interruption` stopped it before its end: items without an outcome are still to be done. */
export interface SettledEvents {
  outcomes: EventOutcome[];
  interruption?: SyncError;
}

type EventRow = Extract<EventItem, { kind: 'event' }> & { id: string };

/** One page's walk: what is wanted, what is written already, whose contact is gone, and the rest into Dynamics (DESIGN §8). */
export function createEventPages(dependencies: ActivityDependencies, tables: EventTablesInForce) {
  const { dynamics, ledger } = dependencies;

  /**
   * Never throws: what stopped the page comes with the outcomes so far, so that nothing that is written is forgotten. An item whose
   * event the same page holds twice is a duplicate.
   */
  async function settle(
    feed: Feed,
    items: EventItem[],
    events: Events,
    { options }: OpenSlice,
  ): Promise<SettledEvents> {
    const outcomes: EventOutcome[] = [];
    try {
      const wanted = sorted(items, events, outcomes);
      const fresh = await notWritten(feed, wanted, outcomes);
      const regarded = await withContact(fresh, outcomes, options);
      await write(regarded, events, outcomes, options);
      return { outcomes };
    } catch (cause) {
      const interruption = cause instanceof SyncError ? cause : new SyncError('INTERNAL', { cause });
      return { outcomes, interruption };
    }
  }

  async function notWritten(feed: Feed, rows: EventRow[], outcomes: EventOutcome[]): Promise<EventRow[]> {
    const written = await ledger.writtenEvents(rows.map(({ id }) => id));
    return rows.filter(({ id }) => {
      const page = written.get(id);
      if (page === undefined) return true;
      // What an interrupted attempt at this very page has written is this page's.
      outcomes.push({ id, outcome: page === feed.version ? 'written' : 'duplicate' });
      return false;
    });
  }

  /** A contact that ingress manages is there; of any other, Dynamics is asked. One that is deleted meanwhile is told by the write. */
  async function withContact(
    rows: EventRow[],
    outcomes: EventOutcome[],
    options: OpenSlice['options'],
  ): Promise<EventRow[]> {
    const ids = [...new Set(rows.map(({ event }) => event.contactId))];
    const known = await ledger.records(ingressFlow('contact'), ids);
    const unknown = ids.filter((id) => known.get(id)?.managed !== true);
    const existing =
      unknown.length === 0
        ? new Set<string>()
        : await dynamics.existingContacts(unknown, { ...options, priority: 'event' });
    const gone = new Set(unknown.filter((id) => !existing.has(id)));
    return rows.filter(({ id, event }) => {
      if (!gone.has(event.contactId)) return true;
      outcomes.push({ id, outcome: 'filtered', reason: 'contact-gone' });
      return false;
    });
  }

  async function write(
    rows: EventRow[],
    events: Events,
    outcomes: EventOutcome[],
    options: OpenSlice['options'],
  ): Promise<void> {
    if (rows.length === 0) return;
    const described = await tables.inForce(events, options);
    const places = new Map(rows.map((row) => [row.id, row.position]));
    const withTask = new Map(
      rows.filter(({ event }) => asksForTask(event.kind, events)).map((row) => [row.id, row]),
    );
    const tell = (told: TimelineOutcome): void =>
      void outcomes.push(outcomeOf(told, places.get(told.id) ?? ''));
    // A task comes first: the event is written once all that it leads to is.
    const tasks = [...withTask.values()].map(taskOf);
    const eventOfTask = new Map([...withTask.values()].map((row) => [taskRowId(row.event.identity), row.id]));
    const withoutTask = new Set<string>();
    await writeRows(tasks, (told) => {
      const id = eventOfTask.get(told.id) ?? '';
      if (told.outcome === 'written') return;
      withoutTask.add(id);
      tell({ ...told, id });
    });
    await writeRows(
      rows.filter(({ id }) => !withoutTask.has(id)).map((row) => timelineRowOf(row, events)),
      tell,
    );

    async function writeRows(timelineRows: TimelineRow[], told: (outcome: TimelineOutcome) => void) {
      if (timelineRows.length === 0) return;
      try {
        await dynamics.writeTimeline(described, timelineRows, {
          ...options,
          concurrency: dependencies.dynamicsMaxConcurrent,
          onOutcomes: (chunk) => chunk.forEach(told),
        });
      } catch (error) {
        tables.forget(error);
        throw error;
      }
    }
  }

  return { settle };
}

/** Takes out what needs no look at either system. */
function sorted(items: EventItem[], events: Events, outcomes: EventOutcome[]): EventRow[] {
  const seen = new Set<string>();
  return items.flatMap((item) => {
    if (item.kind === 'filtered') {
      outcomes.push({ id: eventRowId(item.position), outcome: 'filtered', reason: item.reason });
      return [];
    }
    if (item.kind === 'fault') {
      const { key, position } = item;
      outcomes.push({ id: eventRowId(key), outcome: 'parked', fault: faultOf(item), place: position });
      return [];
    }
    const id = eventRowId(item.event.identity);
    if (!events[eventKinds[item.event.kind]]) {
      outcomes.push({ id, outcome: 'filtered', reason: 'switched-off' });
      return [];
    }
    if (seen.has(id)) {
      outcomes.push({ id, outcome: 'duplicate' });
      return [];
    }
    seen.add(id);
    return [{ ...item, id }];
  });
}

function outcomeOf(told: TimelineOutcome, place: string): EventOutcome {
  const { id } = told;
  switch (told.outcome) {
    case 'written':
      return { id, outcome: 'written' };
    case 'contact-gone':
      return { id, outcome: 'filtered', reason: 'contact-gone' };
    case 'refused':
      return { id, outcome: 'parked', fault: faultOf(told), place };
  }
}

const faultOf = ({ code, field }: { code: string; field?: string }): { code: string; field?: string } => ({
  code,
  ...(field !== undefined && { field }),
});

function timelineRowOf({ id, event }: EventRow, { mirrorPageUrl }: Events): TimelineRow {
  const { kind, contactId, at, campaignName, deliveryName, mirrorPageId, url } = event;
  return {
    id,
    kind,
    contactId,
    subject: subjectOf(event),
    at,
    ...(campaignName !== undefined && { campaignName }),
    ...(deliveryName !== undefined && { deliveryName }),
    ...mirrorPageOf(mirrorPageId, mirrorPageUrl),
    ...(kind === 'click' && url !== undefined && { trackingUrl: url }),
  };
}

/** Campaign may send the page's id or its whole address (campaign.md §6 leaves it open). */
function mirrorPageOf(
  id: string | undefined,
  template: string | undefined,
): Pick<TimelineRow, 'mirrorPageUrl'> {
  if (id === undefined) return {};
  if (/^https?:\/\//i.test(id)) return { mirrorPageUrl: id };
  return template === undefined ? {} : { mirrorPageUrl: template.replaceAll('{id}', encodeURIComponent(id)) };
}

function taskOf({ event }: EventRow): TimelineRow {
  const what = event.kind === 'click' ? 'Follow up on a click' : 'Follow up on a bounced email';
  return {
    id: taskRowId(event.identity),
    kind: 'task',
    contactId: event.contactId,
    subject: `${what}: ${subjectOf(event)}`,
    at: event.at,
    ...(event.kind === 'click' && event.url !== undefined && { description: event.url }),
  };
}
