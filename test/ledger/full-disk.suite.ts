import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { at, onBothBackends, prints, take } from './backends.js';

onBothBackends('a full disk', (under) => {
  test('fails the page that met it, which leaves nothing behind and is committed once there is room', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    const feed = await take(ledger, flow);
    const page = () =>
      ledger.commitPage(
        feed,
        [
          { sourceId: 'a', outcome: 'created', accepted: prints('a') },
          { sourceId: 'b', outcome: 'parked', fault: { code: 'TEXT_TOO_LONG' } },
        ],
        at('full', 'next'),
      );
    // The server's own words for it, at the last table of the transaction.
    await sql`create function pg_temp_full() returns trigger language plpgsql as $$ begin
      raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$`.execute(
      database,
    );
    await sql`create trigger full_disk before update on ledger.run execute function pg_temp_full()`.execute(
      database,
    );
    await expect(page()).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      class: 'retry',
      evidence: { vendorCode: '53100' },
    });
    expect(await ledger.readFeed(flow)).toEqual({ flow, version: 0, position: undefined });
    expect(await ledger.records(flow, ['a', 'b'])).toEqual(new Map());
    expect(await ledger.parked({ flow, limit: 9 })).toEqual([]);
    await sql`drop trigger full_disk on ledger.run`.execute(database);
    expect(await page()).toMatchObject({ version: 1, counts: { read: 2 } });
  });
});
