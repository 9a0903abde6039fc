import { randomBytes } from 'node:crypto';
import { createRandom } from './seed/random.js';
import type { Store } from './store.js';

export type SandboxSystem = 'dynamics' | 'campaign';

/** What HTTP calls can meet. */
export const CALL_FAULTS = [
  'status',
  'throttle',
  'latency',
  'reset',
  'truncate',
  'expire-token',
  'expire-delta',
  'accepted-then-reset',
] as const;
export type CallFaultKind = (typeof CALL_FAULTS)[number];

/** What SFTP requests can meet. */
export const FILE_FAULTS = [
  'latency',
  'reset',
  'permission-denied',
  'disk-full',
  'host-key',
  'vanish',
] as const;
export type FileFaultKind = (typeof FILE_FAULTS)[number];

/** One rule of `PUT /_sandbox/faults` (CONTRACT, "Sandbox"). */
export interface Fault {
  system: SandboxSystem | 'sftp';
  /** Of SFTP: the request's name, e.g. `OPEN`. */
  method?: string;
  path?: string;
  kind: CallFaultKind | FileFaultKind;
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
  /** As `take`, for an SFTP request: its name, the file's full path, and the kinds that it can meet. */
  takeForFile(request: string, path: string, kinds: readonly FileFaultKind[]): Fault | undefined;
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

  const take: Faults['take'] = (system, method, path) => hit((fault) => matches(fault, system, method, path));

  const takeForFile: Faults['takeForFile'] = (request, path, kinds) =>
    hit((fault) => (kinds as readonly string[]).includes(fault.kind) && matchesFile(fault, request, path));

  function hit(matching: (fault: Fault) => boolean): Fault | undefined {
    if (armed.length === 0) return undefined;
    const due = armed.find(
      (fault) => matching(fault) && (fault.share === undefined || random() < fault.share),
    );
    if (!due) return undefined;
    const left = due.times ?? (due.share === undefined ? 1 : Infinity);
    if (left === Infinity) return due;
    save(
      left > 1
        ? armed.map((fault) => (fault === due ? { ...fault, times: left - 1 } : fault))
        : armed.filter((fault) => fault !== due),
    );
    return due;
  }

  return { set: (faults) => save([...faults]), clear: () => save([]), take, takeForFile };
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

/** A path may be given without its first slash. */
function matchesFile(fault: Fault, request: string, path: string): boolean {
  if (fault.system !== 'sftp') return false;
  if (fault.method !== undefined && fault.method.toUpperCase() !== request) return false;
  return fault.path === undefined || path.startsWith(fault.path.replace(/^\/*/, '/'));
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
