import type { BornFlags, ConsentStore } from './consent-store.js';
import type { FlowState } from './flow-states.js';
import type { Call, Lead, LinkStore } from './link-store.js';

/**
 * The ledger's contract: what the service remembers, and what each call promises. Two implementations of one SQL
 * dialect, PostgreSQL and embedded PGlite, pass the same suite (DESIGN §5). Ids, keyed hashes, counts and codes
 * only: no field value and no Campaign PKey ever enters it (P8).
 */

export interface Ledger extends LinkStore, ConsentStore {
  /**
   * Binds an empty ledger to this pair of systems, or checks that it is theirs.
   * Throws LEDGER_OF_ANOTHER_PAIR.
   */
  claimPair(pair: { organizationId: string; tenant: string }): Promise<void>;

  /** Keyed hash (HMAC-SHA-256 with LEDGER_KEY, 32 hex digits) of a canonical text. Pure. */
  fingerprint(canonicalText: string): string;

  mappings: MappingVersions;
  metadata: MetadataCache;

  /**
   * Takes the feed's lease for `owner`, creating the feed when new. While another owner's lease is unexpired on the
   * database's clock, answers how long to wait; a previous owner known to be dead (embedded) is no obstacle.
   */
  openFeed(
    flow: string,
    owner: string,
  ): Promise<{ kind: 'open'; feed: Feed } | { kind: 'busy'; waitMs: number }>;
  /** Extends the lease. Throws LEASE_LOST when another owner has taken it. Answers milliseconds until it expires. */
  renewLease(feed: Feed): Promise<number>;
  /** Gives the lease up, so that the next owner need not wait. Never throws LEASE_LOST. */
  closeFeed(feed: Feed): Promise<void>;
  /** The feed as last committed, without a lease, for looking at it. */
  readFeed(flow: string): Promise<FeedState | undefined>;
  /** Moves the feed to another position outside a page: a resync, an expired token, a changed mapping. Checks the owner. */
  moveFeed(feed: Feed, position: Position): Promise<Feed>;

  /** What is known of these source ids, in one statement; unknown ids are absent. */
  records(flow: string, sourceIds: string[]): Promise<Map<string, LedgerRecord>>;
  /** The mapping version under which the row was last decided on; undefined when nothing is known of it. */
  mappingVersionOf(flow: string, sourceId: string): Promise<number | undefined>;
  /**
   * Marks rows whose create is about to be sent, in one statement, with the database's time, under the owner's lease.
   * A row that already carries a mark keeps its older page but gets the new time. Throws LEASE_LOST.
   */
  markIntents(feed: Feed, sourceIds: string[]): Promise<void>;
  /**
   * Records a page's outcomes and, when `next` is given, moves the cursor there, adds the page's counts to the run and
   * raises the feed's version: all in one transaction, under the owner's lease. Without `next` (an interrupted page) outcomes
   * are stamped with the page's version and nothing is counted: the retry finds them by `outcomeVersion` and the page
   * is counted once. `answered`: calls that the page, once it is whole, has answered. `optOuts`: the rows are contacts whose opt-outs
   * are kept in step: those whose records are ours from now on become due there. Throws LEASE_LOST.
   */
  commitPage(
    feed: Feed,
    outcomes: RowOutcome[],
    next?: Position,
    answered?: Call[],
    of?: { optOuts?: boolean },
  ): Promise<Feed>;

  /** Survey (DESIGN §7): compares one page of Campaign's records with what is known. One transaction with the position. */
  commitSurveyPage(feed: Feed, found: SurveyedRecord[], next: Position): Promise<Feed>;
  /**
   * Ends a survey: managed records that it did not see become `missing` (their next row is created again), doubles stay
   * known as `doubled`, and parked doubles seen once are due again.
   */
  finishSurvey(feed: Feed, next: Position): Promise<Feed & { missing: number; doubled: number }>;

