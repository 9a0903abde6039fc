import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Summary } from '../../src/command-line/summary.js';
import type { SandboxReady } from '../../src/sandbox/index.js';
import { npmScript } from '../support/npm-start.js';
import { eventStatus } from '../support/statuses.js';
import { connectSystems } from '../support/systems.js';
import { timelineOf } from '../support/timeline.js';

let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'events-start-'));
});
afterAll(() => rm(data, { recursive: true, force: true }));

test('npm start fills a timeline: one delivery, counts that add up, and each event on its contact', async () => {
  const args = ['--data', data, '--json', '--contacts', '120', '--config', 'sync.example.yaml'];
  const { status, stdout, stderr } = await npmScript('start', [...args, '--once']).finished;
  expect(status, stderr).toBe(0);
  const { read, written, duplicates, filtered, parked, outcome } = eventStatus(
    (JSON.parse(stdout) as Summary).flows,
  );
  expect(outcome).toBe('in-sync');
  expect(written).toBeGreaterThan(40);
  expect(written + duplicates + filtered + parked).toBe(read);

  const running = npmScript('start', args);
  try {
    const ready = JSON.parse(await running.firstLine) as { sandbox: SandboxReady };
    const systems = connectSystems(ready.sandbox);
    const contacts = new Set(await systems.contacts.ids());
    const rows = (
      await Promise.all(
        (['sends', 'opens', 'clicks', 'bounces'] as const).map((kind) => timelineOf(systems, kind)),
      )
    ).flat();
    expect(rows.length).toBe(written);
    expect(rows.filter(({ contactId }) => !contacts.has(contactId))).toEqual([]);
  } finally {
    await running.stop();
  }
}, 180_000);
