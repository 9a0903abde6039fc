import type {
  EventCounts,
  FlowId,
  FlowOutcome,
  HeldDeletions,
  HeldSetName,
  OptOutCounts,
  RowCounts,
  Waiting,
} from './contracts.js';

/*
 * The questions that commands ask through an `inspect` workflow, and the shapes of the answers, which `--json` prints (CONTRACT). Types
 * only: this file is part of the workflow bundle.
 */

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
  /** Decisions on opt-outs after a number, of one contact if it is named. */
  | { kind: 'consent'; contactId?: string; after: number; limit: number }
  /** `document`: a mapping file to plan with instead of the one in force. */
  | { kind: 'planOptOut'; document?: string }
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
  | { kind: 'consent'; entries: ConsentEntryView[] }
  | { kind: 'planOptOut'; plan: OptOutPlan }
  | { kind: 'provision'; made: string[]; present: string[] };

/** A decision on one opt-out flag of one contact, with its evidence. `true` is opted out, times are ISO 8601. */
export interface ConsentEntryView {
  /** In the order of decisions. */
  number: number;
  at: string;
  contactId: string;
  /** Name of the flag in Campaign. */
  flag: string;
  /** What each side said, and when it was changed; absent: it was not looked at. Of Dynamics only the whole record's time is known. */
  dynamics?: boolean;
  dynamicsAt?: string;
  campaign?: boolean;
  campaignAt?: string;
  agreedBefore?: boolean;
  agreedAfter?: boolean;
  /** `three-way`, `adobe`, a direction, or `creation`. */
  rule: string;
  winner: 'dynamics' | 'campaign' | 'both' | 'none';
  because: string;
  /** `accepted`, `none` when nothing was to be written, or the code of what kept it from being written. */
  result: string;
  runId: string;
}

/** What a comparison of every contact with its profile would do. Counts are flags of contacts; `calls` those that it would make. */
export interface OptOutPlan {
  direction: string;
  rule: string;
  counts: OptOutCounts;
  /** The same for each flag, by its name in Campaign. */
  flags: Record<string, OptOutCounts>;
  /** How often the two sides differ, by what decides. */
  because: Record<string, number>;
  calls: { dynamics: number; campaign: number };
  /** A few contacts of each outcome. */
  samples: Partial<Record<keyof OptOutCounts, string[]>>;
}

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
  /** Of a contact whose opt-outs are kept in step. */
  consent?: {
    /** What both sides last agreed on, by the flag's name in Campaign; `true` is opted out. */
    agreed: Record<string, boolean>;
    /** Its flags are still to be settled, and what kept them from it. */
    due?: { code?: string };
    /** The last decisions, newest first. */
    decisions: ConsentEntryView[];
  };
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
export type AnyFlowStatus = FlowStatus | EventFlowStatus | OptOutFlowStatus;
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
export interface OptOutFlowStatus extends FlowState, OptOutCounts {
  now: {
    /** Contacts whose flags are not settled yet, those that failed among them (`failing`), and since when the oldest. */
    due: number;
    failing: number;
    oldestDueAt?: string;
    /** Rows of export files that could not be read. */
    parked: number;
  };
  /** Of `source: files`: the newest export, and whether it is older than it should be. */
  exports?: { newestAt?: string; stale: boolean };
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
