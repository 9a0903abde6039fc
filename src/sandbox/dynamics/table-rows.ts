import type { Collection, Store } from '../store.js';
import { createChangeLog, type ChangeLog } from './change-log.js';
import { createKeyIndex, type KeyIndex } from './key-index.js';
import { createLookupIndex, type LookupIndex } from './lookup-index.js';
import type { StoredRow } from './records.js';
import { createSortedKeys, type SortedKeys } from './sorted-keys.js';

/** A deleted row, kept for change tracking (dataverse.md §3). */
interface Tombstone {
  version: number;
  atMs: number;
}

export type TrackedChange =
  { kind: 'changed'; version: number; row: StoredRow } | { kind: 'deleted'; version: number; id: string };

/** One table's rows and tombstones in the store, with indexes that are built when first asked for. */
export interface TableRows {
  readonly rows: Collection<StoredRow>;
  /** Stores a row's new state in place of `before`. Returns the way back. */
  place(before: StoredRow | undefined, row: StoredRow): () => void;
  /** Deletes a row, leaving a tombstone. Returns the way back. */
  bury(row: StoredRow, version: number, atMs: number): () => void;
  /** In the order of the primary key, behind `afterId` if given. */
  ordered(afterId?: string): IterableIterator<StoredRow>;
  /** What changed behind a row version, oldest first, each row once. */
  changesSince(version: number): IterableIterator<TrackedChange>;
  findByKey(columns: readonly string[], values: readonly unknown[]): StoredRow | undefined;
  /** Rows whose lookup column holds this id. */
  referencing(column: string, id: string): StoredRow[];
  clear(): void;
}

/** How many outdated entries a change log may hold before it is built anew. */
const CHANGE_LOG_SLACK = 100_000;

export function createTableRows(store: Store, logicalName: string): TableRows {
  const rows = store.collection<StoredRow>(`rows/${logicalName}`);
  const tombstones = store.collection<Tombstone>(`tombstones/${logicalName}`);
  const keys = new Map<string, KeyIndex>();
  const lookups = new Map<string, LookupIndex>();
  let sorted: SortedKeys | undefined;
  let changes: ChangeLog | undefined;

  function place(before: StoredRow | undefined, row: StoredRow): () => void {
    const buried = tombstones.get(row.id);
    if (buried) tombstones.delete(row.id);
    rows.set(row.id, row);
    changes?.append(row.id, row.version);
    reindex(before, row);
    return () => {
      if (before) rows.set(row.id, before);
      else rows.delete(row.id);
      if (buried) tombstones.set(row.id, buried);
      reindex(row, before);
    };
  }

  function bury(row: StoredRow, version: number, atMs: number): () => void {
    rows.delete(row.id);
    tombstones.set(row.id, { version, atMs });
    changes?.append(row.id, version);
    reindex(row, undefined);
    return () => {
      rows.set(row.id, row);
      tombstones.delete(row.id);
      reindex(undefined, row);
    };
  }

  function reindex(before: StoredRow | undefined, after: StoredRow | undefined): void {
    if (!before && after) sorted?.add(after.id);
    if (before && !after) sorted?.delete(before.id);
    for (const index of [...keys.values(), ...lookups.values()]) {
      if (before) index.delete(before);
      if (after) index.add(after);
    }
  }

  function* ordered(afterId?: string): IterableIterator<StoredRow> {
    sorted ??= createSortedKeys(rows.keys());
    for (const id of sorted.following(afterId)) {
      const row = rows.get(id);
      if (row) yield row;
    }
  }

  function* changesSince(version: number): IterableIterator<TrackedChange> {
    if (changes && changes.length > 2 * (rows.size + tombstones.size) + CHANGE_LOG_SLACK) changes = undefined;
    changes ??= createChangeLog(allChanges());
    for (const change of changes.since(version)) {
      const row = rows.get(change.id);
      if (row) {
        if (row.version === change.version) yield { kind: 'changed', version: row.version, row };
      } else if (tombstones.get(change.id)?.version === change.version) {
        yield { kind: 'deleted', version: change.version, id: change.id };
      }
    }
  }

  function* allChanges(): IterableIterator<{ id: string; version: number }> {
    for (const row of rows.values()) yield { id: row.id, version: row.version };
    for (const [id, { version }] of tombstones.entries()) yield { id, version };
  }

  function findByKey(columns: readonly string[], values: readonly unknown[]): StoredRow | undefined {
    const name = columns.join('\t');
    let index = keys.get(name);
    if (!index) keys.set(name, (index = createKeyIndex(columns, rows.values())));
    const id = index.find(values);
    return id === undefined ? undefined : rows.get(id);
  }

  function referencing(column: string, id: string): StoredRow[] {
    let index = lookups.get(column);
    if (!index) lookups.set(column, (index = createLookupIndex(column, rows.values())));
    return index.find(id).flatMap((found) => rows.get(found) ?? []);
  }

  function clear(): void {
    rows.clear();
    tombstones.clear();
    keys.clear();
    lookups.clear();
    sorted = undefined;
    changes = undefined;
  }

  return { rows, place, bury, ordered, changesSince, findByKey, referencing, clear };
}
