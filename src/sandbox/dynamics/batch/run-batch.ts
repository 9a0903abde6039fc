import type { Answer, Call, Dataverse } from '../call.js';
import { badRequest, DataverseError } from '../errors.js';
import { answerCall, isRecordPath } from '../service-call.js';
import { countRejection, outcomeOf } from '../outcome.js';
import { readCall } from '../read-call.js';
import type { BatchPartAnswer, PartAnswer } from './batch-answer.js';
import { writeBatchAnswer } from './batch-answer.js';
import { parseBatch, type BatchPart, type BatchRequest } from './multipart.js';

/** Carries a part that is none of the record protocol to where it is answered. */
export type ForwardPart = (request: BatchRequest, address: string) => Promise<Answer>;

/**
 * `POST $batch` (dataverse.md §5): parts in order, change sets whole or not at all. Without
 * `odata.continue-on-error` it ends at the first failure, with an outer 400.
 */
export async function runBatch(dataverse: Dataverse, call: Call, forward: ForwardPart): Promise<Answer> {
  const parts = parseBatch(call.headers['content-type'] ?? '', call.bodyText);
  requireAllowed(dataverse, parts);
  const answers: BatchPartAnswer[] = [];
  let rows = 0;
  for (const part of parts) {
    const answer =
      part.kind === 'request'
        ? await runRequest(dataverse, call, part.request, forward)
        : runChangeSet(dataverse, call, part.requests);
    answers.push(answer);
    const inner = answer.kind === 'request' ? [answer.answer] : answer.answers;
    rows += inner.reduce((sum, { answer: one }) => sum + (one.rows ?? 0), 0);
    const failed = inner.some(({ answer: one }) => one.status >= 400);
    if (failed && !call.preferences.continueOnError) return multipart(400, answers, rows);
  }
  return multipart(200, answers, rows);
}

function multipart(status: number, answers: BatchPartAnswer[], rows: number): Answer {
  const { contentType, body } = writeBatchAnswer(answers);
  return { status, headers: { 'content-type': contentType }, body, rows };
}

/** What makes the service refuse a whole batch, in plain JSON, before anything is carried out. */
function requireAllowed({ context }: Dataverse, parts: BatchPart[]): void {
  const limit = context.limits().dynamics.batchMaxOperations;
  const operations = parts.reduce(
    (sum, part) => sum + (part.kind === 'request' ? 1 : part.requests.length),
    0,
  );
  if (operations > limit) {
    throw badRequest(
      `The current change set contains too many operations. A maximum number of '${limit}' operations are allowed in a change set.`,
    );
  }
  for (const part of parts) {
    if (part.kind !== 'change-set') continue;
    const reading = part.requests.find(({ method }) => method === 'GET');
    if (reading) {
      throw badRequest(
        "An invalid HTTP method 'GET' was detected for a request in a change set. Requests in change sets only support the HTTP methods 'POST', 'PUT', 'DELETE', and 'PATCH'.",
      );
    }
  }
  context.stats.add('dynamics', 'batchParts', operations);
}

async function runRequest(
  dataverse: Dataverse,
  call: Call,
  request: BatchRequest,
  forward: ForwardPart,
): Promise<BatchPartAnswer> {
  const { contentId } = request;
  const part = callOf(call, request);
  if (part.path.split('?')[0] === '$batch')
    return {
      kind: 'request',
      answer: { contentId, answer: badRequest('A batch request cannot contain another batch request.') },
    };
  const answer = isRecordPath(dataverse, part.path)
    ? outcomeOf(dataverse, part, () => answerPart(dataverse, part))
    : await forward(
        request,
        new URL(part.base).pathname + part.path + (part.rawQuery === '' ? '' : `?${part.rawQuery}`),
      );
  return { kind: 'request', answer: { contentId, answer } };
}

/** All requests, or none: the first that fails undoes those before it, and its answer stands for the set. */
function runChangeSet(dataverse: Dataverse, call: Call, requests: BatchRequest[]): BatchPartAnswer {
  const references = new Map<string, string>();
  const answers: PartAnswer[] = [];
  let current: BatchRequest | undefined;
  try {
    dataverse.records.transaction(() => {
      for (const request of requests) {
        current = request;
        const part = { ...callOf(call, request), references };
        const answer = answerPart(dataverse, part);
        const entityId = answer.headers?.['odata-entityid'] ?? answer.headers?.['location'];
        if (request.contentId !== undefined) {
          references.set(request.contentId, entityId?.slice(part.base.length) ?? part.path);
        }
        answers.push({ contentId: request.contentId, answer });
      }
    });
    return { kind: 'change-set', answers };
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    countRejection(dataverse, current?.method ?? '', error.status);
    return { kind: 'change-set', answers: [{ contentId: current?.contentId, answer: error }] };
  }
}

function answerPart(dataverse: Dataverse, part: Call): Answer {
  const refused = dataverse.context.limits().dynamics.batchRefused;
  const set = /^[^/(?]*/.exec(part.path)?.[0] ?? '';
  const table = dataverse.schema.tableByEntitySet(set);
  if (table && refused.includes(table.logicalName)) {
    throw badRequest(`Entity '${table.logicalName}' does not support batch operations.`);
  }
  return answerCall(dataverse, part);
}

/** A part as a call of its own. Links in its answer carry the batch's host, and the version of its own address. */
function callOf(outer: Call, request: BatchRequest): Call {
  return readCall({
    method: request.method,
    origin: new URL(outer.base).origin,
    defaultBase: outer.base,
    address: request.address,
    headers: request.headers,
    bodyText: request.body,
  });
}
