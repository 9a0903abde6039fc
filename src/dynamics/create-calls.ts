import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { jsonObject } from '../http/json.js';
import type { MadeAttempt } from '../http/persist.js';
import type { HttpAnswer } from '../http/request.js';
import { batchOfWrites, batchParts, type BatchPart } from './batch.js';
import type { ChunkSize } from './chunk-size.js';
import type { EventTable } from './event-tables.js';
import type { Pace } from './pace.js';
import { answerEvidence, refusalOf } from './refusals.js';
import type { OwnRequest, WebApi } from './web-api.js';

/** A row's values by column, its activityid among them. */
export type Values = Record<string, string>;

/** It took too long for the server or for us: fewer rows may pass. It may still take effect. */
export interface TooMuch {
  kind: 'too-much';
  error: SyncError;
}
/** Rolled back as a whole: a row is there already, or something else about a row or about the action displeases the server. */
export interface Refused {
  kind: 'refused';
  reason: 'duplicate' | 'other';
}

/** The two ways to create many rows in one call (dataverse.md §5). Both wait for the pace, and tell it what they took. */
export interface CreateCalls {
  /** All of them or none. */
  together(
    table: EventTable,
    rows: Values[],
    call: CallOptions,
  ): Promise<{ kind: 'created' } | Refused | TooMuch>;
  /** Each on its own: one part for each row, in order. */
  singly(
    table: EventTable,
    rows: Values[],
    call: CallOptions,
  ): Promise<{ kind: 'answered'; parts: BatchPart[] } | TooMuch>;
}

/** A row of this key is there already. */
export const DUPLICATE = '0x80040237';
const UNKNOWN_COLUMN = '0x80048d19';
/** No column or table of such a name: of no row in particular. */
export const UNKNOWN_NAMES = new Set([UNKNOWN_COLUMN, '0x80060888']);
/** Deadlock or time limit of the database: "retry with smaller or serialised work" (dataverse.md §4). */
const DATABASE_BUSY = new Set(['0x80044150', '0x80044151']);
const EXECUTION_TIME = '0x80072321';
/** Shown to plug-ins as a shared variable, so that a customer's own can tell our writes (dataverse.md §4). */
const TAG = 'tag=dynamics-campaign-sync';

export function createCreateCalls(
  api: WebApi,
  pace: Pace,
  sizes: { together: ChunkSize; singly: ChunkSize },
): CreateCalls {
  async function send<T extends { kind: string }>(
    rows: number,
    size: ChunkSize,
    request: OwnRequest,
    read: (answer: HttpAnswer) => T | undefined,
    call: CallOptions,
  ): Promise<T | TooMuch> {
    await pace.turn(rows, call.signal);
    let begunMs = api.clock.nowMs();
    const judge = (attempt: MadeAttempt): T | TooMuch | undefined => {
      const tookMs = api.clock.nowMs() - begunMs;
      if (attempt.kind === 'answered') listen(attempt.answer, tookMs);
      const error = tooMuch(attempt);
      if (error) {
        size.tooMuch(rows);
        return { kind: 'too-much', error };
      }
      const value = attempt.kind === 'answered' ? read(attempt.answer) : undefined;
      if (value && value.kind !== 'refused') size.answered(rows, tookMs);
      return value;
    };
    function listen(answer: HttpAnswer, tookMs: number): void {
      if (answer.status !== 429) return pace.answered(rows, tookMs, answer.headers);
      pace.throttled();
      if (codeOf(answer) === EXECUTION_TIME) size.tooMuch(rows);
    }
    return api.send(request, judge, {
      priority: 'event',
      ...call,
      beforeCall(timeLimitMs) {
        call.beforeCall?.(timeLimitMs);
        begunMs = api.clock.nowMs();
      },
    });
  }

  return {
    together({ entitySetName, logicalName }, rows, call) {
      const type = `Microsoft.Dynamics.CRM.${logicalName}`;
      const targets = rows.map((values) => ({ '@odata.type': type, ...values }));
      const request: OwnRequest = {
        method: 'POST',
        path: `${entitySetName}/Microsoft.Dynamics.CRM.CreateMultiple?${TAG}`,
        body: { contentType: 'application/json', text: JSON.stringify({ Targets: targets }) },
      };
      return send<{ kind: 'created' } | Refused>(
        rows.length,
        sizes.together,
        request,
        (answer) => {
          if (answer.status === 200) {
            const ids = jsonObject(answer.body)?.Ids;
            return Array.isArray(ids) && ids.length === rows.length ? { kind: 'created' } : undefined;
          }
          return isOfRows(answer)
            ? { kind: 'refused', reason: codeOf(answer) === DUPLICATE ? 'duplicate' : 'other' }
            : undefined;
        },
        call,
      );
    },
    singly({ entitySetName }, rows, call) {
      const path = `${api.rootPath}${entitySetName}?${TAG}`;
      const request: OwnRequest = {
        method: 'POST',
        path: `$batch?${TAG}`,
        preferences: ['odata.continue-on-error'],
        body: batchOfWrites(rows.map((values) => ({ method: 'POST', path, json: JSON.stringify(values) }))),
      };
      return send<{ kind: 'answered'; parts: BatchPart[] }>(
        rows.length,
        sizes.singly,
        request,
        ({ status, headers, body }) => {
          const parts = status === 200 ? batchParts(headers['content-type'], body) : undefined;
          return parts?.length === rows.length ? { kind: 'answered', parts } : undefined;
        },
        call,
      );
    },
  };
}

function tooMuch(attempt: MadeAttempt): SyncError | undefined {
  if (attempt.kind === 'unknown' && attempt.reason === 'ETIMEDOUT')
    return new SyncError('DYNAMICS_UNREACHABLE', { system: 'dynamics', vendorCode: attempt.reason });
  return attempt.kind === 'answered' && DATABASE_BUSY.has(codeOf(attempt.answer))
    ? new SyncError('DYNAMICS_UNREACHABLE', answerEvidence(attempt.answer))
    : undefined;
}

/** The request itself is in order and the account may make it: something is wrong with a row, or bulk is not possible here. */
function isOfRows(answer: HttpAnswer): boolean {
  const refusal = answer.status === 401 ? undefined : refusalOf(answer);
  return refusal?.code === 'DYNAMICS_REQUEST_REFUSED' && codeOf(answer) !== UNKNOWN_COLUMN;
}

/** The vendor's code of an answer that is no success; empty when there is none. */
export const codeOf = (answer: Pick<HttpAnswer, 'status' | 'headers' | 'body'>): string =>
  answerEvidence(answer).vendorCode?.toLowerCase() ?? '';
