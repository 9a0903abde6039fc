import type { StoredRow } from './records.js';

/** Finds rows by the values of an alternate key. A row with an empty key column is not in it. */
export interface KeyIndex {
  add(row: StoredRow): void;
  delete(row: StoredRow): void;
  /** Id of a row with these values, in the order of the key's columns. */
  find(values: readonly unknown[]): string | undefined;
}

export function createKeyIndex(columns: readonly string[], rows: Iterable<StoredRow>): KeyIndex {
  const ids = new Map<string, string>();

  function add(row: StoredRow): void {
    const entry = keyText(columns.map((column) => row.values[column]));
    if (entry !== undefined) ids.set(entry, row.id);
  }

  for (const row of rows) add(row);

  return {
    add,
    delete(row) {
      const entry = keyText(columns.map((column) => row.values[column]));
      if (entry !== undefined && ids.get(entry) === row.id) ids.delete(entry);
    },
    find(values) {
      const entry = keyText(values);
      return entry === undefined ? undefined : ids.get(entry);
    },
  };
}

/** Keys compare as the database does: without regard to case. */
function keyText(values: readonly unknown[]): string | undefined {
  if (values.some((value) => value === undefined || value === null)) return undefined;
  return JSON.stringify(values.map((value) => (typeof value === 'string' ? value.toLowerCase() : value)));
}
