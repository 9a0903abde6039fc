import { setMaxListeners } from 'node:events';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import axios, { type Method } from 'axios';
import type { CallBudget } from './budget.js';
import type { CallOptions } from './calls.js';
import { systemClock, type HttpClock } from './clock.js';
import { requestFault } from './request-fault.js';

export type { HttpClock } from './clock.js';

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
 * taken effect there; `held` was not made, since the system has asked for calm that lasts so much longer.
 */
export type Attempt =
  | { kind: 'answered'; answer: HttpAnswer }
  | { kind: 'unsent'; reason: string }
  | { kind: 'unknown'; reason: string }
  | { kind: 'held'; forMs: number };

export interface HttpSettings {
  budget: CallBudget;
  /** One attempt, slow bodies included. */
  timeLimitMs: number;
  maxResponseBytes: number;
  /** How long throttling and outages are absorbed before they are reported. */
  patienceMs: number;
  clock?: HttpClock;
}

export interface Http {
  /** One attempt, within the budget, unless the system has asked for calm. */
  attempt(request: HttpRequest, options: CallOptions): Promise<Attempt>;
  /** No call to this system is made until then: one that is throttled speaks for all. */
  holdBack(forMs: number): void;
  clock: HttpClock;
  patienceMs: number;
}

/**
 * An idle connection is closed by us before a server closes it (Node's own servers after 5 s): a create that meets a closing
 * connection has no answer, and its record must be looked up.
 */
const IDLE_CONNECTION_MS = 4_000;

/** HTTP to one system: bounded in time, size and concurrency; follows no redirect; throws only what the caller's options throw. */
export function createHttp({
  budget,
  timeLimitMs,
  maxResponseBytes,
  patienceMs,
  clock = systemClock,
}: HttpSettings): Http {
  const connections = { keepAlive: true, timeout: IDLE_CONNECTION_MS };
  const client = axios.create({
    httpAgent: new HttpAgent(connections),
    httpsAgent: new HttpsAgent(connections),
    maxContentLength: maxResponseBytes,
    maxRedirects: 0,
    proxy: false,
    responseType: 'text',
    transformRequest: [],
    transformResponse: [],
    validateStatus: () => true,
  });
  let calmUntilMs = 0;

  const held = (): Attempt | undefined => {
    const forMs = calmUntilMs - clock.nowMs();
    return forMs > 0 ? { kind: 'held', forMs } : undefined;
  };

  async function send(request: HttpRequest, { beforeCall, signal }: CallOptions): Promise<Attempt> {
    beforeCall?.(timeLimitMs);
    // axios bounds silence only; a body that trickles in would be waited for without end.
    const limit = new AbortController();
    let isOverTime = false;
    const timer = setTimeout(() => {
      isOverTime = true;
      limit.abort();
    }, timeLimitMs);
    const abort = (): void => limit.abort();
    signal?.addEventListener('abort', abort, { once: true });
    const startedAtMs = clock.nowMs();
    const made = (status?: number): void =>
      budget.made?.({
        method: request.method,
        ...(status !== undefined && { status }),
        tookMs: clock.nowMs() - startedAtMs,
      });
    try {
      const { status, headers, data } = await client.request<string>({
        method: request.method,
        url: request.url,
        signal: limit.signal,
        ...(request.headers && { headers: request.headers }),
        ...(request.body !== undefined && { data: request.body }),
      });
      made(status);
      return {
        kind: 'answered',
        answer: { status, headers: headers as Record<string, unknown>, body: data },
      };
    } catch (error) {
      made();
      signal?.throwIfAborted();
      if (isOverTime) return { kind: 'unknown', reason: 'ETIMEDOUT' };
      const { reason, unsent } = requestFault(error);
      return { kind: unsent ? 'unsent' : 'unknown', reason };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  return {
    async attempt(request, options) {
      options.signal?.throwIfAborted();
      manyListeners(options.signal);
      return held() ?? budget.run(options, () => send(request, options), held);
    },
    holdBack(forMs) {
      calmUntilMs = Math.max(calmUntilMs, clock.nowMs() + forMs);
    },
    clock,
    patienceMs,
  };
}

const unlimited = new WeakSet<AbortSignal>();

/** One signal ends a whole slice: many calls listen to it at once, and none leaks. */
function manyListeners(signal: AbortSignal | undefined): void {
  if (!signal || unlimited.has(signal)) return;
  unlimited.add(signal);
  setMaxListeners(0, signal);
}