  /** Sweep (DESIGN §7): notes a page of the ids that Dynamics holds. */
  commitSweepPage(feed: Feed, sourceIds: string[], next: Position): Promise<Feed>;
  /** Managed, parked, held and filtered ids that the sweep did not see, up to `limit`, in id order after `after`. */
  unsweptIds(flow: string, after: string, limit: number): Promise<string[]>;
  /** The same whether a sweep saw them or not: what a sweep that begins now could find gone. */
  sweepableIds(flow: string, after: string, limit: number): Promise<string[]>;
  /** Forgets the sweep's notes. */
  clearSweep(flow: string): Promise<void>;

  /** Parked rows that are due (by time, by release, or all of them with `all`), up to `limit`, in id order after `after`. */
  dueParked(flow: string, options: { after: string; limit: number }): Promise<string[]>;
  /** When the next parked row of this flow is due, milliseconds from now; undefined when none will be. */
  nextParkedMs(flow: string): Promise<number | undefined>;
  /** Makes parked rows due now; answers how many. */
  redrive(filter: ParkedFilter): Promise<number>;
  parked(filter: ParkedFilter & { after?: string; limit: number }): Promise<ParkedRow[]>;

  /** Deletions that the brake holds: how many, the set's version (it rises with every row that joins), and some ids. */
  heldSet(flow: string): Promise<HeldSet>;
  /**
   * Lets a held set pass: its rows become `approved` and are due. Only the very set that is named, so that nobody approves what
   * they have not seen: otherwise false, and nothing changes. Needs no lease.
   */
  approveHeld(flow: string, set: Pick<HeldSet, 'version' | 'count'>): Promise<boolean>;
  /**
   * Lets a held set be: its rows are ours no longer, and Campaign keeps their records, of which it is known that they are there. They
   * and the rows whose records lead to them are called. Held records that waited for them stay, until they are decided on themselves.
   * False as above.
   */
  discardHeld(flow: string, set: Pick<HeldSet, 'version' | 'count'>): Promise<boolean>;
  /**
   * Rows whose deletion is still to be done: it was approved, or was held only while a person had not decided on a child's. Not those of
   * which a child's is held yet. Up to `limit`, in id order after `after`.
   */
  deletionsDue(flow: string, options: { after: string; limit: number }): Promise<string[]>;

  /** Deletions of the last 24 hours, approved ones aside, and what was managed at that window's start, on the database's clock. */
  deletionWindow(flow: string): Promise<{ deleted: number; managedAtStart: number }>;

  /** Opens (or finds again, also when it was finished before) the run of this id, to which pages add their counts. */
  startRun(flow: string, runId: string): Promise<void>;
  /** Closes the run; a run that counted nothing leaves no trace. */
  finishRun(flow: string, runId: string, outcome: RunOutcome, errorCode?: string): Promise<void>;
  /** Counts of the last run that did something, and totals now. */
  summary(flow: string): Promise<FlowSummary>;
  /** Where every flow stands that was ever opened, in a few statements however many there are. */
  flowStates(): Promise<FlowState[]>;

  /** Which of these email events (ids of their Dynamics rows) are written, and on which page of the feed. */
  writtenEvents(ids: string[]): Promise<Map<string, number>>;
  /**
   * Records what became of a page of events, as `commitPage` does: with `next` the cursor moves and all is counted in one transaction,
   * under the owner's lease; without, what is written is remembered with the page's version and nothing is counted. `reread`:
   * parked events that the page has read again; those it does not park once more are parked no longer. Throws LEASE_LOST.
   */
  commitEvents(
    feed: Feed,
    outcomes: EventOutcome[],
    next?: Position,
    also?: { gap?: SourceGap; reread?: string[] },
  ): Promise<Feed>;
  /** Parked events that are due, with their place in the source, up to `limit`, in id order after `after`. */
  dueEvents(
    flow: string,
    options: { after: string; limit: number },
  ): Promise<{ id: string; place: string }[]>;
  eventCounts(flow: string, runId: string): Promise<EventCounts>;
  /** Counts of the last run that did something, why events were filtered, and what of the source was missed. */
  eventSummary(flow: string): Promise<EventSummary>;
  /** Forgets events that were written longer ago than any source could repeat them. */
  forgetEvents(days: number): Promise<void>;

