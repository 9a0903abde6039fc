/** The sandbox's time: the machine's, plus what `POST /_sandbox/clock` has advanced it by. */
export interface SandboxClock {
  /** Milliseconds since 1970, simulated. */
  nowMs(): number;
  /** Moves the simulated time forward. */
  advance(milliseconds: number): void;
}
