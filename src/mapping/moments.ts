/** Days and points in time, as Dynamics (dataverse.md §2) and Campaign (campaign.md §2) write them. */

export interface Moment {
  /** The day as written, `1984-02-11`, whatever the time zone. */
  day: string;
  /** Milliseconds since 1970 UTC; of a day alone, its first moment in UTC. */
  ms: number;
  /** Only a day was given, no time. */
  isDay: boolean;
}

const FORM =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?)?$/i;
const DAY_MS = 86_400_000;
const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * The moment a text means; a time without an offset is UTC. Undefined for every other form, for days that never were, for
 * leap seconds, which neither system knows, and for years outside 1 to 9999, which Campaign cannot hold.
 */
export function readMoment(text: string): Moment | undefined {
  const parts = FORM.exec(text);
  if (!parts) return undefined;
  const [, year = '', month = '', date = '', hour, minute = '', second = '0', fraction = '', offset] = parts;
  if (!isDayOfCalendar(Number(year), Number(month), Number(date))) return undefined;
  const day = text.slice(0, 10);
  const startMs = daysSince1970(Number(year), Number(month), Number(date)) * DAY_MS;
  if (hour === undefined) return { day, ms: startMs, isDay: true };
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const zoneMs = offsetMs(offset);
  if (zoneMs === undefined) return undefined;
  const seconds = (Number(hour) * 60 + Number(minute)) * 60 + Number(second);
  const ms = startMs + seconds * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3)) - zoneMs;
  return ms >= FIRST_MS && ms <= LAST_MS ? { day, ms, isDay: false } : undefined;
}

/** The day in UTC, `2026-03-04`. */
export const utcDay = ({ day, ms, isDay }: Moment): string =>
  isDay ? day : new Date(ms).toISOString().slice(0, 10);

/** Campaign's form of a point in time: `2019-09-25 23:20:35.000Z`. */
export const campaignDateTime = (ms: number): string => new Date(ms).toISOString().replace('T', ' ');

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDayOfCalendar(year: number, month: number, date: number): boolean {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 && isLeap ? 29 : (MONTH_DAYS[month - 1] ?? 0);
  return year >= 1 && date >= 1 && date <= days;
}

/** Date.UTC would take the years 1 to 99 for 1901 to 1999. */
function daysSince1970(year: number, month: number, date: number): number {
  // Counted in years that begin in March, so that the leap day is the last one.
  const years = month > 2 ? year : year - 1;
  const daysOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + date - 1;
  const daysOfYears = years * 365 + Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400);
  return daysOfYears + daysOfYear - 719_468;
}

/** Undefined for hours and minutes that no clock shows. */
function offsetMs(offset: string | undefined): number | undefined {
  if (offset === undefined || offset.length === 1) return 0;
  const [hours, minutes] = [Number(offset.slice(1, 3)), Number(offset.slice(-2))];
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
