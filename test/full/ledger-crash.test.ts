import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLedger } from '../../src/ledger/embedded.js';
import { openPostgresLedger } from '../../src/ledger/postgres.js';
import type { Feed, Ledger } from '../../src/ledger/store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { commitPage, FLOW, LEASE_MS, ROWS } from '../ledger/programs/pages.js';
import { run } from '../ledger/programs/run.js';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const settings = { key: 'key', leaseMs: LEASE_MS };
const backends = [
  {
    name: 'embedded',
    place: async () => {
      const folder = await mkdtemp(join(tmpdir(), 'crash-test-'));
      onTestFinished(() => rm(folder, { recursive: true }));
      return folder;
    },
    open: (folder: string) => openEmbeddedLedger({ ...settings, folder }),
  },
  {
    name: 'postgres',
    place: () => server.freshDatabase(),
    open: (url: string) => openPostgresLedger({ ...settings, url }),
  },
];

/** Opens a feed as soon as the lease of its last owner ends. */
async function takeWhenFree(ledger: Ledger): Promise<Feed> {
  for (;;) {
    const opened = await ledger.openFeed(FLOW, 'successor');
    if (opened.kind === 'open') return opened.feed;
    await wait(opened.waitMs);
  }
}

for (const { name, place, open } of backends) {
  test(
    `a process killed among its commits leaves whole pages only (${name})`,
    { timeout: 90_000 },
    async () => {
      const where = await place();
      for (const pages of [3, 17, 41]) {
        const writer = run('commit-pages', name, where);
        let told = 0;
        for (let count = 0; count < pages; count += 1) told = Number(await writer.line());
        await writer.kill();

        const ledger = await open(where);
        const feed = await takeWhenFree(ledger);
        expect(feed.version).toBeGreaterThanOrEqual(told);
        expect(feed.position).toMatchObject({ link: `page ${feed.version}` });
        const { counts, now } = await ledger.summary(FLOW);
        expect(counts).toMatchObject({
          read: feed.version * ROWS,
          created: feed.version * (ROWS - 1),
          parked: feed.version,
        });
        expect(now).toEqual({ managed: feed.version * (ROWS - 1), parked: feed.version, held: 0 });
        const edges = [feed.version, feed.version + 1].flatMap((page) => [
          `${page}-0`,
          `${page}-${ROWS - 2}`,
          `${page}-parked`,
        ]);
        expect([...(await ledger.records(FLOW, edges)).keys()].sort()).toEqual(edges.slice(0, 3).sort());
        await commitPage(ledger, feed);
        await ledger.closeFeed(feed);
        await ledger.close();
      }
    },
  );
}

test('a process that was stopped past its lease knows it, and writes nothing when it goes on', async () => {
  const url = await server.freshDatabase();
  const stalled = run('stalled-owner', url);
  expect(await stalled.line()).toBe('held');
  stalled.process.kill('SIGSTOP');
  const ledger = await openPostgresLedger({ ...settings, url });
  const feed = await commitPage(ledger, await takeWhenFree(ledger));
  stalled.process.kill('SIGCONT');
  stalled.tell('write');
  expect(await stalled.line()).toBe('knows it has run out, LEASE_LOST');
  expect(await ledger.readFeed(FLOW)).toMatchObject({ version: feed.version, position: feed.position });
  await ledger.close();
});
