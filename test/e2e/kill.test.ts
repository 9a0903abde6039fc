import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadUnderKills } from '../support/kill.js';

test('a first load survives SIGKILL of the whole process group', async () => {
  const data = await mkdtemp(join(tmpdir(), 'kill-'));
  try {
    expect.hasAssertions();
    await loadUnderKills({ data, contacts: 600, kills: 2, seed: 20_261_124, withinMs: 2_000 });
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}, 180_000);
