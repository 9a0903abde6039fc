import { expect, onTestFinished, test } from 'vitest';
import { serveHealth, type Health } from '../src/health.js';
import { freePort } from '../src/temporal-server.js';

async function statusOf(health: Health): Promise<{ healthz: number; readyz: number }> {
  const address = `127.0.0.1:${await freePort()}`;
  const server = await serveHealth(address, health);
  onTestFinished(() => server.close());
  const status = async (path: string): Promise<number> => (await fetch(`http://${address}${path}`)).status;
  return { healthz: await status('/healthz'), readyz: await status('/readyz') };
}

test.each([
  ['polls and its ledger answers', true, () => Promise.resolve(true), { healthz: 200, readyz: 200 }],
  [
    'polls and its ledger is away',
    true,
    () => Promise.reject(new Error('away')),
    { healthz: 200, readyz: 503 },
  ],
  ['has died', false, () => Promise.resolve(true), { healthz: 503, readyz: 503 }],
])('a worker that %s', async (_name, alive, isReady, expected) => {
  expect(await statusOf({ isAlive: () => alive, isReady })).toEqual(expected);
});
