import { randomBytes } from 'node:crypto';
import { createRandom } from './seed/random.js';
import type { Store } from './store.js';

export type SandboxSystem = 'dynamics' | 'campaign';

/** One rule of `PUT /_sandbox/faults` (CONTRACT, "Sandbox"). */
export interface Fault {
  system: SandboxSystem;
  method?: string;
  path?: string;
  kind:
    | 'status'
    | 'throttle'
    | 'latency'
    | 'reset'
    | 'truncate'
    | 'expire-token'
    | 'expire-delta'
    | 'accepted-then-reset';
  status?: number;
  facet?: 'requests' | 'time' | 'concurrency';
  retryAfter?: number;
  ms?: number;
  times?: number;
  share?: number;
}

export interface Faults {
  set(faults: Fault[]): void;
  clear(): void;
  /** Takes the first armed fault that matches this call and counts it down; undefined when none applies. */
  take(system: SandboxSystem, method: string, path: string): Fault | undefined;
}

/** Marks a `$batch` part, dispatched inside this process: it is no HTTP call of its own. */
export const INTERNAL_PART_HEADER = 'x-sandbox-internal-part';
/** The header's value; new in every process, so that no client can claim to be a part. */
export const internalPartSecret = randomBytes(16).toString('hex');

/** Where each system's API begins; a fault's path may be given with or without it. */
const API_BASE: Record<SandboxSystem, RegExp> = {
  dynamics: /^\/api\/data\/v9\.\d\//i,
  campaign: /^\/[^/]+\/campaign\//i,
};

/**
 * Fault rules, kept in the store with what is left of them.
 *
 * A rule hits `times` calls, by default 1. With `share` it hits that fraction of the matching calls at random
 * (the same calls for the same `seed`), without end unless `times` is given too. A `path` is a prefix of the
 * address's path; it may leave out the API's base. Without `path` a rule meets API calls only, not the token
 * endpoints or the journal.
 */
export function createFaults(store: Store, seed: number): Faults {
  const kept = store.collection<Fault[]>('faults');
  const random = createRandom(seed);
  let armed = kept.get('armed') ?? [];

  function save(next: Fault[]): void {
    armed = next;
    kept.set('armed', next);
  }

  function take(system: SandboxSystem, method: string, path: string): Fault | undefined {
    if (armed.length === 0) return undefined;
    const hit = armed.find(
      (fault) =>
        matches(fault, system, method, path) && (fault.share === undefined || random() < fault.share),
    );
    if (!hit) return undefined;
    const left = hit.times ?? (hit.share === undefined ? 1 : Infinity);
    if (left === Infinity) return hit;
    save(
      left > 1
        ? armed.map((fault) => (fault === hit ? { ...fault, times: left - 1 } : fault))
        : armed.filter((fault) => fault !== hit),
    );
    return hit;
  }

  return { set: (faults) => save([...faults]), clear: () => save([]), take };
}

function matches(fault: Fault, system: SandboxSystem, method: string, path: string): boolean {
  if (fault.system !== system) return false;
  if (fault.method !== undefined && fault.method.toUpperCase() !== method.toUpperCase()) return false;
  const decoded = decode(path);
  if (fault.kind === 'expire-delta' && !/[?&]\$deltatoken=/i.test(decoded)) return false;
  const relative = decoded.replace(API_BASE[system], '');
  if (fault.path === undefined) return relative !== decoded;
  const prefix = decode(fault.path);
  return (
    decoded.startsWith(prefix) || (relative !== decoded && relative.startsWith(prefix.replace(/^\//, '')))
  );
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
