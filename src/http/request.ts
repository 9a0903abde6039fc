import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type AxiosInstance, type Method } from 'axios';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallBudget } from './budget.js';
import type { CallOptions } from './calls.js';
import { backOffMs, retryAfterMs } from './retry-after.js';

export interface HttpRequest {
  method: Method;
  /** Absolute. */
  url: string;
  headers?: Record<string, string>;
  body?: string;
}
export interface HttpAnswer {
  status: number;
  /** Lower-case names. */
  headers: Record<string, unknown>;
  body: string;
}

/**
 * What came of one attempt. `answered` says nothing about success; `unsent` certainly did not reach the system; `unknown` may have
 * taken effect there.
 */
export type Attempt =
  | { kind: 'answered'; answer: HttpAnswer }
  | { kind: 'unsent'; reason: string }
  | { kind: 'unknown'; reason: string };

export interface HttpSettings {
  budget: CallBudget;
  /** One attempt, slow bodies included. */
  timeLimitMs: number;
  maxResponseBytes: number;
  /** How long throttling and outages are absorbed before they are reported. */
  patienceMs: number;
  clock?: HttpClock;
}
export interface HttpClock {
  nowMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  random(): number;
}

export interface Http {
  /** One attempt, within the budget; waits first while the system has asked for calm. */
  attempt(request: HttpRequest, options: CallOptions): Promise<Attempt>;
  clock: HttpClock;
  patienceMs: number;
  /** All calls to this system wait until then: one that is throttled speaks for all. */
  holdBack(forMs: number): void;
}

const systemClock: HttpClock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  random: Math.random,
};

/** Faults of a connection that was never made: the request cannot have taken effect. */
const UNSENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** HTTP to one system: bounded in time, size and concurrency; follows no redirect; never throws for what the system does. */
export function createHttp({
  budget,
  timeLimitMs,
  maxResponseBytes,
  patienceMs,
  clock = systemClock,
}: HttpSettings): Http {
  const client: AxiosInstance = axios.create({
    httpAgent: new HttpAgent({ keepAlive: true }),
    httpsAgent: new HttpsAgent({ keepAlive: true }),
    timeout: timeLimitMs,
    maxContentLength: maxResponseBytes,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformRequest: [],
    transformResponse: [],
    validateStatus: () => true,
  });
  let calmUntilMs = 0;

  async function attempt(request: HttpRequest, options: CallOptions): Promise<Attempt> {
    const waitMs = calmUntilMs - clock.nowMs();
    if (waitMs > 0) await clock.sleep(waitMs, options.signal);
    return budget.run(options, async () => {
      options.beforeCall?.(timeLimitMs);
      try {
        const { status, headers, data } = await client.request<string>({
          method: request.method,
          url: request.url,
          ...(request.headers && { headers: request.headers }),
          ...(request.body !== undefined && { data: request.body }),
          ...(options.signal && { signal: options.signal }),
        });
        return {
          kind: 'answered',
          answer: { status, headers: headers as Record<string, unknown>, body: data },
        };
      } catch (error) {
        options.signal?.throwIfAborted();
        const reason = reasonOf(error);
        return UNSENT.has(reason) ? { kind: 'unsent', reason } : { kind: 'unknown', reason };
      }
    });
  }

  return {
    attempt,
    clock,
    patienceMs,
    holdBack(forMs) {
      calmUntilMs = Math.max(calmUntilMs, clock.nowMs() + forMs);
    },
  };
}

/** Only the fault's code: an axios error carries the request's body and token. */
function reasonOf(error: unknown): string {
  return axios.isAxiosError(error) ? (error.code ?? 'ERR_NETWORK') : 'ERR_UNEXPECTED';
}

export type Patience = { kind: 'again' } | { kind: 'spent'; retryAfterMs: number };

/** Counts how long one operation has already put up with a system, and waits as the system asks. */
export function createPatience({ clock, patienceMs, holdBack }: Http, signal?: AbortSignal) {
  const startedAtMs = clock.nowMs();
  let attempts = 0;
  return {
    /** After a 429 or 503: waits as Retry-After says, unless that is longer than patience lasts. */
    async throttled(header: unknown): Promise<Patience> {
      attempts += 1;
      const waitMs = retryAfterMs(header, clock.nowMs()) ?? backOffMs(attempts, clock.random);
      holdBack(waitMs);
      return pause(waitMs);
    },
    /** After a fault that names no time. */
    async faulted(maxAttempts: number): Promise<Patience> {
      attempts += 1;
      const waitMs = backOffMs(attempts, clock.random);
      return attempts >= maxAttempts ? { kind: 'spent', retryAfterMs: waitMs } : pause(waitMs);
    },
  };

  async function pause(waitMs: number): Promise<Patience> {
    if (clock.nowMs() + waitMs - startedAtMs > patienceMs) return { kind: 'spent', retryAfterMs: waitMs };
    await clock.sleep(waitMs, signal);
    return { kind: 'again' };
  }
}
