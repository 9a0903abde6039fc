/** What has been started and must be ended, the newest first. */
export interface Closers {
  /** Remembers it; after `close` it is ended at once, and this throws, so that nothing more is started. */
  add(end: () => Promise<unknown>): Promise<void>;
  /** Ends all of it. Repeatable. */
  close(): Promise<void>;
}

export function createClosers(): Closers {
  const ends: (() => Promise<unknown>)[] = [];
  let closed = false;
  return {
    async add(end) {
      if (!closed) return void ends.push(end);
      await end();
      throw new Error('the benchmark has been stopped');
    },
    async close() {
      closed = true;
      for (let end = ends.pop(); end; end = ends.pop()) await end();
    },
  };
}