  /** Adds calls made today (UTC, database's clock) and answers today's total, so that a budget is shared and survives. */
  addCalls(system: 'dynamics' | 'campaign', calls: number): Promise<number>;
  callsToday(system: 'dynamics' | 'campaign'): Promise<number>;

  close(): Promise<void>;
}

/** Both systems' metadata that a table's mapping was last compiled with (schema only), so that a restart asks neither. */
export interface MetadataCache {
  /** The text last saved and its age on the database's clock. */
  read(flow: string): Promise<{ text: string; ageMs: number } | undefined>;
  save(flow: string, text: string): Promise<void>;
}

export interface MappingVersions {
  /** Publishes a document as the next version; the same document as the one in force makes no new version. */
  publish(document: string): Promise<{ version: number; changed: boolean }>;
  inForce(): Promise<{ version: number; document: string } | undefined>;
}

/** Where a feed stands. `link` is the server's own next or delta link, kept verbatim. */
export interface Position {
  phase: Phase;
  /** Why the present read runs: decides what is compared and what is sent. */
  mode: ReadMode;
  link?: string;
  /** The delta link to go on from after a sweep or an overlap read. */
  deltaLink?: string;
  /** Start of the present full read on the server's clock, ISO 8601: the overlap reads from 15 minutes before it. */
  startedAt?: string;
  /** Hash of the compiled mapping that the present read uses. */
  mappingHash?: string;
  /** Id of the last resync request that was begun, so that a repeated one is not begun twice. */
  resyncId?: string;
  /** Records that this survey has seen so far. */
  surveyed?: number;
  /** Since when the present page waits for children of what it deletes, ISO 8601. */
  childrenSince?: string;
  /** The sweep has read every key; what it did not see is being deleted. */
  swept?: boolean;
  /** Of egress and opt-outs: where their sources have been read to, plain JSON. */
  cursor?: unknown;
}
export type Phase = 'survey' | 'full' | 'sweep' | 'overlap' | 'following';
/** `first` load; `verify` and `rewrite` (a person's resync); `compare` (expired token, changed mapping); `changes`. */
export type ReadMode = 'first' | 'verify' | 'rewrite' | 'compare' | 'changes';

export interface FeedState {
  flow: string;
  /** Raised by one at each committed page: names the page that is being worked on. */
  version: number;
  position: Position | undefined;
}
/** A feed held under a lease. `leaseUntilMs` is on this process's monotonic-safe clock (see ledger/lease.ts). */
export interface Feed extends FeedState {
  owner: string;
  leaseUntilMs: number;
  /** Counts of the run so far. */
  counts: Counts;
  runId?: string;
  /** After a page: the other flows whose rows waited for one of its records, or are called for it. */
  released?: string[];
}

export interface Counts {
  read: number;
  created: number;
  updated: number;
  unchanged: number;
  filtered: number;
  deleted: number;
  parked: number;
  held: number;
}

/**
 * managed: in Campaign, ours. found: in Campaign by survey or discarded, not ours until its row arrives. doubled: found several times.
 * missing: was managed, gone from Campaign by survey. parked / held / filtered: see DESIGN §7. approved: was held, its
 * deletion is due. gone: deleted.
 */
export type RecordState =
  'managed' | 'found' | 'doubled' | 'missing' | 'parked' | 'held' | 'approved' | 'filtered' | 'gone';

export interface LedgerRecord {
  sourceId: string;
  state: RecordState;
  /** In Campaign and ours, whatever `state` says now (a parked row may be managed). */
  managed: boolean;
  /** About to be deleted: no record may be led to it any more. */
  leaving?: true;
  /** The last survey found it several times in Campaign, whatever `state` says now. */
  doubled: boolean;
  /** Keyed hash of what Campaign last accepted, all fields; undefined when unknown. */
  full?: string;
  /** The same without the fields that do not follow updates. */
  following?: string;
  /** Row version of Dynamics that was last decided on, decimal text. */
  sourceVersion?: string;
  /**
   * Age of the intent mark in milliseconds, when a create may be under way. It counts from when the feed was last opened at the
   * earliest: until the owner before was gone, the call that the mark announced may still have been sent.
   */
  intentAgeMs?: number;
  /** The feed version for which an outcome was recorded, and which. */
  outcomeVersion?: number;
  outcome?: Outcome;
}

