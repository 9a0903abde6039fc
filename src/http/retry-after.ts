/**
 * Milliseconds to wait by a Retry-After header, in seconds or as an HTTP date (RFC 9110 §10.2.3); undefined when it says neither.
 */
export function retryAfterMs(header: unknown, nowMs: number): number | undefined {
  if (typeof header !== 'string' || header.trim() === '') return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Math.ceil(Number(header) * 1000);
  const atMs = Date.parse(header);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** Exponential back-off with full jitter, for answers that name no time: half to all of 0.5 s, 1 s, 2 s … 15 s. */
export function backOffMs(attempt: number, random: () => number): number {
  const ceilingMs = Math.min(15_000, 500 * 2 ** (attempt - 1));
  return Math.round(ceilingMs * (0.5 + random() / 2));
}
