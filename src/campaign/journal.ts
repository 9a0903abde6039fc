import { SyncError } from '../errors.js';
import type { EventItem } from './email-event.js';
import type { EventCursor, EventPage, EventSource } from './event-source.js';
import type { EventReading } from './event-reading.js';
import { isoSecond } from './event-times.js';
import { createJournalCalls, type JournalAccess, type JournalAnswer } from './journal-calls.js';
import { readJournalEvent, timeOfJournalEvent, type JournalEventSettings } from './journal-event.js';

export interface JournalSettings extends JournalAccess, JournalEventSettings {
  /** Entries of one page; the journal cuts a page at 1.5 MB all the same. */
  pageSize?: number;
}

type JournalCursor = Extract<EventCursor, { source: 'journal' }>;

const PAGE_SIZE = 1_000;
/** Adobe's clock and ours may differ by so much. */
const SEEK_MARGIN_MS = 10 * 60_000;
/** The journal keeps seven days (campaign.md §6); before that, its oldest is where to begin. */
const RETENTION_MS = 7 * 24 * 3_600_000;
/** An entry without a predecessor is looked for on so many pages. */
const REREAD_PAGES = 5;

/**
 * The Adobe I/O Events journal as a source: at least once, in no order, kept for seven days. What is read after a longer silence comes with
 * the `gap`. An entry that cannot be read is an item of its own; an answer that cannot be read is never passed over. `close` ends calls
 * under way; the source can be read again.
 */
export function createJournal(settings: JournalSettings): EventSource {
  const calls = createJournalCalls(settings);
  const journal = new URL(settings.url).pathname;
  let closing = new AbortController();

  const until = (signal?: AbortSignal): AbortSignal =>
    signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;

  async function read(given: EventCursor | undefined, signal: AbortSignal): Promise<EventPage> {
    const cursor = cursorOf(given);
    const { begun, answer } = await begin(cursor, until(signal));
    if (answer.kind !== 'gone') return pageOf(answer, cursor, begun);

    const from = cursor.at ?? cursor.from;
    const anew = oldest();
    const restarted = await calls.get(anew.address, until(signal));
    // The oldest that there is cannot have left.
    if (restarted.kind === 'gone')
      throw new SyncError('EVENT_JOURNAL_REFUSED', {
        system: 'campaign',
        subject: 'event journal',
        status: 410,
      });
    const times = restarted.kind === 'page' ? timesIn(restarted.entries) : [];
    const to = isoSecond(times.length > 0 ? Math.min(...times) : calls.nowMs());
    return {
      ...pageOf(restarted, { source: 'journal', journal, ...(from !== undefined && { at: from }) }, anew),
      gap: { ...(from !== undefined && { from }), to: from !== undefined && to < from ? from : to },
    };
  }

  async function begin(
    cursor: JournalCursor,
    ending: AbortSignal,
  ): Promise<{ begun: Begun; answer: JournalAnswer }> {
    const beforeMs = calls.nowMs();
    const begun = startOf(cursor);
    const answer = await calls.get(begun.address, ending);
    // A time is sought by how long ago it was, and that is known once the journal has told its own time.
    if (begun.from === undefined || calls.nowMs() - beforeMs < SEEK_MARGIN_MS) return { begun, answer };
    const again = startOf(cursor);
    return { begun: again, answer: await calls.get(again.address, ending) };
  }

  /** The cursor of another registration leads nowhere: this one is read from its oldest. */
  function cursorOf(given: EventCursor | undefined): JournalCursor {
    const isOwn = given?.source === 'journal' && (given.journal === undefined || given.journal === journal);
    return isOwn ? given : { source: 'journal', journal };
  }

  function startOf({ link, from }: JournalCursor): Begun {
    if (link !== undefined) {
      const after = new URL(link, settings.url).searchParams.get('since');
      return { address: link, ...(after !== null && { after }) };
    }
    const backMs = from === undefined ? Infinity : calls.nowMs() - Date.parse(from) + SEEK_MARGIN_MS;
    if (from === undefined || backMs >= RETENTION_MS) return oldest();
    return { address: addressWith({ seek: `-PT${Math.max(1, Math.ceil(backMs / 1000))}S` }), from };
  }

  const oldest = (): Begun => ({ address: addressWith({}) });

  function addressWith(query: Record<string, string>, limit = settings.pageSize ?? PAGE_SIZE): string {
    const url = new URL(settings.url);
    for (const [name, value] of Object.entries({ limit: String(limit), ...query }))
      url.searchParams.set(name, value);
    return url.href;
  }

  function pageOf(
    answer: Exclude<JournalAnswer, { kind: 'gone' }>,
    cursor: JournalCursor,
    begun: Begun,
  ): EventPage {
    if (answer.kind === 'empty') {
      const { link, from, ...kept } = cursor;
      const at = answer.next ?? link;
      const next =
        at === undefined ? { ...kept, ...(from !== undefined && { from }) } : { ...kept, link: at };
      return { items: [], next: { ...next, journal }, more: false, waitMs: answer.waitMs };
    }
    const nowMs = calls.nowMs();
    const { entries, next } = answer;
    const items = placesOf(entries, begun).map((place, index) => itemOf(entries[index], place, nowMs));
    const times = timesIn(entries).filter((ms) => ms <= nowMs);
    const latest = times.length > 0 ? isoSecond(Math.max(...times)) : undefined;
    const at = [latest, cursor.at]
      .filter((time) => time !== undefined)
      .toSorted()
      .at(-1);
    // Only 204 is the end, but a link that leads back to an empty page would be followed without pause.
    const more = entries.length > 0 || next !== begun.address;
    return {
      items,
      next: { source: 'journal', journal, link: next, ...(at !== undefined && { at }) },
      more,
      ...(!more && { waitMs: EMPTY_PAGE_WAIT_MS }),
    };
  }

  function itemOf(entry: unknown, place: Place, nowMs: number): EventItem {
    return itemAt(place, readJournalEvent(eventIn(entry), nowMs, settings));
  }

  async function reread(position: string): Promise<EventItem | undefined> {
    const place = placeIn(position);
    if (!place) return undefined;
    let begun = rereadFrom(place);
    for (let page = 0; page < REREAD_PAGES; page += 1) {
      let answer = await calls.get(begun.address, until());
      if (answer.kind === 'gone') {
        // The one before it has left; then it is the oldest, or has left as well.
        begun = { address: addressWith({}, place.skip + 1) };
        page = REREAD_PAGES;
        answer = await calls.get(begun.address, until());
      }
      if (answer.kind !== 'page') return undefined;
      const { entries } = answer;
      const places = placesOf(entries, begun);
      const found = places.findIndex((each) => isSame(each, place));
      if (found >= 0) return itemOf(entries[found], place, calls.nowMs());
      begun = startOf({ source: 'journal', link: answer.next });
    }
    return undefined;
  }

  /** A position is exclusive with `since`, so the one before it leads to the entry; the first of a read has none. */
  function rereadFrom({ after, skip, from }: Place): Begun {
    if (after !== undefined) return { address: addressWith({ since: after }, skip + 1), after };
    return startOf({ source: 'journal', ...(from !== undefined && { from }) });
  }

  return {
    read,
    reread,
    since: async (time) => ({ source: 'journal', journal, from: time }),
    async close() {
      closing.abort(
        new SyncError('CAMPAIGN_UNREACHABLE', { system: 'campaign', subject: 'a closed source' }),
      );
      closing = new AbortController();
    },
  };
}

