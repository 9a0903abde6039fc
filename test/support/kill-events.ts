import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Summary } from '../../src/command-line/summary.js';
import type { SandboxReady } from '../../src/sandbox/index.js';
import { randomFrom } from './kill.js';
import { npmScript } from './npm-start.js';
import { eventStatus } from './statuses.js';
import { connectSystems } from './systems.js';
import { deliver, eventsDocument, timelineCounts, type Delivered, kindsOf } from './timeline.js';

export interface EventKillSeries {
  data: string;
  contacts: number;
  kills: number;
  seed: number;
  /** Kills come after at most so long from the moment a delivery was sent. */
  withinMs: number;
}

/**
 * Kills the whole process group at arbitrary moments while events are carried over, starts it again each time, lets the last one
 * finish, and checks that each event is one row.
 */
export async function eventsUnderKills({
  data,
  contacts,
  kills,
  seed,
  withinMs,
}: EventKillSeries): Promise<void> {
  const random = randomFrom(seed);
  const config = join(data, 'sync.yaml');
  // Written soon after it was delivered, so that kills find it at work.
  await writeFile(config, eventsDocument('journal').replace('every: 300d', 'every: 10s'));
  const args = ['--data', data, '--json', '--contacts', String(contacts), '--config', config];
  const once = async (): Promise<Summary> => {
    const { status, stdout, stderr } = await npmScript('start', [...args, '--once']).finished;
    expect(status, stderr).toBe(0);
    return JSON.parse(stdout) as Summary;
  };

  await once();
  const expected = kindsOf(
    JSON.parse(await readFile(join(data, 'first-delivery.json'), 'utf8')) as Delivered,
  );
  for (let kill = 1; kill <= kills; kill += 1) {
    const running = npmScript('start', args);
    try {
      const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
      await connectSystems(ready.sandbox).sandbox.faults([
        { system: 'dynamics', method: 'POST', kind: 'latency', ms: 50, times: 1_000_000 },
      ]);
      const delivered = await deliver(ready.sandbox, {
        profiles: contacts,
        opens: 0.5,
        clicks: 0.2,
        bounces: 0.05,
      });
      for (const kind of kinds) expected[kind] += delivered[kind];
      await sleep(random() * withinMs);
    } finally {
      await running.killGroup();
    }
  }

  const status = eventStatus((await once()).flows);
  const { read, written, duplicates, filtered, parked } = status;
  expect(written + duplicates + filtered + parked, `seed ${seed}`).toBe(read);
  expect(status, `seed ${seed}`).toMatchObject({ parked: 0, now: { parked: 0 } });

  const running = npmScript('start', args);
  try {
    const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
    expect(await timelineCounts(connectSystems(ready.sandbox)), `seed ${seed}`).toEqual(expected);
  } finally {
    await running.stop();
  }
}

const kinds = ['sends', 'opens', 'clicks', 'bounces'] as const;
