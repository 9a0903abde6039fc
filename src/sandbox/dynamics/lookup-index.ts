import type { StoredRow } from './records.js';

/** Finds the rows whose lookup column points to a row. */
export interface LookupIndex {
  add(row: StoredRow): void;
  delete(row: StoredRow): void;
  find(id: string): string[];
}

export function createLookupIndex(column: string, rows: Iterable<StoredRow>): LookupIndex {
  const pointing = new Map<unknown, Set<string>>();

  function add(row: StoredRow): void {
    const target = row.values[column];
    if (target === undefined || target === null) return;
    const ids = pointing.get(target);
    if (ids) ids.add(row.id);
    else pointing.set(target, new Set([row.id]));
  }

  for (const row of rows) add(row);

  return {
    add,
    delete: (row) => void pointing.get(row.values[column])?.delete(row.id),
    find: (id) => [...(pointing.get(id) ?? [])],
  };
}
