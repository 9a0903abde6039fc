/**
 * Names and shapes that workflows, activities, the worker and the command line share (CONTRACT "Temporal names").
 * Types and constants only: this file is part of the workflow bundle.
 */

export const TASK_QUEUE = 'dynamics-campaign-sync';

/** `ingress/<table>`, `egress` or `opt-out`: the id of the flow's one open run, and of its schedule. */
export type FlowId = string;
export const ingressFlow = (table: string): FlowId => `ingress/${table}`;
export const tableOf = (flow: FlowId): string | undefined => /^ingress\/(.+)$/.exec(flow)?.[1];
export const EGRESS: FlowId = 'egress';
/** The schedule whose "Trigger" button in the Web UI forces a resync of the table. */
export const resyncSchedule = (table: string): string => `resync/${table}`;

/** Payload of the `resync` signal: all optional, an empty signal is a `verify`. */
export interface ResyncRequest {
  mode?: ResyncMode;
  /** Egress only: read the event source again from this time, ISO 8601. */
  since?: string;
  reason?: string;
}
export type ResyncMode = 'verify' | 'rewrite';

export const signals = { resync: 'resync', poll: 'poll', pause: 'pause', resume: 'resume' } as const;
export const queries = { progress: 'progress' } as const;
export const updates = { approveDeletions: 'approveDeletions' } as const;

export interface TickInput {
  flow: FlowId;
  /** Of the schedule `resync/<table>`. */
  request?: ResyncRequest;
  /** Of a flow that another flow's run has made work for: an open run is asked to look once more. */
  poll?: boolean;
  heartbeatSeconds?: number;
}
export interface TickResult {
  /** coalesced: the flow's run was open already. */
  outcome: 'ran' | 'coalesced' | 'signalled';
}

export interface IngressInput {
  table: string;
  /** Heartbeat timeout of the slice: how soon a dead worker is noticed (default 30; embedded 10). */
  heartbeatSeconds?: number;
  /** Carried through continue-as-new. */
  carried?: {
    paused: boolean;
    pending?: ResyncMode;
    /** How many resync requests this chain has taken: names each one for the ledger. */
    requests: number;
    pollAgain: boolean;
  };
}

/** Counts of one run; read is always the sum of the others (P1). */
export interface RowCounts {
  read: number;
  created: number;
  updated: number;
  unchanged: number;
  filtered: number;
  deleted: number;
  parked: number;
  held: number;
}

/** Counts of one run of egress; read is always the sum of the others (P1). */
export interface EventCounts {
  read: number;
  written: number;
  duplicates: number;
  filtered: number;
  parked: number;
}

export type FlowOutcome = 'in-sync' | 'working' | 'waiting' | 'paused' | 'failed';

/** Answer of the `progress` query: ids, counts and codes only. */
export interface Progress<Counts = RowCounts> {
  outcome: FlowOutcome;
  phase?: string;
  /** Pages committed since the feed began. */
  position: number;
  counts: Counts;
  paused: boolean;
  pending?: ResyncMode | 'replay';
  waiting?: Waiting;
  lastErrorCode?: string;
}
export interface Waiting {
  reason: 'throttled' | 'budget' | 'lease' | 'parent' | 'children';
  /** Milliseconds until it is worth while to look again. */
  forMs: number;
  /** The same as a time, ISO 8601. */
  until?: string;
}

export interface EgressInput {
  heartbeatSeconds?: number;
  /** Carried through continue-as-new. */
  carried?: { paused: boolean; pending?: EgressReplay; requests: number; pollAgain: boolean };
}
/** The source is to be read again: from this time (ISO 8601), or from the oldest that it still has. */
export interface EgressReplay {
  since?: string;
}
export interface EgressResult {
  outcome: FlowOutcome;
  counts: EventCounts;
}

/** The workflow that runs a flow, with the input it starts with; undefined when there is no such flow. */
export function flowStart(
  flow: FlowId,
  heartbeatSeconds?: number,
  request?: ResyncRequest,
): { workflow: 'ingress'; input: IngressInput } | { workflow: 'egress'; input: EgressInput } | undefined {
  const beats = { ...(heartbeatSeconds !== undefined && { heartbeatSeconds }) };
  const asked = { paused: false, requests: 1, pollAgain: false };
  if (flow === EGRESS) {
    const pending: EgressReplay = request?.since === undefined ? {} : { since: request.since };
    return {
      workflow: 'egress',
      input: { ...beats, ...(request && { carried: { ...asked, pending } }) },
    };
  }
  const table = tableOf(flow);
  if (table === undefined) return undefined;
  const pending: ResyncMode = request?.mode ?? 'verify';
  return {
    workflow: 'ingress',
    input: { table, ...beats, ...(request && { carried: { ...asked, pending } }) },
  };
}

