import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { backOffMs } from '../http/retry-after.js';
import type { BatchPart } from './batch.js';
import { createChunkSize, divided } from './chunk-size.js';
import { codeOf, createCreateCalls, DUPLICATE, UNKNOWN_NAMES, type Values } from './create-calls.js';
import { unfit, type EventTable, type EventTables } from './event-tables.js';
import { isGuid } from './ids.js';
import type { Pace } from './pace.js';
import { answerEvidence, refusalOf } from './refusals.js';
import { prepare } from './timeline-rows.js';
import type { TimelineOutcome, TimelineRow } from './timeline.js';
import type { WebApi } from './web-api.js';

export interface TimelineWriter {
  /** See `Timeline.writeTimeline`. */
  write(
    tables: EventTables,
    rows: TimelineRow[],
    options: CallOptions & { concurrency: number; onOutcomes(outcomes: TimelineOutcome[]): void },
  ): Promise<void>;
}

/** Rows of one table that wait to be written, and where to tell what became of them. */
interface Job {
  table: EventTable;
  waiting: { id: string; values: Values }[];
  call: CallOptions;
  tell(outcomes: TimelineOutcome[]): void;
}
type Chunk = Job['waiting'];

const TOGETHER = { start: 100, most: 1_000 };
const SINGLY = { start: 10, most: 100 };
/** So often rows are divided when a call with them is too much. */
const DIVISIONS = 2;
/** So often a row is tried that meets a server error while its neighbours do not. */
const ROW_TRIES = 3;
const NO_SUCH_CONTACT = '0x80040217';

export function createTimelineWriter(api: WebApi, pace: Pace): TimelineWriter {
  const sizes = { together: createChunkSize(TOGETHER), singly: createChunkSize(SINGLY) };
  const calls = createCreateCalls(api, pace, sizes);
  /** Bulk is refused where single rows are not. */
  const onlySingly = new WeakSet<EventTable>();

  const isInBulk = (table: EventTable): boolean => table.inBulk && !onlySingly.has(table);

  /** A page is shared out among the calls that may run at once, but not into crumbs. */
  function nextChunk(job: Job, portion: number): Chunk {
    const { size, least } = isInBulk(job.table)
      ? { size: sizes.together.now(), least: TOGETHER.start }
      : { size: sizes.singly.now(), least: SINGLY.start };
    return job.waiting.splice(0, Math.min(size, Math.max(least, portion), pace.mostRows()));
  }

  const writeChunk = (job: Job, chunk: Chunk): Promise<unknown> =>
    isInBulk(job.table) ? writeTogether(job, chunk) : writeSingly(job, chunk);

  async function writeTogether(job: Job, chunk: Chunk, divisions = 0): Promise<void> {
    const came = await calls.together(job.table, valuesOf(chunk), job.call).catch(orServerError);
    switch (came.kind) {
      case 'created':
        return job.tell(chunk.map(({ id }) => ({ id, outcome: 'written' })));
      case 'too-much':
        for (const half of halves(chunk, divisions, came.error))
          await writeTogether(job, half, divisions + 1);
        return;
      case 'refused':
        return isolate(job, chunk, came.reason);
    }
  }

  /**
   * A row that is refused in bulk costs the rows before it, which are rolled back. Halving would roll back half as much again on its way;
   * single rows in a `$batch` roll back nothing, and cost most for each. So a large chunk goes again in pieces, and only the piece that
   * is refused goes row by row: about 1.5 chunks in all where a row costs the same both ways, and far less than row by row where bulk is
   * what makes rows cheap. Duplicates go row by row at once: after a lost answer all are.
   */
  async function isolate(job: Job, chunk: Chunk, reason: Reason): Promise<void> {
    if (reason !== 'duplicate' && chunk.length > SINGLY.most) {
      for (const piece of divided(chunk, SINGLY.most)) await writeChunk(job, piece);
      return;
    }
    const created = await writeSingly(job, chunk);
    if (reason === 'other' && created === chunk.length) onlySingly.add(job.table);
  }

  /** Number of rows that are created now. */
  async function writeSingly(job: Job, chunk: Chunk): Promise<number> {
    let created = 0;
    for (let at = 0; at < chunk.length;) {
      const part = chunk.slice(at, at + sizes.singly.now());
      created += await writeBatch(job, part);
      at += part.length;
    }
    return created;
  }

  /** What fails for one row while its neighbours pass, or for a row alone, is put down to the row; what all have, to the server. */
  async function writeBatch(job: Job, chunk: Chunk): Promise<number> {
    let created = 0;
    let rest = chunk;
    for (let tries = 1; ; tries += 1) {
      const tried = await tryBatch(job, rest);
      created += tried.created;
      if (tried.failed.length === 0) return created;
      const waitMs = backOffMs(tries, api.clock.random);
      if (tries === ROW_TRIES) {
        const { error } = tried;
        if (
          error?.code === 'DYNAMICS_THROTTLED' ||
          (chunk.length > 1 && tried.failed.length === chunk.length)
        )
          throw error ?? new SyncError('DYNAMICS_UNREACHABLE', { system: 'dynamics', retryAfterMs: waitMs });
        job.tell(tried.failed.map(({ id }) => ({ id, outcome: 'refused', code: 'DYNAMICS_ROW_REFUSED' })));
        return created;
      }
      rest = tried.failed;
      await api.clock.sleep(waitMs, job.call.signal);
    }
  }

  async function tryBatch(job: Job, chunk: Chunk, divisions = 0): Promise<Tried> {
    const came = await calls.singly(job.table, valuesOf(chunk), job.call);
    if (came.kind === 'answered') return settle(job, chunk, came.parts);
    let tried: Tried = { created: 0, failed: [] };
    for (const half of halves(chunk, divisions, came.error)) {
      const { created, failed, error } = await tryBatch(job, half, divisions + 1);
      tried = {
        created: tried.created + created,
        failed: [...tried.failed, ...failed],
        error: error ?? tried.error,
      };
    }
    return tried;
  }

  return {
    async write(tables, rows, { concurrency, onOutcomes, ...call }) {
      const jobs = jobsOf(tables, rows, call, onOutcomes);
      const total = jobs.reduce((sum, { waiting }) => sum + waiting.length, 0);
      const atOnce = Math.max(1, Math.min(concurrency, tables.concurrency ?? concurrency));
      const portion = Math.ceil(total / atOnce);
      let fault: { error: unknown } | undefined;
      async function work(): Promise<void> {
        while (!fault) {
          const job = jobs.find(({ waiting }) => waiting.length > 0);
          if (!job) return;
          try {
            await writeChunk(job, nextChunk(job, portion));
          } catch (error) {
            fault ??= { error };
          }
        }
      }
      // A fault ends all, but not before what is under way has told its outcomes.
      await Promise.all(Array.from({ length: atOnce }, work));
      if (fault) throw (fault as { error: unknown }).error;
    },
  };
}

