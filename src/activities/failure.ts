import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { SyncError } from '../errors.js';

/** So often may a slice fail in a row without committing a page before its run fails; the next tick starts anew. */
const MAX_FRUITLESS_ATTEMPTS = 5;
const BENIGN_CODES = new Set(['DYNAMICS_THROTTLED', 'CAMPAIGN_THROTTLED', 'LEASE_LOST', 'BUDGET_USED_UP']);

/**
 * What an activity throws to Temporal: the code as the failure's type, so that workflows and people can switch on it. A fault
 * that only a person can mend, or that has repeated without progress, is not retried. Neither values nor causes travel.
 */
export function failureOf(error: unknown, fruitlessAttempts: number): ApplicationFailure {
  const known = error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error });
  return ApplicationFailure.create({
    type: known.code,
    message: known.message,
    nonRetryable: known.class !== 'retry' || fruitlessAttempts >= MAX_FRUITLESS_ATTEMPTS,
    ...(known.evidence.retryAfterMs !== undefined && { nextRetryDelay: known.evidence.retryAfterMs }),
    ...(BENIGN_CODES.has(known.code) && { category: ApplicationFailureCategory.BENIGN }),
  });
}
