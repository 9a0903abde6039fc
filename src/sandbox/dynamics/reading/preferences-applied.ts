import type { Call } from '../call.js';

/** `Preference-Applied`, naming what of `Prefer` was heeded. */
export function appliedPreferences({ preferences }: Call, tracked = false): Record<string, string> {
  const applied: string[] = [];
  if (tracked) applied.push('odata.track-changes');
  if (preferences.maxPageSize !== undefined) applied.push(`odata.maxpagesize=${preferences.maxPageSize}`);
  if (preferences.annotations !== undefined)
    applied.push(`odata.include-annotations="${preferences.annotations}"`);
  return applied.length === 0 ? {} : { 'preference-applied': applied.join(',') };
}
