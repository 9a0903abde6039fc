import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { migrate, migrations } from '../../src/ledger/migrations/migrate.js';
import { at, onBothBackends, prints, take } from './backends.js';

onBothBackends('a ledger', (under) => {
  test('belongs to the pair and the key that first claimed it', async () => {
    const { ledger, ofAnotherProcess } = under();
    const pair = { organizationId: 'b1c6b3a2-0000-0000-0000-000000000001', tenant: 'sample' };
    await ledger.claimPair(pair);
    await ledger.claimPair(pair);
    await ofAnotherProcess().claimPair(pair);
    const another = { code: 'LEDGER_OF_ANOTHER_PAIR', class: 'stop' };
    await expect(ledger.claimPair({ ...pair, tenant: 'other' })).rejects.toMatchObject(another);
    await expect(ledger.claimPair({ ...pair, organizationId: 'other' })).rejects.toMatchObject(another);
    await expect(ofAnotherProcess({ key: 'other key' }).claimPair(pair)).rejects.toMatchObject(another);
  });

  test('hashes a text with its key, to 32 hex digits', () => {
    const { ledger, ofAnotherProcess } = under();
    const hash = ledger.fingerprint('text');
    // The first half of HMAC-SHA-256 of "text" under the key "key".
    expect(hash).toBe('6afa9046a9579cad143a384c1b564b9a');
    expect(ofAnotherProcess().fingerprint('text')).toBe(hash);
    expect(ofAnotherProcess({ key: 'other' }).fingerprint('text')).not.toBe(hash);
  });

  test('numbers the mappings that are published, a changed one only', async () => {
    const { ledger } = under();
    expect(await ledger.mappings.inForce()).toBeUndefined();
    expect(await ledger.mappings.publish('one')).toEqual({ version: 1, changed: true });
    expect(await ledger.mappings.publish('one')).toEqual({ version: 1, changed: false });
    expect(await ledger.mappings.publish('two')).toEqual({ version: 2, changed: true });
    expect(await ledger.mappings.publish('one')).toEqual({ version: 3, changed: true });
    expect(await ledger.mappings.inForce()).toEqual({ version: 3, document: 'one' });
    const published = await Promise.all(['a', 'b', 'c'].map((document) => ledger.mappings.publish(document)));
    expect(published.map(({ version }) => version).toSorted((one, other) => one - other)).toEqual([4, 5, 6]);
  });

  test('keeps metadata with its age', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    expect(await ledger.metadata.read(flow)).toBeUndefined();
    await ledger.metadata.save(flow, 'old');
    await sql`update ledger.metadata set saved_at = saved_at - interval '1 hour' where flow = ${flow}`.execute(
      database,
    );
    const old = await ledger.metadata.read(flow);
    expect(old?.text).toBe('old');
    expect(old?.ageMs).toBeGreaterThanOrEqual(3_600_000);
    await ledger.metadata.save(flow, 'new');
    const fresh = await ledger.metadata.read(flow);
    expect(fresh?.text).toBe('new');
    expect(fresh?.ageMs).toBeLessThan(10_000);
  });

  test('adds up the calls of one day, of all processes, and begins anew with the next', async () => {
    const { ledger, database, ofAnotherProcess } = under();
    expect(await ledger.callsToday('dynamics')).toBe(0);
    await Promise.all([3, 4, 5].map((calls) => ledger.addCalls('dynamics', calls)));
    expect(await ofAnotherProcess().addCalls('dynamics', 1)).toBe(13);
    expect(await ledger.callsToday('dynamics')).toBe(13);
    expect(await ledger.callsToday('campaign')).toBe(0);
    await sql`update ledger.day set day = day - 1`.execute(database);
    expect(await ledger.callsToday('dynamics')).toBe(0);
    expect(await ledger.addCalls('dynamics', 2)).toBe(2);
  });

  test('holds nothing but ids, hashes, numbers, codes, times and links', async () => {
    const { ledger, database, freshFlow } = under();
    const flow = freshFlow();
    await ledger.startRun(flow, 'run');
    const value = 'Ágnes Példa, agnes@example.org';
    const accepted = { full: ledger.fingerprint(value), following: ledger.fingerprint(`${value}.`) };
    let feed = await ledger.commitSurveyPage(
      await take(ledger, flow),
      [{ sourceId: 'a', ...accepted }],
      at('full', 'link'),
    );
    await ledger.markIntents(feed, ['a']);
    feed = await ledger.commitPage(
      feed,
      [{ sourceId: 'a', outcome: 'created', accepted }],
      at('full', 'link'),
    );
    await ledger.commitPage(
      feed,
      [{ sourceId: 'b', outcome: 'parked', fault: { code: 'TEXT_TOO_LONG', field: 'email' } }],
      at('sweep'),
    );
    const { rows: tables } = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'ledger'`.execute(
      database,
    );
    expect(tables.length).toBeGreaterThan(8);
    for (const { name } of tables) {
      const { rows } = await sql<{
        row: string;
      }>`select kept::text as row from ledger.${sql.raw(name)} as kept`.execute(database);
      for (const { row } of rows) expect(row).not.toMatch(/Ágnes|Példa|example\.org/);
    }
  });

  test('is migrated once, however often and by however many it is opened', async () => {
    const { database } = under();
    await Promise.all([migrate(database), migrate(database), migrate(database)]);
    const { rows } = await sql<{
      number: number;
    }>`select number from ledger.migration order by number`.execute(database);
    expect(rows.map(({ number }) => number)).toEqual(migrations.map((_each, index) => index + 1));
  });

  test('of a newer version is refused and left as it is', async () => {
    const { database } = under();
    await sql`insert into ledger.migration (number, name) values (99, 'of a later version')`.execute(
      database,
    );
    await expect(migrate(database)).rejects.toMatchObject({ code: 'LEDGER_TOO_NEW', class: 'stop' });
    await sql`delete from ledger.migration where number = 99`.execute(database);
    await migrate(database);
  });

  test('fails with codes of the catalogue, without the values of its statements', async () => {
    const { ledger, freshFlow } = under();
    const feed = await take(ledger, freshFlow());
    const secret = 'not a number';
    const failed = ledger.commitPage(
      feed,
      [{ sourceId: 'a', outcome: 'created', accepted: prints(secret), mappingVersion: 0.5 }],
      at('full'),
    );
    await expect(failed).rejects.toMatchObject({ name: 'SyncError', code: 'INTERNAL' });
    const error: unknown = await failed.catch((thrown: unknown) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(secret);
    expect(Object.keys((error as Error).cause as object)).toEqual([]);
    // The transaction left nothing behind, and the ledger goes on.
    expect((await ledger.commitPage(feed, [], at('full'))).version).toBe(1);
  });
});
