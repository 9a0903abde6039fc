import type { CallOptions } from '../http/calls.js';
import { hrefOf } from './address.js';
import type { Campaign, ListedPage, ResourceMetadata } from './client.js';
import type { FlagOfProfile, OptOutCursor, OptOutItem, OptOutPage } from './opt-out-source.js';

export interface ChangedProfilesSettings {
  campaign: Campaign;
  profile: ResourceMetadata;
  /** Field of the profile that holds the contact's id. */
  keyField: string;
  /** The operator's filter for profiles modified since a time (campaign.md §3), and its parameter if the metadata does not tell. */
  filter: string;
  parameter?: string | undefined;
  /** How far each pass goes back behind the one before, by Campaign's clock. */
  overlapMs: number;
  flags: ProfileFlag[];
  /** Records per call. */
  lineCount: number;
  nowMs(): number;
}
export interface ProfileFlag {
  name: string;
  /** Field that holds the time of its last change, where it is not `<name>LastModified`. */
  stamp?: string | undefined;
}

/** A pass looks back at least to what was modified last, but no further than so long behind its own beginning. */
const QUIET_MS = 3_600_000;

type ChangesCursor = Extract<OptOutCursor, { source: 'changes' }>;

/**
 * Profiles over REST: all of them on the first pass, afterwards those modified since. A pass that begins where the last one ended meets
 * some profiles again: their values are to be compared. What is modified behind the reader of a pass has a later stamp than the time
 * the pass began at, so that the next one begins no later than that.
 */
export function createChangedProfiles(settings: ChangedProfilesSettings) {
  const { campaign, profile, keyField, filter, parameter, overlapMs, flags, lineCount, nowMs } = settings;

  async function read(cursor: ChangesCursor, options: CallOptions): Promise<OptOutPage> {
    const { since, link } = cursor;
    const at = { lineCount, ...(link !== undefined && { link }) };
    const page =
      since === undefined
        ? await campaign.list(profile, at, options)
        : await campaign.changedSince(profile, { filter, parameter, since, ...at }, options);
    const more = page.nextLink !== undefined;
    return { items: page.records.flatMap(itemOf), next: nextOf(cursor, page), more };
  }

  function itemOf(record: Record<string, unknown>): OptOutItem[] {
    const externalId = record[keyField];
    // A profile that no contact stands behind is none of ours.
    if (typeof externalId !== 'string' || externalId === '') return [];
    const href = hrefOf(profile, record);
    const modifiedAt = modifiedAtOf(record);
    return [
      {
        kind: 'flags',
        position: '',
        externalId: externalId.toLowerCase(),
        flags: flagsOf(record, flags),
        ...(href !== undefined && { href }),
        ...(modifiedAt !== undefined && { modifiedAt }),
      },
    ];
  }

  function nextOf({ since, beganAt, latest }: ChangesCursor, page: ListedPage): ChangesCursor {
    const began = beganAt ?? page.at ?? new Date(nowMs() - overlapMs).toISOString();
    const met = latestOf([latest, ...page.records.map(modifiedAtOf)]);
    const known = { source: 'changes', ...(since !== undefined && { since }) } as const;
    if (page.nextLink !== undefined)
      return { ...known, link: page.nextLink, beganAt: began, ...(met !== undefined && { latest: met }) };
    // Behind what was met last, by Campaign's own stamps: the gateway's clock may not be theirs. Where nothing is modified, time passes all the same.
    const quiet = new Date(Date.parse(began) - QUIET_MS).toISOString();
    const seen = met === undefined || met < quiet ? quiet : met < began ? met : began;
    const from = new Date(Date.parse(seen) - overlapMs).toISOString();
    return { source: 'changes', since: since !== undefined && since > from ? since : from };
  }

  return { read };
}

/** The flags of a profile's record. */
export function flagsOf(
  record: Record<string, unknown>,
  flags: ProfileFlag[],
): Record<string, FlagOfProfile> {
  return Object.fromEntries(
    flags.map(({ name, stamp }): [string, FlagOfProfile] => {
      const told = record[stamp ?? `${name}LastModified`];
      const changedAt = timeOf(told);
      return [
        name,
        {
          optedOut: isTrue(record[name]),
          ...(changedAt !== undefined && { stamp: changedAt }),
          ...(told === '' && { isUntouched: true }),
        },
      ];
    }),
  );
}

/** When a record was last changed, ISO 8601 UTC. */
export const modifiedAtOf = ({ lastModified }: Record<string, unknown>): string | undefined =>
  timeOf(lastModified);

const isTrue = (value: unknown): boolean =>
  value === true || value === 1 || value === 'true' || value === '1';

/** Campaign writes a time with a blank in place of the T, and an empty text where there is none (campaign.md §2, §4). */
function timeOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim().replace(' ', 'T');
  const atMs = Date.parse(/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(atMs) ? undefined : new Date(atMs).toISOString();
}

const latestOf = (times: (string | undefined)[]): string | undefined =>
  times.reduce(
    (latest, time) => (time !== undefined && (latest === undefined || time > latest) ? time : latest),
    undefined,
  );
