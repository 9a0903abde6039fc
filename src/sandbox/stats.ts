import type { SandboxSystem } from './faults.js';
import type { Store } from './store.js';

/** Token requests, reads of the journal and operations on files are counted apart from the systems' own calls. */
export type CountedSystem = SandboxSystem | 'identity' | 'journal' | 'sftp';

/** What `GET /_sandbox/stats` answers for one system. */
export interface SystemStats {
  total: number;
  byRoute: Record<string, Record<string, number>>;
  [extra: string]: unknown;
}

export interface Stats {
  /** Counts one HTTP call, e.g. `count('dynamics', 'GET contacts', 200)`; ids are left out of the route. */
  count(system: CountedSystem, route: string, status: number): void;
  /** Counts what is no HTTP call of its own: `batchParts`, `bulkRows`, `duplicates`, `rejectedRows` … */
  add(system: CountedSystem, counter: string, amount?: number): void;
  snapshot(): Record<string, unknown>;
  reset(): void;
}

/** Counters that always appear, so that a reader needs no "if present". */
const ALWAYS: Record<CountedSystem, string[]> = {
  dynamics: ['batchParts', 'bulkRows', 'rejectedRows'],
  campaign: ['duplicates', 'rejectedRows'],
  identity: [],
  journal: ['events'],
  sftp: ['connections', 'bytesRead', 'bytesWritten'],
};

/** Statistics kept in the store, one small entry per route and status: each call appends one short change. */
export function createStats(store: Store): Stats {
  const counters = store.collection<number>('stats');
  const raise = (key: string, amount: number) => counters.set(key, (counters.get(key) ?? 0) + amount);

  function snapshot(): Record<string, SystemStats> {
    const systems: Record<string, SystemStats> = {};
    for (const [system, names] of Object.entries(ALWAYS)) {
      systems[system] = { total: 0, byRoute: {}, ...Object.fromEntries(names.map((name) => [name, 0])) };
    }
    for (const [key, amount] of counters.entries()) {
      const [system = '', status = '', route = ''] = key.split('\t');
      const stats = (systems[system] ??= { total: 0, byRoute: {} });
      if (status === '') {
        stats[route] = amount;
        continue;
      }
      stats.total += amount;
      (stats.byRoute[route] ??= {})[status] = amount;
    }
    return systems;
  }

  return {
    count: (system, route, status) => raise(`${system}\t${status}\t${route}`, 1),
    add: (system, counter, amount = 1) => raise(`${system}\t\t${counter}`, amount),
    snapshot,
    reset: () => counters.clear(),
  };
}
