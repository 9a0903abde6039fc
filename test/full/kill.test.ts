import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadUnderKills } from '../support/kill.js';

test('a first load of 5,000 contacts survives 20 kills at arbitrary moments', async () => {
  const data = await mkdtemp(join(tmpdir(), 'kill-'));
  const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 1_000_000));
  console.log(`seed ${seed}`);
  try {
    expect.hasAssertions();
    await loadUnderKills({ data, contacts: 5_000, kills: 20, seed, withinMs: 6_000 });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}, 1_800_000);