export interface IngressResult {
  outcome: FlowOutcome;
  counts: RowCounts;
}

export interface SliceInput {
  table: string;
  /** The run that counts belong to: one per chain of continue-as-new. */
  runId: string;
  maxSeconds: number;
}
export interface EventSliceInput {
  runId: string;
  maxSeconds: number;
}
export interface SliceResult<Counts = RowCounts> {
  phase: string;
  position: number;
  counts: Counts;
  /** Nothing is left to read now. */
  drained: boolean;
  waiting?: Waiting;
  parked: number;
  /** Deletions that wait for a person's approval. */
  held?: number;
  /** Other flows that have work to do because of this slice: their parked rows' parents landed, or their parent table is loaded. */
  released?: FlowId[];
  /** Age of the oldest change that is not yet in Campaign; 0 when drained. */
  lagSeconds: number;
}

export interface BeginResyncInput {
  table: string;
  mode: ResyncMode;
  /** The same id twice begins one resync. */
  requestId: string;
}

export interface BeginReplayInput extends EgressReplay {
  /** The same id twice begins one replay. */
  requestId: string;
}

/** Names the held deletions that a person has seen: their number, and the set's version as `deletions show` tells it. */
export interface HeldSetName {
  version: number;
  count: number;
}
/** A table's held deletions, with some of their ids. */
export interface HeldDeletions extends HeldSetName {
  /** So many of them are held because a deletion of a child is, which goes first; absent: none. */
  behindChildren?: number;
  ids: string[];
}
/** Payload of the `approveDeletions` update. Rejected with HELD_SET_CHANGED when the set has changed since. */
export type ApproveDeletions = HeldSetName;
export interface ApproveDeletionsInput extends HeldSetName {
  table: string;
}

export interface FinishRunInput {
  flow: FlowId;
  runId: string;
  errorCode: string;
}

/** One question to the ledger, or one change of it, asked through an `inspect` workflow (DESIGN §4 "Looking inside"). */
export type InspectRequest =
  | { kind: 'apply'; document: string }
  | { kind: 'status' }
  | { kind: 'parked'; flow?: FlowId; code?: string; id?: string; after?: string; limit: number }
  | { kind: 'deletions'; table: string; discard?: HeldSetName }
  | { kind: 'redrive'; flow?: FlowId; code?: string; id?: string }
  /** `document`: a mapping file to plan with instead of the one in force. */
  | { kind: 'plan'; table: string; document?: string; limit: number }
  | { kind: 'explain'; id: string; table?: string }
  /** `document`: a mapping file to check instead of the one in force. */
  | { kind: 'check'; document?: string }
  /** Makes our event tables in Dynamics where they are missing. */
  | { kind: 'provision' };

export type InspectResult =
  | { kind: 'apply'; version: number; changed: boolean; schedules: ScheduleWish[] }
  | { kind: 'status'; flows: AnyFlowStatus[]; calls: { dynamics: number; campaign: number } }
  | { kind: 'parked'; rows: ParkedRowView[] }
  | { kind: 'deletions'; table: string; held: HeldDeletions; discarded: boolean }
  | { kind: 'redrive'; redriven: number; flows: FlowId[] }
  | { kind: 'plan'; plan: Plan }
  | { kind: 'explain'; stories: RecordStory[] }
  | { kind: 'check'; findings: Finding[] }
  | { kind: 'provision'; made: string[]; present: string[] };

/** One thing that a check has looked at. Names, numbers and codes only. */
export interface Finding {
  severity: 'ok' | 'warning' | 'error';
  area: CheckArea;
  /** The table, column, field or setting. */
  subject: string;
  found: string;
  /** What to do about it; absent when all is well. */
  next?: string;
  /** The code of errors.ts that a system has answered with, or that rows would meet. */
  code?: string;
}
export type CheckArea =
  | 'mapping'
  | 'account'
  | 'clock'
  | 'budget'
  | 'table'
  | 'tracking'
  | 'rights'
  | 'columns'
  | 'filters'
  | 'resource'
  | 'key'
  | 'fields'
  | 'links'
  | 'opt-out'
  | 'events';

