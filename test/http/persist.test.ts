import { expect, test } from 'vitest';
import { createBudget } from '../../src/http/budget.js';
import { persist } from '../../src/http/persist.js';
import { createHttp } from '../../src/http/request.js';
import { jumpingClock, scriptedServer, type Scripted } from '../support/http-server.js';

async function stubborn(answer: (count: number) => Scripted, patienceMs = 60_000) {
  const server = await scriptedServer((_request, count) => answer(count));
  const clock = jumpingClock();
  const http = createHttp({
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 1_000,
    maxResponseBytes: 1_000,
    patienceMs,
    clock,
  });
  const ask = () =>
    persist<number>(
      http,
      {},
      () => ({ method: 'GET', url: server.url }),
      (attempt) => {
        if (attempt.kind !== 'answered') return 'faulty';
        const { status } = attempt.answer;
        return status === 200 ? { take: status } : status === 429 ? 'throttled' : 'faulty';
      },
    );
  return { ask, server, clock, http };
}

test('a throttle is waited out exactly as it says', async () => {
  const { ask, clock } = await stubborn((count) =>
    count < 3 ? { status: 429, headers: { 'Retry-After': String(count * 5) } } : { status: 200 },
  );
  expect(await ask()).toEqual({ kind: 'taken', value: 200 });
  expect(clock.waits).toEqual([5_000, 10_000]);
});

test('a throttle that names no time, or none to come, is met with growing delays', async () => {
  const { ask, clock } = await stubborn((count) =>
    count < 4 ? { status: 429, ...(count > 1 && { headers: { 'Retry-After': '0' } }) } : { status: 200 },
  );
  await ask();
  expect(clock.waits).toEqual([375, 750, 1_500]);
});

test('a throttle longer than patience is told at once, with its time', async () => {
  const { ask, clock, server } = await stubborn(() => ({ status: 429, headers: { 'Retry-After': '61' } }));
  expect(await ask()).toMatchObject({ kind: 'spent', retryAfterMs: 61_000 });
  expect(clock.waits).toEqual([]);
  expect(server.arrived).toHaveLength(1);
});

test('short throttles that never end are told when patience ends', async () => {
  const { ask, clock } = await stubborn(() => ({ status: 429, headers: { 'Retry-After': '20' } }));
  expect(await ask()).toMatchObject({ kind: 'spent', retryAfterMs: 20_000 });
  expect(clock.waits).toEqual([20_000, 20_000, 20_000]);
});

test('a fault is tried five times with growing delays', async () => {
  const { ask, clock, server } = await stubborn(() => ({ status: 500 }));
  expect(await ask()).toMatchObject({ kind: 'spent', last: { kind: 'answered', answer: { status: 500 } } });
  expect(server.arrived).toHaveLength(5);
  expect(clock.waits).toEqual([375, 750, 1_500, 3_000]);
});

test('a fault that names a time is waited out as a throttle is', async () => {
  const { ask, clock } = await stubborn((count) =>
    count === 1 ? { status: 503, headers: { 'Retry-After': '30' } } : { status: 200 },
  );
  await ask();
  expect(clock.waits).toEqual([30_000]);
});

test('while one call waits, the others wait with it, and a hold beyond patience is told to all', async () => {
  const { ask, server, clock } = await stubborn((count) =>
    count === 1 ? { status: 429, headers: { 'Retry-After': '600' } } : { status: 200 },
  );
  expect(await ask()).toMatchObject({ kind: 'spent', retryAfterMs: 600_000 });
  expect(await ask()).toEqual({
    kind: 'spent',
    last: { kind: 'held', forMs: 600_000 },
    retryAfterMs: 600_000,
  });
  await clock.sleep(590_000);
  expect(await ask(), 'the rest is within patience').toEqual({ kind: 'taken', value: 200 });
  expect(server.arrived).toHaveLength(2);
  expect(clock.waits).toEqual([590_000, 10_000]);
});

test('patience runs from the first trouble, not from the call', async () => {
  const { ask, clock } = await stubborn((count) => {
    if (count > 1) return { status: 200 };
    void clock.sleep(100_000);
    return { status: 429, headers: { 'Retry-After': '50' } };
  });
  expect(await ask()).toEqual({ kind: 'taken', value: 200 });
});
