import { SyncError } from '../errors.js';

/**
 * What the ledger throws for a driver's error: LEDGER_UNAVAILABLE where the database or its disk is at fault, INTERNAL
 * otherwise. The cause keeps message and SQLSTATE only: drivers attach the statement's parameters to their errors.
 */
export function toLedgerError(error: unknown): SyncError {
  if (error instanceof SyncError) return error;
  const { message, code } = readError(error);
  const cause = new Error(code === undefined ? message : `${code}: ${message}`);
  const evidence = { ...(code !== undefined && { vendorCode: code }), cause };
  return new SyncError(isUnavailable(message, code) ? 'LEDGER_UNAVAILABLE' : 'INTERNAL', evidence);
}

/** The same calls, failing with errors of the catalogue only. */
export function guarded<Arguments extends unknown[], Answer>(
  call: (...given: Arguments) => Promise<Answer>,
): (...given: Arguments) => Promise<Answer> {
  return async (...given) => {
    try {
      return await call(...given);
    } catch (error) {
      throw toLedgerError(error);
    }
  };
}

/** An error's message, and its SQLSTATE or the system's code where it has one. */
export function readError(error: unknown): { message: string; code: string | undefined } {
  // Several addresses of one host that all refuse come as one AggregateError with an empty message.
  if (error instanceof AggregateError && error.errors.length > 0) return readError(error.errors[0]);
  if (!(error instanceof Error)) return { message: String(error), code: undefined };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return { message: error.message, code };
}

/** Whether the database or its disk is at fault, not the statement. */
export function isUnavailable(message: string, code: string | undefined): boolean {
  if (code !== undefined && (unavailableStates.test(code) || unavailableSystemErrors.has(code))) return true;
  return unavailableMessages.test(message);
}

/**
 * SQLSTATE classes that speak of the server and not of the statement: 08 connection, 25006 read-only, 28 sign-in,
 * 3D000 no such database, 40 deadlock, 53 disk full and other resources, 55P03 lock not available, 57 shut down or
 * cancelled, 58 system error, XX internal.
 */
const unavailableStates = /^(08...|25006|25P0[34]|28...|3D000|40...|53...|55P03|57...|58...|XX...)$/;
const unavailableSystemErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOSPC',
  'EDQUOT',
  'EIO',
  'EROFS',
  'EMFILE',
  'ENFILE',
]);
/** Errors that the drivers give no code. */
const unavailableMessages =
  /connection terminated|connection timeout|timeout exceeded when trying to connect|connection error and is not queryable|has been discarded|PGlite is closed|no space left on device|unreachable|aborted\(|program terminated|memory access out of bounds/i;
