/** Reads points in time as Adobe's events and Campaign's exports write them (campaign.md §6, §7). */
export interface EventTimes {
  /** Milliseconds since 1970 UTC; undefined for any other text. A text without an offset is local. */
  read(text: string): number | undefined;
}

const FORM =
  /^(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?$/i;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Local times of this many days are remembered: reading an offset costs far more than reading a time. */
const REMEMBERED_DAYS = 1_000;

/**
 * `timeZone` is an IANA name. A local time that a clock shows twice, when summer ends, is its first; one that it leaves out is moved by
 * as much as the clock was.
 */
export function createEventTimes(timeZone: string): EventTimes {
  const offsetOf = offsetsOf(timeZone);
  const aroundDays = new Map<number, { before: number; after: number }>();

  function around(day: number): { before: number; after: number } {
    const known = aroundDays.get(day);
    if (known) return known;
    if (aroundDays.size >= REMEMBERED_DAYS) aroundDays.clear();
    const offsets = { before: offsetOf((day - 1) * DAY_MS), after: offsetOf((day + 2) * DAY_MS) };
    aroundDays.set(day, offsets);
    return offsets;
  }

  function utcOf(localMs: number): number {
    const { before, after } = around(Math.floor(localMs / DAY_MS));
    if (before === after) return localMs - before;
    const first = localMs - before;
    const second = localMs - after;
    if (offsetOf(first) === before) return first;
    return offsetOf(second) === after ? second : first;
  }

  return {
    read(text) {
      const parts = FORM.exec(text.trim());
      if (!parts) return undefined;
      const [, year = '', month = '', day = '', hour = '', minute = '', second = '0', fraction = '', offset] =
        parts;
      const ms = +fraction.slice(0, 3).padEnd(3, '0');
      const localMs = Date.UTC(+year, +month - 1, +day, +hour, +minute, +second, ms);
      // Date.UTC makes the 30th of February the 1st of March.
      const isReal = new Date(localMs).getUTCDate() === +day && +month <= 12 && +hour < 24 && +minute < 60;
      if (!isReal || +second > 59) return undefined;
      return offset === undefined ? utcOf(localMs) : localMs - writtenOffsetMs(offset);
    },
  };
}

/** ISO 8601, UTC, whole seconds. */
export const isoSecond = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;

function writtenOffsetMs(offset: string): number {
  if (!/^[+-]/.test(offset)) return 0;
  const digits = offset.replace(/\D/g, '').padEnd(4, '0');
  const ms = (Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2))) * 60_000;
  return offset.startsWith('-') ? -ms : ms;
}

/** What a zone's clocks are ahead of UTC at a moment. */
function offsetsOf(timeZone: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  return (ms) => {
    const parts = Object.fromEntries(
      format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000;
  };
}
