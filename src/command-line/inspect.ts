import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure, type Duration } from '@temporalio/common';
import { TASK_QUEUE, type InspectRequest, type InspectResult } from '../contracts.js';
import { catalogue, SyncError, type ErrorCode } from '../errors.js';
import { inspectSummary } from '../workflows/visibility.js';

type ResultOf<Kind extends InspectRequest['kind']> = Extract<InspectResult, { kind: Kind }>;

/** How long an answer may take when no worker is there to give it. */
const NO_WORKER = '2 minutes';
/**
 * A plan reads as much as a sync does; a check makes some ten calls for each table, as fast as the budget lets it; Dynamics takes
 * its time over customisations.
 */
const UNHURRIED: Partial<Record<InspectRequest['kind'], Duration>> = {
  plan: '6 hours',
  planOptOut: '6 hours',
  check: '10 minutes',
  provision: '30 minutes',
};

/**
 * Asks the worker through an `inspect` workflow (the command line talks to Temporal only). Throws the worker's error with its
 * code, or TEMPORAL_UNAVAILABLE when no worker answers in time.
 */
export async function inspect<Request extends InspectRequest>(
  client: Client,
  request: Request,
): Promise<ResultOf<Request['kind']>> {
  try {
    const result: InspectResult = await client.workflow.execute('inspect', {
      workflowId: `inspect/${request.kind}-${randomUUID()}`,
      taskQueue: TASK_QUEUE,
      args: [request],
      workflowExecutionTimeout: UNHURRIED[request.kind] ?? NO_WORKER,
      staticSummary: inspectSummary(request),
    });
    return result as ResultOf<Request['kind']>;
  } catch (error) {
    throw inspectError(error);
  }
}

/** The error of the catalogue that a run or an update failed with. */
export function inspectError(error: unknown): unknown {
  if (!(error instanceof WorkflowFailedError) && !(error instanceof WorkflowUpdateFailedError)) return error;
  const failure = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
  if (failure instanceof ApplicationFailure && failure.type && failure.type in catalogue) {
    const known = new SyncError(failure.type as ErrorCode, { cause: failure });
    // The worker's own words name the table or the column that it is about.
    known.message = failure.message;
    return known;
  }
  return new SyncError('TEMPORAL_UNAVAILABLE', { subject: 'no worker answered', cause: error });
}
