/**
 * Milliseconds to wait by a Retry-After header, in seconds or as an HTTP date (RFC 9110 §10.2.3). Undefined when it names no time to
 * come: a server that says "0" or a past date and goes on refusing would otherwise be asked without pause.
 */
export function retryAfterMs(header: unknown, nowMs: number): number | undefined {
  if (typeof header !== 'string') return undefined;
  const waitMs = /^\s*\d+(\.\d+)?\s*$/.test(header)
    ? Math.ceil(Number(header) * 1000)
    : Date.parse(header) - nowMs;
  return waitMs > 0 ? waitMs : undefined;
}

/** Exponential back-off with jitter, for faults that name no time: half to all of 0.5 s, 1 s, 2 s … 15 s. */
export function backOffMs(attempt: number, random: () => number): number {
  const ceilingMs = Math.min(15_000, 500 * 2 ** (attempt - 1));
  return Math.round(ceilingMs * (0.5 + random() / 2));
}
