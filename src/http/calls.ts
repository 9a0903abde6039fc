/** In this order calls are let through when there are more than the budget allows (DESIGN §7). */
export type Priority = 'opt-out' | 'event' | 'change' | 'first-load';

/** What every operation of a client may be given. */
export interface CallOptions {
  priority?: Priority;
  signal?: AbortSignal;
  /** Called right before each HTTP attempt with the attempt's time limit; throws to forbid it (lease ended). */
  beforeCall?: (timeLimitMs: number) => void;
}
