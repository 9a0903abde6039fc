/**
 * The clock that leases are measured on in this process. The database's clock decides who holds a feed; this clock only
 * tells the holder, without asking, until when it may still act.
 */
export interface LeaseClock {
  /** Milliseconds since an arbitrary start. It goes on while the process is stopped, and is never set back. */
  nowMs(): number;
}

/** The clock of this process, that of `performance.now()`: `feed.leaseUntilMs` is on it. */
export const leaseClock: LeaseClock = { nowMs: () => performance.now() };