/** What a sync of a table would do now. `calls` are those that the sync would make; samples are a few ids of each outcome. */
export interface Plan {
  table: string;
  /** Why rows would be read; `none`: the candidate no longer maps the table. */
  reading: 'first' | 'verify' | 'rewrite' | 'compare' | 'changes' | 'none';
  counts: RowCounts;
  parked: PlannedPark[];
  calls: { dynamics: number; campaign: number };
  samples: Partial<Record<keyof RowCounts, string[]>>;
  /**
   * Of the rows that would be updated (`of`), so many were compared with Campaign (`known`): rows for each field that Campaign holds
   * otherwise, and rows that it holds already as they would be sent (`equal`).
   */
  fields: { changed: Record<string, number>; known: number; of: number; equal: number };
  notes: string[];
}
export interface PlannedPark {
  code: string;
  field?: string;
  rows: number;
}

/** Where one record stands. Hashes are keyed; of fields only names are told. */
export interface RecordStory {
  table: string;
  dynamics: { exists: boolean; rowVersion?: string; active?: boolean };
  campaign: { resource: string; keyField: string; found: 'one' | 'none' | 'several' };
  /** Absent: nothing is known of the id. */
  ledger?: RecordLedgerState;
  parked?: ParkedRowView;
  /** What the row is now under the mapping in force; absent when there is no row. */
  payload?: RecordPayload;
  parents: { table: string; id: string; field: string; state: string; inCampaign: boolean }[];
}
export interface RecordLedgerState {
  state: string;
  /** In Campaign and ours, whatever `state` says. */
  managed: boolean;
  outcome?: string;
  sourceVersion?: string;
  mappingVersion?: number;
  /** Hash of what Campaign last accepted. */
  accepted?: string;
  /** The last survey found several records with this key, which an address by key does not show. */
  doubled: boolean;
  /** A create has been sent, or was about to be, and its answer is not known. */
  createUnderWay: boolean;
  /** Its deletion is decided and waits for the records that lead to it. */
  leaving?: true;
  /** The next slice reads the row again: a record that it leads to is leaving, or stays after all. */
  called?: true;
}
export type RecordPayload =
  /** `hidden`: it lacks a parent without which Campaign would hide it. */
  | { kind: 'filtered'; hidden?: true }
  | { kind: 'fault'; code: string; field: string }
  | {
      kind: 'payload';
      hash: string;
      /** With what Campaign last accepted; `following`: alike in the fields that follow updates, no more is known. */
      comparedWithAccepted: 'same' | 'following' | 'differs' | 'unknown';
      /** Fields that Campaign holds otherwise now; absent when it does not hold exactly one record. */
      differsInCampaign?: string[];
    };

/** A schedule that the mapping in force asks for. */
export interface ScheduleWish {
  flow: FlowId;
  everyMs: number;
}

/** One flow of the summary (CONTRACT "Summary"). */
export type AnyFlowStatus = FlowStatus | EventFlowStatus;
export interface FlowStatus extends FlowState, RowCounts {
  now: { managed: number; parked: number; held: number; backlog?: number };
}
export interface EventFlowStatus extends FlowState, EventCounts {
  now: { parked: number };
  /** Why events were filtered, in the run that is counted. */
  filteredBy: Record<string, number>;
  /** What had left the source before it was read, ISO 8601; without `from`, all before. */
  gaps: { from?: string; until: string; notedAt: string }[];
}
interface FlowState {
  flow: FlowId;
  outcome: FlowOutcome;
  phase?: string;
  seconds: number;
  rowsPerSecond: number;
  lagSeconds: number;
  errors: Record<string, number>;
  /** What an open run waits for, and until when. */
  waiting?: Waiting;
  /** Code and next action of what failed the last run. */
  error?: { code: string; next: string };
}

export interface ParkedRowView {
  flow: FlowId;
  id: string;
  code: string;
  field?: string;
  waitsFor?: string;
  attempts: number;
  firstAt: string;
  lastAt: string;
  nextAttemptAt?: string;
  next: string;
}

export const noEventCounts: EventCounts = { read: 0, written: 0, duplicates: 0, filtered: 0, parked: 0 };
/** What a run that has done nothing counts. */
export const noCounts: RowCounts = {
  read: 0,
  created: 0,
  updated: 0,
  unchanged: 0,
  filtered: 0,
  deleted: 0,
  parked: 0,
  held: 0,
};
