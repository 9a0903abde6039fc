/** One row as stored: logical column name → value (GUIDs for lookups; decimals as numbers). */
export interface StoredRow {
  id: string;
  version: number;
  values: Record<string, unknown>;
}

/**
 * The rows of all tables under one database-wide row version (dataverse.md §12, 1). The protocol, `$batch`,
 * the seed and `POST /_sandbox/contacts` all change rows through this, and through nothing else.
 */
export interface Records {
  insert(logicalName: string, values: Record<string, unknown>): StoredRow;
  update(logicalName: string, id: string, values: Record<string, unknown>): StoredRow;
  remove(logicalName: string, id: string): void;
  get(logicalName: string, id: string): StoredRow | undefined;
  rows(logicalName: string): IterableIterator<StoredRow>;
  count(logicalName: string): number;
  /** The database's row version now. */
  version(): number;
}
