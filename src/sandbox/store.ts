/**
 * The sandbox's state: named collections in memory, each change appended to a log on disk before the
 * answer that reports it leaves, so that a kill loses nothing a client was told (DESIGN §10).
 */
export interface Collection<T> {
  get(key: string): T | undefined;
  /** Stores a value; the caller must not change it afterwards without calling `set` again. */
  set(key: string, value: T): void;
  delete(key: string): boolean;
  has(key: string): boolean;
  readonly size: number;
  /** In insertion order. */
  entries(): IterableIterator<[string, T]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<T>;
  clear(): void;
}

export interface Store {
  /** The collection of that name, created empty when new. Values must survive JSON. */
  collection<T>(name: string): Collection<T>;
  /** Writes what was changed since the last commit; called before an answer leaves. */
  commit(): void;
  /** Forgets everything, on disk too. */
  reset(): void;
  /** Commits, and lets go of the file. */
  close(): void;
  /** Lets go of the file without what was not committed. */
  abandon(): void;
}
