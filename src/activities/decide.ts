import type { Lead } from '../ledger/link-store.js';
import type { LedgerRecord, ReadMode, RowOutcome } from '../ledger/store.js';
import type { CompiledMapping, Mapped, ParentRow, Payload } from '../mapping/model.js';
import { leadsOf } from './leads.js';

/** A change as the feed yields it (dataverse.md §3): a row, or a tombstone. */
export type Change =
  { kind: 'row'; id: string; version: string; row: Record<string, unknown> } | { kind: 'gone'; id: string };

/** Keyed hashes of a payload, with and without the fields that do not follow updates. */
export interface Fingerprints {
  full: string;
  following: string;
}

/** What is to be done for one row. Only `create`, `update` and `delete` cost a call to Campaign. */
export type Decision =
  | {
      kind: 'settled';
      outcome: RowOutcome;
      /** Of an unchanged row. */
      parents?: ParentRow[];
      /** An interrupted attempt at this page has reached it. */
      again?: true;
    }
  | {
      kind: 'create' | 'update';
      sourceId: string;
      sourceVersion: string;
      key: string;
      /** What an update sends now. */
      payload: Payload;
      /** What a create sends: also of an update whose record turns out to be absent after all. */
      insert: Payload;
      /** What Campaign must hold for the row to be there already, and what an adopted record is sent. */
      full: Payload;
      parents: ParentRow[];
      /** Opt-outs of the row, which a new record is created with. */
      optOuts?: Record<string, boolean>;
      /** Where the record will lead; absent where no link is tied by Campaign. */
      leads?: Lead[];
      /** What Campaign holds of the row once it has accepted `payload`. */
      accepted: Fingerprints;
      /** Age of an unfinished create's mark: the record may be there already. */
      intentAgeMs?: number;
    }
  | {
      kind: 'delete';
      sourceId: string;
      sourceVersion?: string;
      /** Age of an unfinished create's mark: what is to be deleted may be on its way yet. */
      intentAgeMs?: number;
      /** A person has approved it: the brake lets it pass. */
      approved?: true;
      /** What becomes of the row without its record; absent: nothing is left of it. */
      afterwards?: RowOutcome;
    };

export interface DecideInput {
  mapping: CompiledMapping;
  mode: ReadMode;
  /** The page that is being worked on: outcomes stamped with it were reached by an interrupted attempt. */
  feedVersion: number;
  /** A row of the version already decided on is new work (a full read, a parked row), or a repeat (a delta). */
  sameVersionIsRepeat: boolean;
  fingerprint: (payload: Payload) => string;
}

/** One decision per id of the page, from the row, what the ledger knows of it, and why it is read. Pure. */
export function decide(changes: Change[], known: Map<string, LedgerRecord>, input: DecideInput): Decision[] {
  return [...latestById(changes).values()].map((change) => decideOne(change, known.get(change.id), input));
}

/** A page may name an id twice (dataverse.md §2: pages are no snapshot); the newest state counts. */
function latestById(changes: Change[]): Map<string, Change> {
  const latest = new Map<string, Change>();
  for (const change of changes) {
    const earlier = latest.get(change.id);
    if (earlier?.kind === 'row' && change.kind === 'row' && isOlder(change.version, earlier.version))
      continue;
    latest.set(change.id, change);
  }
  return latest;
}

function decideOne(change: Change, record: LedgerRecord | undefined, input: DecideInput): Decision {
  const finished = record?.outcomeVersion === input.feedVersion ? record.outcome : undefined;
  if (change.kind === 'gone') {
    return finished
      ? { kind: 'settled', outcome: { sourceId: change.id, outcome: finished }, again: true }
      : decideGone(change.id, record, input.mapping);
  }
  if (record?.sourceVersion !== undefined && record.state !== 'found' && record.state !== 'missing') {
    if (isOlder(change.version, record.sourceVersion)) return settled(change, 'repeat');
    if (change.version === record.sourceVersion && finished)
      return { ...settled(change, finished), again: true };
    if (change.version === record.sourceVersion && input.sameVersionIsRepeat && !record.leaving)
      return settled(change, 'repeat');
  }
  return decideMapped(change, input.mapping.toCampaign(change.row), record, input);
}

