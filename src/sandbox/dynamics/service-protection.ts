import type { SandboxContext } from '../context.js';
import { throttleError } from './errors.js';

/** Service protection: three facets per user and web server in a sliding window (dataverse.md §6). */
export interface ServiceProtection {
  /**
   * Admits a request and counts it, or throws the 429 of the facet that is exhausted.
   *
   * @param inFlight requests of this user that were being answered when this one came in, itself included.
   */
  admit(user: string, inFlight: number): Admission;
}

export interface Admission {
  /** Counts the time that the request took, in milliseconds. */
  finish(executionMs: number): void;
  /** The `x-ms-ratelimit-…` headers, as debugging aids. */
  headers(): Record<string, string>;
}

/** What one user did on one web server within the window. */
interface Window {
  /** Start times and durations, in milliseconds, oldest first. */
  requests: { atMs: number; executionMs: number }[];
  /** The first entry that still counts: cheaper than moving the rest. */
  first: number;
  executionMs: number;
  retryAtMs: number;
  toldAtMs: number;
}

/** A client that was told to wait and comes within this time had its call under way already. */
const UNDER_WAY_MS = 1000;
const PENALTY_MS = 1000;

export function createServiceProtection(context: SandboxContext): ServiceProtection {
  const windows = new Map<string, Window>();
  let turn = 0;

  function admit(user: string, inFlight: number): Admission {
    const limits = context.limits().dynamics;
    const nowMs = context.clock.nowMs();
    const windowMs = limits.windowSeconds * 1000;
    // Requests are spread over the web servers, each of which counts for itself.
    turn = (turn + 1) % Math.max(1, limits.webServers);
    const window = windowOf(`${user} ${turn}`);
    forget(window, nowMs - windowMs);
    if (inFlight / limits.webServers >= limits.concurrency) throw throttleError('concurrency', 1, limits);
    const count = window.requests.length - window.first;
    if (count >= limits.requests) {
      const freed = window.requests[window.first + count - limits.requests]?.atMs ?? nowMs;
      throw refuse(window, 'requests', freed + windowMs, nowMs);
    }
    if (window.executionMs >= limits.executionMs) {
      throw refuse(window, 'time', freeOfTime(window, limits.executionMs, nowMs) + windowMs, nowMs);
    }
    window.retryAtMs = 0;
    const entry = { atMs: nowMs, executionMs: 0 };
    window.requests.push(entry);
    return {
      finish(executionMs) {
        entry.executionMs = executionMs;
        window.executionMs += executionMs;
      },
      headers: () => ({
        'x-ms-ratelimit-burst-remaining-xrm-requests': String(limits.requests - count - 1),
        'x-ms-ratelimit-time-remaining-xrm-requests': (
          Math.max(0, limits.executionMs - window.executionMs) / 1000
        ).toFixed(2),
      }),
    };
  }

  /** Calling again before the time told lengthens it. */
  function refuse(window: Window, facet: 'requests' | 'time', freeAtMs: number, nowMs: number) {
    const limits = context.limits().dynamics;
    const early = window.retryAtMs > nowMs && nowMs - window.toldAtMs > UNDER_WAY_MS;
    const longest = nowMs + limits.windowSeconds * 1000;
    window.retryAtMs = Math.min(longest, Math.max(freeAtMs, window.retryAtMs + (early ? PENALTY_MS : 0)));
    window.toldAtMs = nowMs;
    return throttleError(facet, (window.retryAtMs - nowMs) / 1000, limits);
  }

  function windowOf(key: string): Window {
    let window = windows.get(key);
    if (!window) {
      window = { requests: [], first: 0, executionMs: 0, retryAtMs: 0, toldAtMs: 0 };
      windows.set(key, window);
    }
    return window;
  }

  return { admit };
}

/** When enough of the time spent will have left the window's edge behind. */
function freeOfTime({ requests, first, executionMs }: Window, limitMs: number, nowMs: number): number {
  let left = executionMs;
  for (let index = first; index < requests.length; index++) {
    const entry = requests[index];
    left -= entry?.executionMs ?? 0;
    if (left < limitMs) return entry?.atMs ?? nowMs;
  }
  return nowMs;
}

function forget(window: Window, beforeMs: number): void {
  for (;;) {
    const entry = window.requests[window.first];
    if (!entry || entry.atMs > beforeMs) break;
    window.executionMs -= entry.executionMs;
    window.first++;
  }
  if (window.first > 1000 && window.first * 2 > window.requests.length) {
    window.requests.splice(0, window.first);
    window.first = 0;
  }
}
