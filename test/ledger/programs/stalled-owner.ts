/** Takes a feed, and on each line of its input tries to write to it; says what its own clock and the ledger think of that. */
import { on } from 'node:events';
import { SyncError } from '../../../src/errors.js';
import { leaseClock } from '../../../src/ledger/lease.js';
import { openPostgresLedger } from '../../../src/ledger/postgres.js';
import { commitPage, FLOW, LEASE_MS } from './pages.js';

const ledger = await openPostgresLedger({ url: process.argv[2] ?? '', key: 'key', leaseMs: LEASE_MS });
const opened = await ledger.openFeed(FLOW, 'stalled');
if (opened.kind === 'busy') throw new Error('busy');
console.log('held');
for await (const _line of on(process.stdin, 'data')) {
  const believes =
    leaseClock.nowMs() < opened.feed.leaseUntilMs ? 'believes to hold it' : 'knows it has run out';
  const written = await commitPage(ledger, opened.feed).then(
    () => 'written',
    (error: unknown) => (error instanceof SyncError ? error.code : String(error)),
  );
  console.log(`${believes}, ${written}`);
}
