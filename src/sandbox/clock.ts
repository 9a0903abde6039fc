import type { Store } from './store.js';

/** The sandbox's time: the machine's, plus what `POST /_sandbox/clock` has advanced it by. */
export interface SandboxClock {
  /** Milliseconds since 1970, simulated. */
  nowMs(): number;
  /** Moves the simulated time forward. */
  advance(milliseconds: number): void;
}

/**
 * A clock whose offset is kept in the store, so that a restart does not move time back.
 *
 * @param machineNowMs the time to start from, milliseconds since 1970.
 */
export function createClock(store: Store, machineNowMs: () => number = Date.now): SandboxClock {
  const settings = store.collection<number>('clock');
  let offsetMs = settings.get('offsetMs') ?? 0;
  return {
    nowMs: () => machineNowMs() + offsetMs,
    advance(milliseconds) {
      offsetMs += milliseconds;
      settings.set('offsetMs', offsetMs);
    },
  };
}
