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
export const OPT_OUT: FlowId = 'opt-out';
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

/** Counts of one run of opt-outs, by flags of contacts; read is always the sum of the others (P1). */
export interface OptOutCounts {
  read: number;
  toCampaign: number;
  toDynamics: number;
  unchanged: number;
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
  /** As of the last slice: what is still to come as far as it is known, rows set aside, deletions held, and how far behind. */
  backlog?: number;
  parked?: number;
  held?: number;
  lagSeconds?: number;
  paused: boolean;
  pending?: ResyncMode | 'replay' | 'comparison';
  waiting?: Waiting;
  /** What the run has failed with. */
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

export interface OptOutInput {
  heartbeatSeconds?: number;
  /** Carried through continue-as-new. */
  carried?: { paused: boolean; pending?: OptOutComparison; requests: number; pollAgain: boolean };
}
/** All flags of all contacts are to be compared once more. */
export type OptOutComparison = Record<never, never>;
export interface OptOutResult {
  outcome: FlowOutcome;
  counts: OptOutCounts;
}

/** The workflow that runs a flow, with the input it starts with; undefined when there is no such flow. */
export function flowStart(
  flow: FlowId,
  heartbeatSeconds?: number,
  request?: ResyncRequest,
):
  | { workflow: 'ingress'; input: IngressInput }
  | { workflow: 'egress'; input: EgressInput }
  | { workflow: 'optOut'; input: OptOutInput }
  | undefined {
  const beats = { ...(heartbeatSeconds !== undefined && { heartbeatSeconds }) };
  const asked = { paused: false, requests: 1, pollAgain: false };
  if (flow === EGRESS) {
    const pending: EgressReplay = request?.since === undefined ? {} : { since: request.since };
    return {
      workflow: 'egress',
      input: { ...beats, ...(request && { carried: { ...asked, pending } }) },
    };
  }
  if (flow === OPT_OUT) {
    return {
      workflow: 'optOut',
      input: { ...beats, ...(request && { carried: { ...asked, pending: {} } }) },
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
export interface OptOutSliceInput {
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
  /** What is still to come: changes of a table, contacts of opt-outs; absent: not known. */
  backlog?: number;
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

export interface BeginComparisonInput {
  /** The same id twice begins one comparison. */
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

/** What is asked of the ledger and both systems, and what is told of them. */
export type * from './inspect-contracts.js';

export const noEventCounts: EventCounts = { read: 0, written: 0, duplicates: 0, filtered: 0, parked: 0 };
export const noOptOutCounts: OptOutCounts = {
  read: 0,
  toCampaign: 0,
  toDynamics: 0,
  unchanged: 0,
  parked: 0,
};
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