const EMPTY_PAGE_WAIT_MS = 10_000;

interface Begun {
  address: string;
  /** The position that the read begins behind. */
  after?: string;
  /** Or the time that it begins at, ISO 8601. */
  from?: string;
}

/** Where an entry is: so many entries behind the one at `after`, or behind the beginning. */
interface Place {
  after?: string;
  from?: string;
  skip: number;
  /** The entry's own position, if it has one. */
  at?: string;
}

function placesOf(entries: unknown[], { after, from }: Begun): Place[] {
  let behind: Omit<Place, 'skip'> = {
    ...(after !== undefined && { after }),
    ...(from !== undefined && { from }),
  };
  let skip = 0;
  return entries.map((entry) => {
    const own = (entry as { position?: unknown } | null | undefined)?.position;
    const at = typeof own === 'string' && own !== '' ? own : undefined;
    const place = { ...behind, skip, ...(at !== undefined && { at }) };
    if (at === undefined) skip += 1;
    else {
      behind = { after: at };
      skip = 0;
    }
    return place;
  });
}

/** Without a position of its own, an entry is known by where it stands. */
const isSame = (found: Place, sought: Place): boolean =>
  sought.at === undefined
    ? found.at === undefined && found.after === sought.after && found.skip === sought.skip
    : found.at === sought.at;

function placeIn(position: string): Place | undefined {
  try {
    const place = JSON.parse(position) as Place | null;
    return place !== null && Number.isSafeInteger(place.skip) ? place : undefined;
  } catch {
    return undefined;
  }
}

function itemAt(place: Place, reading: EventReading): EventItem {
  const position = JSON.stringify(place);
  if (reading.kind !== 'fault') return { position, ...reading };
  const { code, field, identity } = reading;
  return { position, kind: 'fault', key: identity ?? `journal:${place.at ?? position}`, code, field };
}

const eventIn = (entry: unknown): unknown => (entry as { event?: unknown } | null | undefined)?.event;

const timesIn = (entries: unknown[]): number[] =>
  entries.map((entry) => timeOfJournalEvent(eventIn(entry))).filter((ms) => ms !== undefined);
