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
