import { SyncError } from '../errors.js';
import type { Feed, Ledger } from '../ledger/store.js';

export interface Lease {
  /** Aborts when the lease is lost. */
  signal: AbortSignal;
  /** Refuses a call that could still be under way when the lease ends (DESIGN §4 "One writer per feed"). */
  beforeCall(timeLimitMs: number): void;
  stop(): void;
}

/**
 * Keeps a feed's lease alive while a slice works on it. Time runs on a clock that goes on while the process is stopped:
 * a worker that stalls past its lease finds it expired when it wakes, and starts no call.
 */
export function keepLease(ledger: Ledger, feed: Feed, leaseMs: number, monotonicMs: () => number): Lease {
  const abort = new AbortController();
  let untilMs = feed.leaseUntilMs;
  let renewing = false;

  const renew = async (): Promise<void> => {
    if (renewing) return;
    renewing = true;
    try {
      const askedAtMs = monotonicMs();
      untilMs = askedAtMs + (await ledger.renewLease(feed));
    } catch (error) {
      if (error instanceof SyncError && error.code === 'LEASE_LOST') abort.abort(error);
      // Anything else is the ledger being away: the lease then simply runs out.
    } finally {
      renewing = false;
    }
  };
  const timer = setInterval(() => void renew(), leaseMs / 5);

  return {
    signal: abort.signal,
    beforeCall(timeLimitMs) {
      if (abort.signal.aborted || monotonicMs() + timeLimitMs > untilMs) {
        void renew();
        throw new SyncError('LEASE_LOST', { subject: feed.flow });
      }
    },
    stop: () => clearInterval(timer),
  };
}
