import type { ProfileFlag } from './changed-profiles.js';
import { columnPlaces, isOfColumns } from './delimited-columns.js';
import type { Headed } from './delimited-file.js';
import { contactIdIn } from './event-reading.js';
import type { EventTimes } from './event-times.js';
import type { RowFault } from './file-content.js';
import type { FlagOfProfile, ProfileFlags } from './opt-out-source.js';

/** Headings of an export's columns where they are not the usual ones: a flag's own name, and that of its stamp's field. */
export interface OptOutHeadings {
  externalId: string;
  /** By the flags' names. */
  columns: Partial<Record<string, { value?: string | undefined; stamp?: string | undefined }>>;
}

/** Where the columns are in a file. */
export interface OptOutColumns {
  count: number;
  externalId: number;
  flags: { name: string; value: Column; stamp: Column | undefined }[];
}
interface Column {
  heading: string;
  place: number;
}

/** So far a clock may be ahead of ours. */
const AHEAD_MS = 24 * 3_600_000;

/** Finds the columns by the file's first row. Without a column of stamps its flag has none; every other column is needed. */
export function optOutColumns(
  headings: string[],
  flags: ProfileFlag[],
  names: OptOutHeadings,
): Headed<OptOutColumns> {
  const placeOf = columnPlaces(headings);
  const columnOf = (heading: string): Column | undefined => {
    const place = placeOf(heading);
    return place === undefined ? undefined : { heading, place };
  };
  const externalId = columnOf(names.externalId);
  if (!externalId) return { missing: names.externalId };
  const found: OptOutColumns['flags'] = [];
  for (const { name, stamp = `${name}LastModified` } of flags) {
    const named = names.columns[name];
    const heading = named?.value ?? name;
    const value = columnOf(heading);
    if (!value) return { missing: heading };
    found.push({ name, value, stamp: columnOf(named?.stamp ?? stamp) });
  }
  return { columns: { count: headings.length, externalId: externalId.place, flags: found } };
}

/**
 * Reads a row of an export. Undefined for a profile without an external id, which no contact stands behind. One flag that cannot be read
 * makes the whole row a fault, which names the column.
 */
export function readOptOutRow(
  cells: string[],
  { count, externalId, flags }: OptOutColumns,
  times: EventTimes,
  nowMs: number,
): ProfileFlags | RowFault | undefined {
  if (!isOfColumns(cells, count)) return { kind: 'fault', code: 'OPT_OUT_UNREADABLE', field: 'row' };
  const cellOf = ({ place }: { place: number }): string => cells[place]?.trim() ?? '';
  const id = cellOf({ place: externalId });
  if (id === '') return undefined;
  const contactId = contactIdIn(id);
  const told: Record<string, FlagOfProfile> = {};
  for (const { name, value, stamp } of flags) {
    const optedOut = VALUES.get(cellOf(value).toLowerCase());
    if (optedOut === undefined) return unreadable(value, contactId);
    // Campaign leaves the stamp of a flag that was never changed empty (campaign.md §4).
    const written = stamp ? cellOf(stamp) : '';
    if (!stamp || written === '') {
      told[name] = { optedOut };
      continue;
    }
    const ms = times.read(written);
    if (ms === undefined || ms < 0 || ms > nowMs + AHEAD_MS) return unreadable(stamp, contactId);
    told[name] = { optedOut, stamp: new Date(ms).toISOString() };
  }
  return { kind: 'flags', externalId: contactId ?? id.toLowerCase(), flags: told };
}

const VALUES: ReadonlyMap<string, boolean> = new Map([
  ['0', false],
  ['1', true],
  ['false', false],
  ['true', true],
  ['no', false],
  ['yes', true],
]);

/** An external id that is no contact's may be anything, and is not told. */
const unreadable = ({ heading }: Column, contactId: string | undefined): RowFault => ({
  kind: 'fault',
  code: 'OPT_OUT_UNREADABLE',
  field: heading,
  ...(contactId !== undefined && { identity: contactId }),
});
