import { setTimeout as sleep } from 'node:timers/promises';

/** Time and chance, handed in so that delays can be compared instead of waited for. */
export interface HttpClock {
  nowMs(): number;
  /** Rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const systemClock: HttpClock = {
  nowMs: () => Date.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal ? { signal } : {}),
  random: Math.random,
};
