import { expect, onTestFinished, test } from 'vitest';
import { createHealth, serveHealth, type Parts } from '../src/health.js';
import { inTime } from '../src/in-time.js';
import { freePort } from '../src/temporal/server.js';

const allThere: Parts = {
  isAlive: () => true,
  isPolling: () => true,
  temporal: async () => 'answers',
  ledger: async () => 0,
};
const away = (): Promise<never> => Promise.reject(new Error('away'));

async function answersOf(parts: Partial<Parts>): Promise<Record<'healthz' | 'readyz', unknown[]>> {
  const address = `127.0.0.1:${await freePort()}`;
  const server = await serveHealth(address, createHealth({ ...allThere, ...parts }));
  onTestFinished(() => server.close());
  const ask = async (path: string): Promise<unknown[]> => {
    const answer = await fetch(`http://${address}${path}`);
    return [answer.status, await answer.json()];
  };
  return { healthz: await ask('/healthz'), readyz: await ask('/readyz') };
}

test('a worker that polls, with a Temporal and a ledger that answer, is ready', async () => {
  expect(await answersOf({})).toEqual({
    healthz: [200, { alive: true }],
    readyz: [200, { ready: true, missing: [] }],
  });
});

test.each<[string, Partial<Parts>, string[]]>([
  ['has not begun to poll, or ends in order', { isPolling: () => false }, ['worker']],
  ['has lost Temporal', { temporal: away }, ['temporal']],
  ['has lost its ledger', { ledger: away }, ['ledger']],
  ['has lost both', { temporal: away, ledger: away }, ['temporal', 'ledger']],
])('a worker that %s is alive and not ready, and says what is missing', async (_name, parts, missing) => {
  expect(await answersOf(parts)).toEqual({
    healthz: [200, { alive: true }],
    readyz: [503, { ready: false, missing }],
  });
});

test('a worker that has died is neither', async () => {
  expect(await answersOf({ isAlive: () => false })).toEqual({
    healthz: [503, { alive: false }],
    readyz: [503, { ready: false, missing: ['worker'] }],
  });
});

test('what hangs is waited for so long only, and asked once at a time', async () => {
  let asked = 0;
  let answer: (found: string) => void = () => undefined;
  const ask = inTime(() => {
    asked += 1;
    return new Promise<string>((resolve) => (answer = resolve));
  }, 10);
  expect([await ask(), await ask(), asked]).toEqual([undefined, undefined, 1]);
  const open = ask();
  answer('late');
  expect([await open, asked]).toEqual(['late', 1]);
  const again = ask();
  await expect.poll(() => asked).toBe(2);
  answer('at once');
  expect(await again).toBe('at once');
});