function decideGone(id: string, record: LedgerRecord | undefined, mapping: CompiledMapping): Decision {
  // A create that was never answered may have made a record that nothing else would ever delete.
  if (mayBeOurs(record) && mapping.applyDeletes)
    return { kind: 'delete', sourceId: id, ...intentOf(record), ...approvalOf(record) };
  if (record?.managed) return { kind: 'settled', outcome: { sourceId: id, outcome: 'unchanged' } };
  return { kind: 'settled', outcome: { sourceId: id, outcome: 'unchanged', gone: true } };
}

function decideMapped(
  change: Change & { kind: 'row' },
  mapped: Mapped,
  record: LedgerRecord | undefined,
  { mapping, mode, fingerprint }: DecideInput,
): Decision {
  if (mapped.kind === 'filtered') {
    return mayBeOurs(record) && (mapping.deleteFilteredOut || mapped.hidden)
      ? {
          kind: 'delete',
          sourceId: change.id,
          sourceVersion: change.version,
          ...intentOf(record),
          ...approvalOf(record),
        }
      : settled(change, 'filtered');
  }
  if (mapped.kind === 'fault') {
    return settled(change, 'parked', { code: mapped.code, field: mapped.field });
  }
  if (record?.doubled) {
    return settled(change, 'parked', { code: 'DUPLICATE_IN_CAMPAIGN', field: mapping.keyField });
  }
  const full = fingerprint(mapped.full);
  const fingerprints = {
    full,
    following: mapped.following === mapped.full ? full : fingerprint(mapped.following),
  };
  const row = {
    sourceId: change.id,
    sourceVersion: change.version,
    key: mapped.key,
    insert: mapped.insert,
    full: mapped.full,
    parents: mapped.parents,
    ...(mapped.optOuts && { optOuts: mapped.optOuts }),
    ...(mapping.hasTies && { leads: leadsOf(mapped.parents) }),
    ...intentOf(record),
  };
  const inCampaign = record !== undefined && (record.managed || record.full !== undefined);
  if (!inCampaign || record.state === 'missing') {
    return {
      ...row,
      kind: 'create',
      payload: mapped.full,
      accepted: fingerprints,
    };
  }
  // A record that is not ours yet is adopted whole; an ordinary change carries only the fields that follow updates.
  const whole = mode === 'first' || mode === 'verify' || mode === 'rewrite' || !record.managed;
  const same = whole ? record.full === fingerprints.full : record.following === fingerprints.following;
  if (same && mode !== 'rewrite' && record.intentAgeMs === undefined) {
    const { outcome } = settled(change, 'unchanged', undefined, { ...fingerprints, full: record.full ?? '' });
    const { parents, leads } = row;
    return { kind: 'settled', outcome: { ...outcome, ...(leads && { leads }) }, parents };
  }
  if (whole) return { ...row, kind: 'update', payload: mapped.full, accepted: fingerprints };
  const onlyFollowing = fingerprints.full !== fingerprints.following;
  return {
    ...row,
    kind: 'update',
    payload: mapped.following,
    // What Campaign holds in the fields that were not sent is not known any more: the next verify sends them.
    accepted: onlyFollowing ? { full: '', following: fingerprints.following } : fingerprints,
  };
}

export const mayBeOurs = (record: LedgerRecord | undefined): boolean =>
  record !== undefined && (record.managed || record.intentAgeMs !== undefined);

export const intentOf = (record: LedgerRecord | undefined): { intentAgeMs?: number } =>
  record?.intentAgeMs === undefined ? {} : { intentAgeMs: record.intentAgeMs };

export const approvalOf = (record: LedgerRecord | undefined): { approved?: true } =>
  record?.state === 'approved' ? { approved: true } : {};

function settled(
  change: Change & { kind: 'row' },
  outcome: RowOutcome['outcome'],
  fault?: RowOutcome['fault'],
  accepted?: Fingerprints,
): Decision & { kind: 'settled' } {
  return {
    kind: 'settled',
    outcome: {
      sourceId: change.id,
      sourceVersion: change.version,
      outcome,
      ...(fault && { fault }),
      ...(accepted && { accepted }),
    },
  };
}

/** Row versions are decimal text that may exceed 2^53 (dataverse.md §2). */
const isOlder = (version: string, than: string): boolean =>
  version.length === than.length ? version < than : version.length < than.length;
