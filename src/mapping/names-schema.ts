import { z } from 'zod';

/*
 * Names and times as sync.yaml writes them. Messages complete the sentence "must be …".
 */

export const logicalName = z
  .string()
  .regex(/^(?!__proto__$)[a-z_][a-z0-9_]{0,127}$/, 'a logical name of Dynamics: small letters, digits and _');
export const campaignName = z
  .string()
  .regex(/^(?!__proto__$)[A-Za-z_]\w{0,63}$/, 'a name of Campaign: letters, digits and _');
export const campaignPath = z
  .string()
  .regex(
    /^(?!(.*\.)?__proto__(\.|$))[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63}){0,3}$/,
    'a field of Campaign, a nested one with dots: location.city',
  );
export const duration = z.string().regex(/^[1-9]\d{0,5}(s|m|h|d)$/, 'a duration such as 30s, 1m, 2h or 1d');

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a duration such as `30s`, `1m`, `2h`, `1d`; undefined when it is none. */
export function readDurationMs(text: string): number | undefined {
  return duration.safeParse(text).success
    ? Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS]
    : undefined;
}

/** Milliseconds of a validated duration. */
export const durationMs = (text: string): number => readDurationMs(text) ?? 0;