type Reason = 'duplicate' | 'server-error' | 'other';
/** What became of single rows: `failed` are to be tried again. */
interface Tried {
  created: number;
  failed: Chunk;
  error?: SyncError | undefined;
}

/** Rows by table; what needs no call to be refused is told at once. */
function jobsOf(tables: EventTables, rows: TimelineRow[], call: CallOptions, tell: Job['tell']): Job[] {
  const jobs = new Map<EventTable, Job>();
  const settled: TimelineOutcome[] = [];
  for (const row of rows) {
    const { id, kind, contactId } = row;
    const table = tables.kinds[kind];
    if (!table) throw unfit(`${kind}: no table is named for it`);
    if (!isGuid(contactId)) {
      settled.push({ id, outcome: 'contact-gone' });
      continue;
    }
    const prepared = prepare(row, table);
    if (prepared.kind === 'refused') {
      const { code, field } = prepared;
      settled.push({ id, outcome: 'refused', code, field });
      continue;
    }
    const job = jobs.get(table) ?? { table, waiting: [], call, tell };
    job.waiting.push({ id, values: prepared.values });
    jobs.set(table, job);
  }
  if (settled.length > 0) tell(settled);
  return [...jobs.values()];
}

/** Tells the outcomes of a `$batch`. Throws, afterwards, what is wrong with more than a row. */
function settle({ table, tell }: Job, chunk: Chunk, parts: BatchPart[]): Tried {
  const outcomes: TimelineOutcome[] = [];
  const tried: Tried = { created: 0, failed: [] };
  let fault: SyncError | undefined;
  for (const [index, row] of chunk.entries()) {
    const { id } = row;
    const part = parts[index];
    const code = part && codeOf(part);
    if (part && part.status < 300) {
      tried.created += 1;
      outcomes.push({ id, outcome: 'written' });
    } else if (code === DUPLICATE) outcomes.push({ id, outcome: 'written' });
    else if (code === NO_SUCH_CONTACT) outcomes.push({ id, outcome: 'contact-gone' });
    else {
      const refusal = part && refusalOf(part);
      if (!part || !refusal) {
        tried.failed.push(row);
        tried.error = part && passing(part);
      } else if (refusal.code !== 'DYNAMICS_REQUEST_REFUSED' || UNKNOWN_NAMES.has(code ?? '')) {
        const subject = [table.logicalName, refusal.evidence.subject].filter(Boolean).join(': ');
        fault ??= new SyncError(refusal.code, { ...refusal.evidence, subject });
      } else {
        const field = refusal.evidence.subject;
        outcomes.push({
          id,
          outcome: 'refused',
          code: 'DYNAMICS_ROW_REFUSED',
          ...(field !== undefined && { field }),
        });
      }
    }
  }
  if (outcomes.length > 0) tell(outcomes);
  if (fault) throw fault;
  return tried;
}

const passing = (part: BatchPart): SyncError =>
  new SyncError(part.status === 429 ? 'DYNAMICS_THROTTLED' : 'DYNAMICS_UNREACHABLE', answerEvidence(part));

/** An unexpected error that stays, while the server answers, may be one row's. */
function orServerError(error: unknown): { kind: 'refused'; reason: Reason } {
  if (error instanceof SyncError && error.code === 'DYNAMICS_UNREACHABLE' && error.evidence.status === 500)
    return { kind: 'refused', reason: 'server-error' };
  throw error;
}

const valuesOf = (chunk: Chunk): Values[] => chunk.map(({ values }) => values);

/** Half as much may pass where a call was too much; what has been divided often enough is given up with the error. */
function halves(chunk: Chunk, divisions: number, error: SyncError): Chunk[] {
  if (divisions === DIVISIONS || chunk.length === 1) throw error;
  return divided(chunk, Math.ceil(chunk.length / 2));
}
