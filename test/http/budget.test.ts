import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SyncError } from '../../src/errors.js';
import { createBudget } from '../../src/http/budget.js';
import type { Priority } from '../../src/http/calls.js';

/** A call that ends when it is told to. */
function heldCall() {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { call: () => ended, end };
}

describe('a budget', () => {
  test('lets no more calls run at once than allowed', async () => {
    const budget = createBudget({ maxConcurrent: 3 });
    let running = 0;
    let most = 0;
    const call = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await turn();
      running -= 1;
    };
    await Promise.all(Array.from({ length: 20 }, () => budget.run({}, call)));
    expect(most).toBe(3);
  });

  test('lets opt-outs go before events, events before changes, changes before first loads', async () => {
    const budget = createBudget({ maxConcurrent: 1 });
    const first = heldCall();
    const running = budget.run({}, first.call);
    const order: Priority[] = [];
    const waiting = (['first-load', 'change', 'event', 'opt-out'] as const).map((priority) =>
      budget.run({ priority }, async () => void order.push(priority)),
    );
    first.end();
    await Promise.all([running, ...waiting]);
    expect(order).toEqual(['opt-out', 'event', 'change', 'first-load']);
  });

  test('begins no more calls in any one second than allowed, wherever the second begins', async () => {
    vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const budget = createBudget({ maxConcurrent: 10, perSecond: 4 });
    const startedAtMs = Date.now();
    const begunAtMs: number[] = [];
    const call = async (): Promise<void> => void begunAtMs.push(Date.now() - startedAtMs);
    const first = budget.run({}, call);
    await vi.advanceTimersByTimeAsync(800);
    const later = Array.from({ length: 8 }, () => budget.run({}, call));
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.all([first, ...later]);
    expect(begunAtMs).toEqual([0, 800, 800, 800, 1_000, 1_800, 1_800, 1_800, 2_000]);
  });

  test('makes no call that the day refuses', async () => {
    const admitted: Priority[] = [];
    const budget = createBudget({
      maxConcurrent: 2,
      admit: async (priority) => {
        if (priority === 'first-load') throw new SyncError('BUDGET_USED_UP');
        admitted.push(priority);
      },
    });
    let made = 0;
    const call = async (): Promise<number> => (made += 1);
    await expect(budget.run({ priority: 'first-load' }, call)).rejects.toMatchObject({
      code: 'BUDGET_USED_UP',
    });
    await budget.run({ priority: 'opt-out' }, call);
    await budget.run({}, call);
    expect({ admitted, made }).toEqual({ admitted: ['opt-out', 'change'], made: 2 });
  });

  test('neither counts nor makes a call whose place something else takes', async () => {
    const admitted: Priority[] = [];
    const budget = createBudget({
      maxConcurrent: 1,
      admit: async (priority) => void admitted.push(priority),
    });
    const made = await budget.run<string>(
      {},
      async () => 'called',
      () => 'instead',
    );
    expect({ made, admitted }).toEqual({ made: 'instead', admitted: [] });
  });

  test('never makes a call that was given up while it waited, and goes on with the others', async () => {
    const budget = createBudget({ maxConcurrent: 1 });
    const first = heldCall();
    const running = budget.run({}, first.call);
    const slice = new AbortController();
    let made = false;
    const given = budget.run({ signal: slice.signal }, async () => void (made = true));
    slice.abort(new Error('the slice ends'));
    await expect(given).rejects.toThrow('the slice ends');
    first.end();
    await running;
    expect(await budget.run({}, async () => 'next')).toBe('next');
    expect(made).toBe(false);
  });

  test('goes on after a call that failed', async () => {
    const budget = createBudget({ maxConcurrent: 1 });
    await expect(budget.run({}, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await budget.run({}, async () => 1)).toBe(1);
  });
});
