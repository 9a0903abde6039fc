import pMap from 'p-map';
import type { Address, Campaign, ResourceMetadata, WriteAnswer } from '../campaign/client.js';
import type { CallOptions } from '../http/calls.js';
import { SyncError } from '../errors.js';
import type { BornFlags } from '../ledger/consent-store.js';
import type { RowOutcome } from '../ledger/store.js';
import { canonical } from '../mapping/canonical.js';
import type { CompiledMapping, Payload } from '../mapping/model.js';
import type { Decision } from './decide.js';
import { justAfter } from './opt-out-decide.js';
import type { Bound } from './pkeys.js';

export interface Writer {
  campaign: Campaign;
  resource: ResourceMetadata;
  mapping: CompiledMapping;
  options: CallOptions;
  maxConcurrent: number;
  /** How long an unanswered call may still take effect (CAMPAIGN_SETTLE_SECONDS). */
  settleMs: number;
  /** Puts PKeys in the place of the keys that a payload's links hold. */
  bind(payload: Payload): Promise<Bound>;
  /** Marks in the ledger that creates of these rows are about to be sent. */
  markIntents(sourceIds: string[]): Promise<void>;
  /** The opt-out flags that the record of a row comes to Campaign with: those that are set in Dynamics, or were agreed on before. */
  flagsAtBirth(sourceId: string, optOuts: Record<string, boolean>): Promise<BornFlags['flags']>;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

export interface Written {
  outcomes: RowOutcome[];
  /** What stopped the page before its end; rows without an outcome are still to be done. */
  interruption?: SyncError;
}

type Write = Exclude<Decision, { kind: 'settled' }>;
/** A write on its way: `lookUpAtMs` when it may have happened already, so that Campaign is asked first. */
interface Task {
  write: Write;
  lookUpAtMs?: number;
  /** This service's own create may have made the record that a look-up finds. */
  ours: boolean;
  /** Answers so far that said neither yes nor no. */
  failures: SyncError[];
}

/** An answer that says neither yes nor no, this often in a row for one record, is no passing fault. */
const MAX_ATTEMPTS = 5;
const MAX_STUMBLING = 3;

/**
 * Sends a page's decisions to Campaign, bounded in concurrency. No ambiguous answer is guessed: such a record waits until the
 * unanswered call can no longer take effect and is then looked up by its key before anything is sent again (DESIGN §7).
 * A refused record becomes a parked outcome; whatever concerns more than one record interrupts the page.
 */
export async function writeDecisions(writer: Writer, decisions: Decision[]): Promise<Written> {
  const outcomes: RowOutcome[] = [];
  let tasks: Task[] = [];
  for (const decision of decisions) {
    if (decision.kind === 'settled') outcomes.push(decision.outcome);
    else tasks.push(taskOf(decision, writer));
  }
  try {
    await markCreates(writer, tasks);
    while (tasks.length > 0) {
      const { performed, unanswered } = await performDue(writer, tasks);
      outcomes.push(...performed);
      const stumbling = unanswered.filter((task) => task.failures.length >= MAX_ATTEMPTS);
      // One record at which Campaign always stumbles must not hold up the others; a Campaign that stumbles at many is ill.
      if (stumbling.length > MAX_STUMBLING) throw stumbling[0]?.failures.at(-1);
      for (const { write } of stumbling) outcomes.push(parked(write, 'CAMPAIGN_ANSWER_UNKNOWN').outcome);
      tasks = unanswered.filter((task) => task.failures.length < MAX_ATTEMPTS);
      if (tasks.length > 0) await writer.sleep(untilDueMs(tasks, writer.nowMs()));
    }
    return { outcomes };
  } catch (error) {
    if (error instanceof Interrupted) outcomes.push(...error.performed);
    const cause = error instanceof Interrupted ? error.cause : error;
    return {
      outcomes,
      interruption: cause instanceof SyncError ? cause : new SyncError('INTERNAL', { cause }),
    };
  }
}

/** What stopped a round half way, with what the round had done by then. */
class Interrupted extends Error {
  constructor(
    override readonly cause: unknown,
    readonly performed: RowOutcome[],
  ) {
    super('interrupted');
  }
}

/** Performs the tasks that are due, bounded in concurrency; the first fault that concerns more than one record ends the round. */
async function performDue(
  writer: Writer,
  tasks: Task[],
): Promise<{ performed: RowOutcome[]; unanswered: Task[] }> {
  const nowMs = writer.nowMs();
  const isDue = ({ lookUpAtMs }: Task): boolean => lookUpAtMs === undefined || lookUpAtMs <= nowMs;
  const unanswered = tasks.filter((task) => !isDue(task));
  const performed: RowOutcome[] = [];
  let interruption: { cause: unknown } | undefined;
  await pMap(
    tasks.filter(isDue),
    async (task) => {
      if (interruption) return;
      try {
        const result = await perform(writer, task);
        if (result.kind === 'outcome') performed.push(result.outcome);
        else unanswered.push(toLookUp(writer, task, result.error));
      } catch (cause) {
        const ofThisRecord = cause instanceof SyncError && cause.class === 'park';
        if (ofThisRecord) performed.push(parked(task.write, cause.code, cause.evidence.field).outcome);
        else interruption ??= { cause };
      }
    },
    { concurrency: writer.maxConcurrent },
  );
  if (interruption) throw new Interrupted(interruption.cause, performed);
  return { performed, unanswered };
}

const toLookUp = ({ nowMs, settleMs }: Writer, task: Task, failure: SyncError): Task => ({
  write: task.write,
  ours: true,
  lookUpAtMs: nowMs() + settleMs,
  failures: [...task.failures, failure],
});

function taskOf(write: Write, { nowMs, settleMs }: Writer): Task {
  if (write.intentAgeMs === undefined) return { write, ours: false, failures: [] };
  return { write, ours: true, failures: [], lookUpAtMs: nowMs() + Math.max(0, settleMs - write.intentAgeMs) };
}

async function markCreates(writer: Writer, tasks: Task[]): Promise<void> {
  const creates = tasks.flatMap(({ write }) => (write.kind === 'create' ? [write.sourceId] : []));
  if (creates.length > 0) await writer.markIntents(creates);
}

/** Timers cut off fractions of a millisecond: rounded up, so that what is waited for is due. */
const untilDueMs = (tasks: Task[], nowMs: number): number =>
  Math.ceil(tasks.reduce((longest, { lookUpAtMs = nowMs }) => Math.max(longest, lookUpAtMs - nowMs), 0));

type Performed = { kind: 'outcome'; outcome: RowOutcome } | { kind: 'unknown'; error: SyncError };

function perform(writer: Writer, task: Task): Promise<Performed> {
  if (task.lookUpAtMs !== undefined) return lookUpFirst(writer, task);
  switch (task.write.kind) {
    case 'create':
      return create(writer, task.write, 'created');
    case 'update':
      return update(writer, task.write, 'updated');
    case 'delete':
      return remove(writer, task.write);
  }
}

/** The record may have been written already: what Campaign holds under the key decides what is still to do. */
async function lookUpFirst(writer: Writer, { write, ours }: Task): Promise<Performed> {
  if (write.kind === 'delete') return remove(writer, write);
  const { campaign, resource, options, mapping } = writer;
  const found = await campaign.find(resource, addressOf(writer, write.key), options);
  const outcome = write.kind === 'create' && ours ? 'created' : 'updated';
  switch (found.kind) {
    case 'several':
      return parked(write, 'DUPLICATE_IN_CAMPAIGN', mapping.keyField);
    case 'absent':
      return create(writer, write, 'created');
    case 'found': {
      return holdsAlready(mapping, found.record, write)
        ? accepted(write, outcome, 'unknown')
        : update(writer, write, outcome, 'unknown');
    }
  }
}

/** Whether a record that was looked up is what the write would make of it. */
export function holdsAlready(
  mapping: CompiledMapping,
  record: Record<string, unknown>,
  { full, payload }: Pick<RowWrite, 'full' | 'payload'>,
): boolean {
  const held = mapping.fromCampaign(record);
  if (canonical(held.full) === canonical(full)) return true;
  return payload !== full && canonical(held.following) === canonical(payload);
}

async function create(writer: Writer, write: RowWrite, outcome: 'created' | 'updated'): Promise<Performed> {
  // A create that follows from an update's 404 was not marked with the page's other creates.
  if (write.kind === 'update') await writer.markIntents([write.sourceId]);
  const bound = await writer.bind(write.insert);
  if (bound.kind === 'fault') return unbound(write, bound);
  const flags = write.optOuts && (await writer.flagsAtBirth(write.sourceId, write.optOuts));
  const optOuts = flags?.flatMap(({ flag, optedOut }) => (optedOut ? [[flag, true] as const] : [])) ?? [];
  const payload = optOuts.length > 0 ? { ...bound.payload, ...Object.fromEntries(optOuts) } : bound.payload;
  const answer = await writer.campaign.create(writer.resource, payload, writer.options);
  switch (answer.kind) {
    case 'accepted': {
      const { at } = answer;
      return accepted(write, outcome, flags && { flags, ...(at !== undefined && { at: justAfter(at) }) });
    }
    case 'duplicate':
      return adopt(writer, write);
    case 'absent':
      return parked(write, 'CAMPAIGN_REFUSED');
    case 'refused':
      // Nothing can come of this create any more: its mark is taken off.
      return parked(write, answer.code, answer.field, { createRefused: true });
    default:
      return refusedOrUnknown(writer, write, answer);
  }
}

/** Campaign says the key exists: the record with it becomes ours, and is brought to the row's state. */
async function adopt(writer: Writer, write: RowWrite): Promise<Performed> {
  const found = await writer.campaign.find(writer.resource, addressOf(writer, write.key), writer.options);
  if (found.kind === 'several') return parked(write, 'DUPLICATE_IN_CAMPAIGN', writer.mapping.keyField);
  if (found.kind === 'absent') return parked(write, 'HIDDEN_IN_CAMPAIGN', writer.mapping.keyField);
  return update(writer, { ...write, payload: write.full }, 'updated', 'unknown');
}

async function update(
  writer: Writer,
  write: RowWrite,
  outcome: 'created' | 'updated',
  bornWith?: 'unknown',
): Promise<Performed> {
  const address = addressOf(writer, write.key);
  const bound = await writer.bind(write.payload);
  if (bound.kind === 'fault') return unbound(write, bound);
  const answer = await writer.campaign.update(writer.resource, address, bound.payload, writer.options);
  switch (answer.kind) {
    case 'accepted':
      return accepted(write, outcome, bornWith);
    case 'absent':
      return create(writer, write, 'created');
    case 'duplicate':
      return parked(write, 'DUPLICATE_IN_CAMPAIGN', writer.mapping.keyField);
    default:
      return refusedOrUnknown(writer, write, answer);
  }
}

async function remove(writer: Writer, write: Write & { kind: 'delete' }): Promise<Performed> {
  const answer = await writer.campaign.remove(
    writer.resource,
    addressOf(writer, write.sourceId),
    writer.options,
  );
  switch (answer.kind) {
    case 'accepted':
    case 'absent':
      return {
        kind: 'outcome',
        outcome: {
          sourceId: write.sourceId,
          outcome: 'deleted',
          ...(write.sourceVersion !== undefined && { sourceVersion: write.sourceVersion }),
          ...(write.afterwards && { ...write.afterwards, removed: true }),
        },
      };
    case 'duplicate':
      return parked(write, 'CAMPAIGN_REFUSED');
    default:
      return refusedOrUnknown(writer, write, answer);
  }
}

type RowWrite = Write & { kind: 'create' | 'update' };

function refusedOrUnknown(
  { mapping }: Writer,
  write: Write,
  answer: Extract<WriteAnswer, { kind: 'several' | 'refused' | 'unknown' }>,
): Performed {
  switch (answer.kind) {
    case 'several':
      return parked(write, 'DUPLICATE_IN_CAMPAIGN', mapping.keyField);
    case 'refused':
      return parked(write, answer.code, answer.field);
    case 'unknown':
      return { kind: 'unknown', error: answer.error };
  }
}

const unbound = (write: Write, { code, field, waitsFor }: Bound & { kind: 'fault' }): Performed =>
  parked(write, code, field, { ...(waitsFor !== undefined && { waitsFor }) });

function accepted(
  write: RowWrite,
  outcome: 'created' | 'updated',
  bornWith?: RowOutcome['bornWith'],
): Performed {
  const { sourceId, sourceVersion, leads } = write;
  return {
    kind: 'outcome',
    outcome: {
      sourceId,
      sourceVersion,
      outcome,
      accepted: write.accepted,
      ...(leads && { leads }),
      ...(bornWith && { bornWith }),
    },
  };
}

function parked(
  write: Write,
  code: string,
  field?: string,
  { createRefused, waitsFor }: { createRefused?: true; waitsFor?: string } = {},
): Extract<Performed, { kind: 'outcome' }> {
  return {
    kind: 'outcome',
    outcome: {
      sourceId: write.sourceId,
      outcome: 'parked',
      ...(createRefused && { createRefused }),
      fault: { code, ...(field !== undefined && { field }), ...(waitsFor !== undefined && { waitsFor }) },
      ...(write.sourceVersion !== undefined && { sourceVersion: write.sourceVersion }),
    },
  };
}

const addressOf = ({ mapping }: Writer, key: string): Address => ({
  keyField: mapping.keyField,
  key,
  by: mapping.addressBy,
});
