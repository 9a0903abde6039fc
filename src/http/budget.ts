import PQueue from 'p-queue';
import type { CallOptions, Priority } from './calls.js';

/** Bounds the calls to one system: so many at once, so many a second, the most urgent first. */
export interface CallBudget {
  /**
   * Runs the call when its turn has come and the day's budget admits it. `instead` is asked when the turn has come, before the call
   * is counted: what it answers takes the call's place. A call that still waits when its signal aborts is never made.
   */
  run<T>(options: CallOptions, call: () => Promise<T>, instead?: () => T | undefined): Promise<T>;
  /** Told of each call that was made. */
  made?: (call: MadeCall) => void;
}

/** A call as it can be counted: nothing of what it asked for. */
export interface MadeCall {
  method: string;
  /** Of the answer; absent when none came. */
  status?: number;
  /** From its start to the end of its answer's body. */
  tookMs: number;
}

export interface BudgetSettings {
  maxConcurrent: number;
  /** Calls begun in any one second; unbounded when left out. */
  perSecond?: number;
  /** Asked before each call: rejects with BUDGET_USED_UP when the day's calls are spent. */
  admit?: (priority: Priority) => Promise<void>;
  made?: (call: MadeCall) => void;
}

const rank: Record<Priority, number> = { 'opt-out': 3, event: 2, change: 1, 'first-load': 0 };

export function createBudget({ maxConcurrent, perSecond, admit, made }: BudgetSettings): CallBudget {
  const queue = new PQueue({
    concurrency: maxConcurrent,
    ...(perSecond !== undefined && { interval: 1000, intervalCap: perSecond, strict: true }),
  });
  return {
    ...(made && { made }),
    run({ priority = 'change', signal }, call, instead) {
      const admitted = async () => {
        const substitute = instead?.();
        if (substitute !== undefined) return substitute;
        await admit?.(priority);
        return call();
      };
      return queue.add(admitted, { priority: rank[priority], ...(signal && { signal }) });
    },
  };
}
