/** A change as the log knows it: which row took which row version. It is outdated when the row took a later one. */
export interface LoggedChange {
  id: string;
  version: number;
}

/** One table's changes in the order of their row versions, so that a delta need not look at every row. */
export interface ChangeLog {
  append(id: string, version: number): void;
  /** Changes with a version behind `version`, oldest first; outdated ones are left for the caller to skip. */
  since(version: number): IterableIterator<LoggedChange>;
  readonly length: number;
}

export function createChangeLog(changes: Iterable<LoggedChange>): ChangeLog {
  const sorted = [...changes].sort((a, b) => a.version - b.version);
  const ids = sorted.map((change) => change.id);
  const versions = sorted.map((change) => change.version);

  function* since(version: number): IterableIterator<LoggedChange> {
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((versions[middle] as number) <= version) low = middle + 1;
      else high = middle;
    }
    for (; low < versions.length; low++) yield { id: ids[low] as string, version: versions[low] as number };
  }

  return {
    append(id, version) {
      ids.push(id);
      versions.push(version);
    },
    since,
    get length() {
      return ids.length;
    },
  };
}
