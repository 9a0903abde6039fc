import PQueue from 'p-queue';
import type { CallOptions, Priority } from './calls.js';

/** Bounds the calls to one system: so many at once, so many a second, the most urgent first. */
export interface CallBudget {
  run<T>(options: CallOptions, call: () => Promise<T>): Promise<T>;
}

export interface BudgetSettings {
  maxConcurrent: number;
  /** Calls begun in any one second; unbounded when left out. */
  perSecond?: number;
  /** Asked before each call: rejects with BUDGET_USED_UP when the day's calls are spent. */
  admit?: (priority: Priority) => Promise<void>;
}

const rank: Record<Priority, number> = { 'opt-out': 3, event: 2, change: 1, 'first-load': 0 };

export function createBudget({ maxConcurrent, perSecond, admit }: BudgetSettings): CallBudget {
  const queue = new PQueue({
    concurrency: maxConcurrent,
    ...(perSecond !== undefined && { interval: 1000, intervalCap: perSecond }),
  });
  return {
    run({ priority = 'change', signal }, call) {
      return queue.add(
        async () => {
          signal?.throwIfAborted();
          await admit?.(priority);
          return call();
        },
        { priority: rank[priority] },
      );
    },
  };
}
