import { setTimeout as delay } from 'node:timers/promises';
import { SyncError } from './errors.js';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Starts again and again while what it needs is away, and calls `tell` with each reason. Throws what only a person can mend at once.
 * Undefined when `stopped` is aborted before it has started.
 */
export async function startPatiently<Started>(
  start: () => Promise<Started>,
  tell: (error: SyncError) => void,
  stopped: AbortSignal,
): Promise<Started | undefined> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof SyncError) || error.class !== 'retry') throw error;
      tell(error);
    }
    await delay(pauseMs, undefined, { signal: stopped }).catch(() => undefined);
    if (stopped.aborted) return undefined;
  }
}
