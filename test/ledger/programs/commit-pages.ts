/** Commits page after page of one flow to the ledger that its arguments name, and says the version of each, until it is killed. */
import { openEmbeddedLedger } from '../../../src/ledger/embedded.js';
import { openPostgresLedger } from '../../../src/ledger/postgres.js';
import { commitPage, FLOW, LEASE_MS } from './pages.js';

const [backend, place = ''] = process.argv.slice(2);
const settings = { key: 'key', leaseMs: LEASE_MS };
const ledger = await (backend === 'embedded'
  ? openEmbeddedLedger({ ...settings, folder: place })
  : openPostgresLedger({ ...settings, url: place }));
await ledger.startRun(FLOW, 'run');
const opened = await ledger.openFeed(FLOW, `process ${process.pid}`);
if (opened.kind === 'busy') throw new Error('busy');
for (let feed = opened.feed; ;) {
  feed = await commitPage(ledger, feed);
  console.log(feed.version);
}
