import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Summary } from '../../src/command-line/summary.js';
import type { SandboxReady } from '../../src/sandbox/index.js';
import { npmScript } from './npm-start.js';
import { tableStatus } from './statuses.js';
import { connectSystems } from './systems.js';
import { differences, mappedColumns } from './expected.js';

/** A seeded generator, so that a failing series of kills can be run again. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}

export interface KillSeries {
  data: string;
  contacts: number;
  kills: number;
  seed: number;
  /** Kills come after at most so long from the moment everything is up. */
  withinMs: number;
}

/**
 * Kills the whole process group at arbitrary moments of a first load, starts it again each time, lets the last one finish, and
 * checks that nothing was lost or doubled.
 */
export async function loadUnderKills({ data, contacts, kills, seed, withinMs }: KillSeries): Promise<void> {
  const random = randomFrom(seed);
  const args = ['--data', data, '--json', '--contacts', String(contacts)];
  for (let kill = 1; kill <= kills; kill += 1) {
    const running = npmScript('start', args);
    // One in four dies while it is still starting.
    try {
      if (random() < 0.25) await sleep(random() * 6_000);
      else {
        const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
        await connectSystems(ready.sandbox).sandbox.faults([
          { system: 'campaign', method: 'POST', kind: 'latency', ms: 20, times: 1_000_000 },
        ]);
        await sleep(random() * withinMs);
      }
    } finally {
      await running.killGroup();
    }
  }

  const { status, stdout, stderr } = await npmScript('start', [...args, '--once']).finished;
  expect(status, stderr).toBe(0);
  const flow = tableStatus((JSON.parse(stdout) as Summary).flows, 'ingress/contact');
  const { read, created, updated, unchanged, filtered, deleted, parked, held } = flow;
  expect(created + updated + unchanged + filtered + deleted + parked + held, `seed ${seed}`).toBe(read);
  expect(flow.now.managed + flow.now.parked, `seed ${seed}`).toBe(contacts);

  const running = npmScript('start', args);
  try {
    const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
    const systems = connectSystems(ready.sandbox);
    const profiles = await systems.profiles.all();
    expect(differences(await systems.contacts.all(mappedColumns), profiles), `seed ${seed}`).toEqual([]);
    const stats = await systems.sandbox.stats();
    expect(stats.campaign.duplicates ?? 0, `seed ${seed}`).toBe(0);
    // A profile is created once and, since no contact changes, never written again.
    const rewritten = profiles.filter(
      (profile) => profile.created !== profile.lastModified && wasPatched(profile),
    );
    expect(rewritten, `seed ${seed}`).toEqual([]);
  } finally {
    await running.stop();
  }
}

/** In real fixtures `lastModified` is a few milliseconds off `created` on insert (campaign.md §2). */
function wasPatched(profile: Record<string, unknown>): boolean {
  const at = (field: string): number => Date.parse(String(profile[field]).replace(' ', 'T'));
  return Math.abs(at('lastModified') - at('created')) > 1_000;
}
