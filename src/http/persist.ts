import type { CallOptions } from './calls.js';
import type { Attempt, Http, HttpRequest } from './request.js';
import { backOffMs, retryAfterMs } from './retry-after.js';

export type MadeAttempt = Exclude<Attempt, { kind: 'held' }>;

/** What is to be done about an attempt: take its result; try again at once; wait as a throttled or a faulty system demands. */
export type Ruling<T> = { take: T } | 'again' | 'throttled' | 'faulty';

export type Persisted<T> =
  | { kind: 'taken'; value: T }
  /** The system was throttled or faulty for longer than patience lasts; it says, or we guess, when to come back. */
  | { kind: 'spent'; last: Attempt; retryAfterMs: number };

/** So often a fault that names no time is tried, throttling aside. */
const FAULT_ATTEMPTS = 5;

/**
 * Makes attempts until one is taken or patience ends. Patience counts from the first trouble, so that a call that waited long for
 * its turn has as much as any. Retry-After is kept exactly, and holds back every other call to the system as well.
 */
export async function persist<T>(
  http: Http,
  options: CallOptions,
  requestOf: () => HttpRequest,
  rule: (attempt: MadeAttempt) => Ruling<T> | Promise<Ruling<T>>,
): Promise<Persisted<T>> {
  const { clock, patienceMs } = http;
  let troubledSinceMs: number | undefined;
  let throttled = 0;
  let faults = 0;
  for (;;) {
    const attempt = await http.attempt(requestOf(), options);
    let waitMs: number;
    if (attempt.kind === 'held') waitMs = attempt.forMs;
    else {
      const ruling = await rule(attempt);
      if (typeof ruling === 'object') return { kind: 'taken', value: ruling.take };
      if (ruling === 'again') continue;
      const namedMs = namedWaitMs(attempt, clock.nowMs());
      if (ruling === 'throttled' || namedMs !== undefined) {
        throttled += 1;
        waitMs = namedMs ?? backOffMs(throttled, clock.random);
        http.holdBack(waitMs);
      } else {
        faults += 1;
        waitMs = backOffMs(faults, clock.random);
        if (faults >= FAULT_ATTEMPTS) return { kind: 'spent', last: attempt, retryAfterMs: waitMs };
      }
    }
    troubledSinceMs ??= clock.nowMs();
    if (clock.nowMs() + waitMs - troubledSinceMs > patienceMs)
      return { kind: 'spent', last: attempt, retryAfterMs: waitMs };
    await clock.sleep(waitMs, options.signal);
  }
}

const namedWaitMs = (attempt: MadeAttempt, nowMs: number): number | undefined =>
  attempt.kind === 'answered' ? retryAfterMs(attempt.answer.headers['retry-after'], nowMs) : undefined;
