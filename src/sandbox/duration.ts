const FORM =
  /^P(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

const UNITS_MS = [7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000];

/** Milliseconds of an ISO 8601 duration in weeks, days, hours, minutes and seconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const parts = FORM.exec(text.trim().toUpperCase())?.slice(1);
  if (!parts?.some((part) => part !== undefined)) return undefined;
  return Math.round(
    parts.reduce((total, part, unit) => total + Number(part ?? 0) * (UNITS_MS[unit] ?? 0), 0),
  );
}
