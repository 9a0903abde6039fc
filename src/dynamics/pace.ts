import type { HttpClock } from '../http/clock.js';

/** Service protection of Dynamics, for one user on one web server, in a sliding window (dataverse.md §6). */
export interface ServiceProtection {
  requests: number;
  executionMs: number;
  windowMs: number;
}

export const usualProtection: ServiceProtection = {
  requests: 6_000,
  executionMs: 1_200_000,
  windowMs: 300_000,
};

/** Spreads writes over time, so that they stay below service protection instead of running into it. */
export interface Pace {
  /** Waits until a call that writes so many rows may begin. */
  turn(rows: number, signal?: AbortSignal): Promise<void>;
  /** Tells of a call's answer: what it took by our clock, and what the server says is left. */
  answered(rows: number, tookMs: number, headers: Record<string, unknown>): void;
  throttled(): void;
  /** Rows that one call may carry without taking a large part of the window by itself. */
  mostRows(): number;
}

/** Of what is allowed; the rest is for other flows and for errors of the estimate. */
const SHARE = 0.9;
/** Unused time is kept for later up to this part of the window. */
const KEPT = 0.02;
/** The largest part of the window's execution time that one call may take. */
const ONE_CALL = 0.05;
/** Nor may a call take more than this of what is left: it would be what uses it up. */
const OF_WHAT_IS_LEFT = 0.25;
/** When less than this part is left in the window, others use it too: writes slow down in proportion. */
const RESERVE = 0.1;
const SLOWEST = 0.05;
/** Until the first answers tell. */
const FIRST_GUESS_MS_PER_ROW = 10;
/** Calls between two readings of what is left: answers overtake each other. */
const CALLS_A_READING = 4;
const FIRST_READINGS = 3;
const REMEMBERED = 9;
/** A reading that says that a row costs more, and far more than the calls took, is of another server. */
const DEAREST_MS_PER_ROW = 100;
const CHEAPEST_MS_PER_ROW = 0.1;

const TIME_LEFT = 'x-ms-ratelimit-time-remaining-xrm-requests';
const REQUESTS_LEFT = 'x-ms-ratelimit-burst-remaining-xrm-requests';

/**
 * A pace of its own for each process: calls begin one after the other at the distance at which the window takes them for ever. What a row
 * costs is told by what the server says is left. Where several web servers answer, each with its own window, that jumps up between two
 * readings; then, and where the server does not say it, the time that calls take stands for it, though the network is in it.
 */
export function createPace(clock: HttpClock, protection: ServiceProtection): Pace {
  const spent = spendingLog(protection.windowMs);
  let nextAtMs = -Infinity;
  let leftOfTime = 1;
  let leftOfRequests = 1;
  let answers: { tookMs: number; rows: number }[] = [];
  let readings: number[] = [];
  let reading: Reading | undefined;
  let caution: { factor: number; sinceMs: number } | undefined;

  function msPerRow(): number {
    const rows = answers.reduce((sum, answer) => sum + answer.rows, 0);
    const byTime = rows > 0 ? answers.reduce((sum, { tookMs }) => sum + tookMs, 0) / rows : 0;
    if (!reading || readings.some((each) => each < 0))
      return rows > 0 ? Math.max(CHEAPEST_MS_PER_ROW, byTime) : FIRST_GUESS_MS_PER_ROW;
    const told =
      readings.length >= FIRST_READINGS
        ? median(readings)
        : Math.max(...readings, reading.rows > 0 ? perRow(reading) : 0) || FIRST_GUESS_MS_PER_ROW;
    return Math.max(CHEAPEST_MS_PER_ROW, Math.min(told, Math.max(DEAREST_MS_PER_ROW, 4 * byTime)));
  }

  function distanceMs(rows: number): number {
    const { requests, executionMs, windowMs } = protection;
    const left = Math.min(leftOfTime, leftOfRequests);
    const share = SHARE * Math.min(1, Math.max(SLOWEST, left / RESERVE)) * cautionFactor();
    return Math.max(windowMs / requests, (rows * msPerRow() * windowMs) / executionMs) / share;
  }

  /** A refusal in spite of all shows that the estimate was too bold; it is forgotten over a window. */
  function cautionFactor(): number {
    if (!caution) return 1;
    const forgotten = (clock.nowMs() - caution.sinceMs) / protection.windowMs;
    return Math.min(1, caution.factor + (1 - caution.factor) * forgotten);
  }

  function read(rows: number, leftMs: number): void {
    const nowMs = clock.nowMs();
    spent.add(nowMs, rows * msPerRow());
    const lapsedMs = spent.lapsed(nowMs);
    reading ??= { fromMs: leftMs, leftMs, calls: -1, rows: -rows, lapsedMs: -lapsedMs };
    reading.leftMs = leftMs;
    reading.calls += 1;
    reading.rows += rows;
    reading.lapsedMs += lapsedMs;
    if (reading.calls < CALLS_A_READING) return;
    readings = [...readings, perRow(reading)].slice(-REMEMBERED);
    reading = { fromMs: leftMs, leftMs, calls: 0, rows: 0, lapsedMs: 0 };
  }

  return {
    async turn(rows, signal) {
      const nowMs = clock.nowMs();
      const atMs = Math.max(nextAtMs, nowMs - protection.windowMs * KEPT);
      nextAtMs = atMs + distanceMs(rows);
      if (atMs > nowMs) await clock.sleep(atMs - nowMs, signal);
    },
    answered(rows, tookMs, headers) {
      answers = [...answers, { tookMs, rows }].slice(-REMEMBERED);
      const leftMs = numberIn(headers[TIME_LEFT], 1000);
      const requests = numberIn(headers[REQUESTS_LEFT], 1);
      if (requests !== undefined) leftOfRequests = requests / protection.requests;
      if (leftMs === undefined) return;
      leftOfTime = leftMs / protection.executionMs;
      read(rows, leftMs);
    },
    throttled() {
      caution = { factor: cautionFactor() * 0.75, sinceMs: clock.nowMs() };
    },
    mostRows() {
      const part = Math.min(ONE_CALL, leftOfTime * OF_WHAT_IS_LEFT);
      return Math.max(1, Math.floor((protection.executionMs * part) / msPerRow()));
    },
  };
}

/** The server groups digits: `1,199.98`. */
function numberIn(header: unknown, unit: number): number | undefined {
  const text = typeof header === 'string' ? header.replaceAll(',', '').trim() : '';
  const value = text === '' ? NaN : Number(text);
  return Number.isNaN(value) ? undefined : value * unit;
}

/** What some calls have used up: what was left before them and is left now, and what the window has forgotten meanwhile. */
interface Reading {
  fromMs: number;
  leftMs: number;
  calls: number;
  rows: number;
  lapsedMs: number;
}

const perRow = ({ fromMs, leftMs, rows, lapsedMs }: Reading): number => (fromMs - leftMs + lapsedMs) / rows;

/** A single outlier says nothing. */
const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** What was spent when, to know what a sliding window forgets of it. */
function spendingLog(windowMs: number) {
  const entries: { atMs: number; ms: number }[] = [];
  let first = 0;
  return {
    add(atMs: number, ms: number): void {
      entries.push({ atMs, ms });
    },
    /** What has left the window since this was asked last. */
    lapsed(nowMs: number): number {
      let lapsedMs = 0;
      for (let entry = entries[first]; entry && entry.atMs <= nowMs - windowMs; entry = entries[first]) {
        lapsedMs += entry.ms;
        first += 1;
      }
      if (first > 1_000) entries.splice(0, first);
      if (first > 1_000) first = 0;
      return lapsedMs;
    },
  };
}
