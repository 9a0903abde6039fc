import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventsUnderKills } from '../support/kill-events.js';

test('email events survive ten kills at arbitrary moments: each is one row of a timeline', async () => {
  const data = await mkdtemp(join(tmpdir(), 'kill-events-'));
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1_000_000));
  console.log(`seed ${seed}`);
  try {
    expect.hasAssertions();
    await eventsUnderKills({ data, contacts: 400, kills: 10, seed, withinMs: 4_000 });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}, 900_000);
