import { SyncError } from '../errors.js';
import type { Priority } from '../http/calls.js';
import type { Ledger } from '../ledger/store.js';

/** So many calls are taken from the day's budget at a time: the ledger is asked once for them. */
const CALLS_AT_ONCE = 20;
const DAY_MS = 24 * 60 * 60 * 1000;

export interface CallCounter {
  /** Before a call: rejects with BUDGET_USED_UP when the day's budget is spent. Opt-outs are counted, never refused. */
  admit(priority: Priority): Promise<void>;
  /** Calls of this process. */
  made(): number;
  /** Writes what is counted and not yet written; gives back what was taken and not used. */
  settle(): Promise<void>;
}

/**
 * Counts calls to one system in the ledger, so that a day's budget (UTC) survives a restart and is shared by all workers. With a
 * budget, calls are taken from it before they are made, a few at a time: it is never exceeded.
 */
export function createCallCounter(
  ledger: Ledger,
  system: 'dynamics' | 'campaign',
  perDay: number | undefined,
  nowMs: () => number,
): CallCounter {
  let made = 0;
  let unwritten = 0;
  let taken = 0;
  let taking: Promise<void> | undefined;

  async function take(): Promise<void> {
    if (perDay === undefined) return;
    const before = (await ledger.addCalls(system, CALLS_AT_ONCE)) - CALLS_AT_ONCE;
    taken = Math.max(0, Math.min(CALLS_AT_ONCE, perDay - before));
    if (taken < CALLS_AT_ONCE) await ledger.addCalls(system, taken - CALLS_AT_ONCE);
    if (taken === 0)
      throw new SyncError('BUDGET_USED_UP', { system, retryAfterMs: DAY_MS - (nowMs() % DAY_MS) });
  }

  return {
    async admit(priority) {
      if (perDay !== undefined && priority !== 'opt-out') {
        while (taken === 0) {
          taking ??= take().finally(() => {
            taking = undefined;
          });
          await taking;
        }
        taken -= 1;
      } else unwritten += 1;
      made += 1;
    },
    made: () => made,
    async settle() {
      const [counted, unused] = [unwritten, taken];
      unwritten = 0;
      taken = 0;
      if (counted === unused) return;
      try {
        await ledger.addCalls(system, counted - unused);
      } catch (error) {
        unwritten += counted;
        taken += unused;
        throw error;
      }
    },
  };
}
