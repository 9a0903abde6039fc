import type { Collection, Store } from './store.js';
import { openStoreLog, type Change, type StoreLog } from './store-log.js';

const COMPACTION_LINE_CHANGES = 500;
/** Below this a log is read faster than it is rewritten. */
const COMPACTION_MIN_CHANGES = 10_000;

/**
 * A store over a log file, or in memory only when no file is given.
 *
 * @param file where the log lies; its folder is made. A log of which most lines are outdated is rewritten
 *   at start.
 */
export function createStore(file?: string): Store {
  const logged = file !== undefined;
  const collections = new Map<string, LoggedCollection<unknown>>();
  let pending: Change[] = [];
  let replayed = 0;
  const log: StoreLog | undefined = logged ? openStoreLog(file, replay) : undefined;
  const record = logged ? (change: Change) => void pending.push(change) : () => {};
  if (log && replayed > COMPACTION_MIN_CHANGES && replayed > 2 * liveEntries()) log.rewrite(compacted());

  function open(name: string): LoggedCollection<unknown> {
    let found = collections.get(name);
    if (!found) collections.set(name, (found = createCollection(name, (change) => record(change), logged)));
    return found;
  }

  function replay(changes: Change[]): void {
    replayed += changes.length;
    for (const change of changes) {
      const rows = open(change[0]).rows;
      if (change.length === 3) rows.set(change[1], change[2]);
      else if (change.length === 2) rows.delete(change[1]);
      else rows.clear();
    }
  }

  function commit(): void {
    if (!log || pending.length === 0) return;
    const changes = pending;
    pending = [];
    for (const change of changes) {
      const collection = collections.get(change[0]);
      if (change.length !== 3 || !collection) continue;
      // The value as it stands now: a key set twice in one commit is written once.
      change[2] = collection.rows.get(change[1]) ?? null;
      collection.dirty.clear();
    }
    log.append(`${JSON.stringify(changes)}\n`);
  }

  function reset(): void {
    for (const collection of collections.values()) {
      collection.rows.clear();
      collection.dirty.clear();
    }
    pending = [];
    log?.rewrite([]);
  }

  function* compacted(): Iterable<string> {
    let line: Change[] = [];
    for (const [name, collection] of collections) {
      for (const [key, value] of collection.rows) {
        line.push([name, key, value]);
        if (line.length < COMPACTION_LINE_CHANGES) continue;
        yield `${JSON.stringify(line)}\n`;
        line = [];
      }
    }
    if (line.length > 0) yield `${JSON.stringify(line)}\n`;
  }

  function liveEntries(): number {
    let entries = 0;
    for (const collection of collections.values()) entries += collection.rows.size;
    return entries;
  }

  function close(): void {
    commit();
    log?.close();
  }

  return {
    collection: <T>(name: string) => open(name) as Collection<unknown> as Collection<T>,
    commit,
    reset,
    close,
    abandon: () => log?.close(),
  };
}

interface LoggedCollection<T> extends Collection<T> {
  rows: Map<string, T>;
  /** Keys whose change of this commit is already on the list. */
  dirty: Set<string>;
}

function createCollection(
  name: string,
  record: (change: Change) => void,
  logged: boolean,
): LoggedCollection<unknown> {
  const rows = new Map<string, unknown>();
  const dirty = new Set<string>();
  return {
    rows,
    dirty,
    get: (key) => rows.get(key),
    has: (key) => rows.has(key),
    get size() {
      return rows.size;
    },
    entries: () => rows.entries(),
    keys: () => rows.keys(),
    values: () => rows.values(),
    set(key, value) {
      rows.set(key, value);
      if (!logged || dirty.has(key)) return;
      dirty.add(key);
      record([name, key, undefined]);
    },
    delete(key) {
      if (!rows.delete(key)) return false;
      dirty.delete(key);
      record([name, key]);
      return true;
    },
    clear() {
      rows.clear();
      dirty.clear();
      record([name]);
    },
  };
}