export type Outcome = 'created' | 'updated' | 'unchanged' | 'filtered' | 'deleted' | 'parked' | 'held';

/** What became of one row. `repeat` is a row that was already accounted for (same or older version): not counted. */
export interface RowOutcome {
  sourceId: string;
  outcome: Outcome | 'repeat';
  /** A tombstone of a record that is not ours: what is known of the id (parked, filtered) becomes `gone`, or `found` if it is there. */
  gone?: boolean;
  sourceVersion?: string;
  /** Of the accepted payload; present exactly when Campaign now holds it. */
  accepted?: { full: string; following: string };
  /** Where the accepted record leads; absent where no link of the table's is tied by Campaign. */
  leads?: Lead[];
  /** Its record has been deleted in Campaign, under whatever outcome: it is ours no longer, and counts as a deletion. */
  removed?: boolean;
  /** Campaign does not hold what it accepted any more, or will not in a moment: the row is sent again when it may be. */
  forgotten?: boolean;
  /** Of a held row that was about to go: it is still, once a person has decided. */
  leaving?: boolean;
  /** Of a record that was created: the opt-out flags that it was created with; `unknown` if it may have been made by an earlier call. */
  bornWith?: BornFlags | 'unknown';
  /** Of a parked row. `waitsFor` names a parent as `<flow>:<sourceId>`. */
  fault?: { code: string; field?: string; waitsFor?: string };
  /** Of a parked row: Campaign refused the create that was marked, so that nothing can come of it; takes the mark off. */
  createRefused?: boolean;
  mappingVersion?: number;
}

/** What became of one email event. `id` is that of its row in Dynamics. */
export type EventOutcome = { id: string } & (
  | { outcome: 'written' | 'duplicate' }
  | { outcome: 'filtered'; reason: string }
  /** `place`: where the source can read it again; its content is not kept. */
  | { outcome: 'parked'; fault: { code: string; field?: string }; place: string }
);
/** read = written + duplicates + filtered + parked (P1). */
export interface EventCounts {
  read: number;
  written: number;
  duplicates: number;
  filtered: number;
  parked: number;
}
/** Events between these times (ISO 8601) had left the source before they were read; without `from`, all before. */
export interface SourceGap {
  from?: string;
  until: string;
}
export interface EventSummary {
  counts: EventCounts;
  filteredBy: Record<string, number>;
  gaps: (SourceGap & { notedAt: string })[];
}

export interface SurveyedRecord {
  sourceId: string;
  full: string;
  following: string;
}

export interface HeldSet {
  version: number;
  count: number;
  /** So many of them are held because a deletion of a child is; absent: none. */
  behindChildren?: number;
  /** The first ids, at most a hundred. */
  ids: string[];
}

export interface ParkedFilter {
  flow?: string;
  code?: string;
  sourceId?: string;
}
export interface ParkedRow {
  flow: string;
  sourceId: string;
  code: string;
  field?: string;
  waitsFor?: string;
  attempts: number;
  /** ISO 8601. */
  firstAt: string;
  lastAt: string;
  nextAttemptAt?: string;
}

export type RunOutcome = 'in-sync' | 'waiting' | 'paused' | 'failed';

export interface FlowSummary {
  phase?: Phase;
  counts: Counts;
  now: { managed: number; parked: number; held: number };
  outcome?: RunOutcome;
  /** Code of the error that failed the last run. */
  errorCode?: string;
  seconds: number;
  rowsPerSecond: number;
  /** Parked rows by code, now. */
  errors: Record<string, number>;
  /** When the last page was committed, ISO 8601. */
  lastCommitAt?: string;
}
