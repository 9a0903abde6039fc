import {
  ActivityFailure,
  ApplicationFailure,
  ChildWorkflowFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import { SyncError } from '../errors.js';

/**
 * What an activity or a child has failed with, as the failure of the workflow that waited for it: its code as the type and its sentence as
 * the message, so that the Web UI shows them first, and not "Activity task failed". Undefined for what is no such failure: cancellation,
 * continue-as-new.
 */
export function toldFailure(error: unknown): (ApplicationFailure & { type: string }) | undefined {
  if (!(error instanceof ActivityFailure || error instanceof ChildWorkflowFailure)) return undefined;
  const { cause } = error;
  if (cause instanceof ApplicationFailure && cause.type) return failed(cause.type, cause.message);
  if (!(cause instanceof ApplicationFailure || cause instanceof TimeoutFailure)) return undefined;
  const subject =
    cause instanceof TimeoutFailure ? 'a step did not end in time' : 'a step failed without a code';
  const { code, message } = new SyncError('INTERNAL', { subject });
  return failed(code, message);
}

function failed(type: string, message: string) {
  const failure = ApplicationFailure.create({ type, message, nonRetryable: true });
  // A stack would tell of this line, whatever has failed; the activity's own failure has the one that helps.
  failure.stack = '';
  return failure as ApplicationFailure & { type: string };
}
