import type { SandboxSystem } from './faults.js';

/** What `GET /_sandbox/stats` answers for one system. Token requests are counted under `identity`, not here. */
export interface SystemStats {
  total: number;
  byRoute: Record<string, Record<string, number>>;
  [extra: string]: unknown;
}

export interface Stats {
  /** Counts one HTTP call, e.g. `count('dynamics', 'GET contacts', 200)`; ids are left out of the route. */
  count(system: SandboxSystem | 'identity', route: string, status: number): void;
  /** Counts what is no HTTP call of its own: `batchParts`, `bulkRows`, `duplicates`, `rejectedRows` … */
  add(system: SandboxSystem, counter: string, amount?: number): void;
  snapshot(): Record<string, unknown>;
  reset(): void;
}
