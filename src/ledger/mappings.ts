import { sql } from 'kysely';
import type { LedgerContext, Statements } from './context.js';
import type { MappingVersions, MetadataCache } from './store.js';

/** Numbered mapping documents, the last one in force: see the contract in store.ts. */
export function createMappings({ database }: LedgerContext): MappingVersions {
  function publish(document: string): Promise<{ version: number; changed: boolean }> {
    return database.transaction().execute(async (transaction) => {
      await sql`lock table ledger.mapping in share row exclusive mode`.execute(transaction);
      const last = await newest(transaction);
      if (last?.document === document) return { version: last.version, changed: false };
      const version = (last?.version ?? 0) + 1;
      await sql`insert into ledger.mapping (version, document) values (${version}, ${document})`.execute(
        transaction,
      );
      return { version, changed: true };
    });
  }

  return { publish, inForce: () => newest(database) };
}

async function newest(database: Statements): Promise<{ version: number; document: string } | undefined> {
  const { rows } = await sql<{ version: number; document: string }>`
    select version, document from ledger.mapping order by version desc limit 1`.execute(database);
  return rows[0];
}

/** The systems' metadata as last read: see the contract in store.ts. */
export function createMetadataCache({ database }: LedgerContext): MetadataCache {
  async function read(flow: string): Promise<{ text: string; ageMs: number } | undefined> {
    const { rows } = await sql<{ text: string; age_ms: number }>`
      select content as text, (extract(epoch from clock_timestamp() - saved_at) * 1000)::float8 as age_ms
      from ledger.metadata where flow = ${flow}`.execute(database);
    return rows[0] && { text: rows[0].text, ageMs: Math.max(0, rows[0].age_ms) };
  }

  async function save(flow: string, text: string): Promise<void> {
    await sql`
      insert into ledger.metadata (flow, content, saved_at) values (${flow}, ${text}, clock_timestamp())
      on conflict (flow) do update set content = excluded.content, saved_at = excluded.saved_at`.execute(
      database,
    );
  }

  return { read, save };
}
