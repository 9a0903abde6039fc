import { SyncError, type ErrorCode, type ErrorEvidence } from '../errors.js';
import { jsonObject } from '../http/json.js';
import type { HttpAnswer } from '../http/request.js';

/** Codes that say by themselves what is wrong, whatever the status (dataverse.md §1, §3, §4: some of their statuses are unconfirmed). */
const CODES: Record<string, ErrorCode> = {
  '0x80072560': 'DYNAMICS_NOT_A_MEMBER',
  '0x80040220': 'DYNAMICS_PRIVILEGE_MISSING',
  '0x80072491': 'DYNAMICS_TRACKING_OFF',
  '0x80072492': 'DYNAMICS_TRACKING_OFF',
  '0x80044352': 'DYNAMICS_TOKEN_EXPIRED',
};
const PRIVILEGE = /\bprv[A-Z]\w*/;

/** What an answer that is no success means; undefined when it may pass by itself. */
export function refusalOf(answer: HttpAnswer): SyncError | undefined {
  const { status } = answer;
  const error = errorOf(answer);
  const evidence = evidenceOf(answer, error);
  const code = CODES[error.code];
  if (code) return new SyncError(code, evidence);
  if (status === 408 || status === 429 || status >= 500) return undefined;
  // A redirect leads to a sign-in page or another host: the token does not go there.
  if (status < 400) return new SyncError('DYNAMICS_UNREACHABLE', { ...evidence, subject: 'a redirect' });
  if (status === 401) return new SyncError('DYNAMICS_CREDENTIALS', evidence);
  if (status === 403 || PRIVILEGE.test(error.message))
    return new SyncError('DYNAMICS_PRIVILEGE_MISSING', evidence);
  return new SyncError('DYNAMICS_REQUEST_REFUSED', evidence);
}

/** The evidence of an answer that is no success, for whatever error it leads to. */
export const answerEvidence = (answer: HttpAnswer): ErrorEvidence => evidenceOf(answer, errorOf(answer));

interface VendorError {
  code: string;
  message: string;
}

function errorOf({ body }: HttpAnswer): VendorError {
  const { code, message } = (jsonObject(body)?.error ?? {}) as { code?: unknown; message?: unknown };
  return { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' };
}

function evidenceOf({ status, headers }: HttpAnswer, { code, message }: VendorError): ErrorEvidence {
  const subject = namedIn(message);
  const requestId = headers['x-ms-service-request-id'] ?? headers.req_id;
  return {
    system: 'dynamics',
    status,
    ...(/^0x[0-9a-f]+$/i.test(code) && { vendorCode: code }),
    ...(typeof requestId === 'string' && { requestId }),
    ...(subject !== undefined && { subject }),
  };
}

/** Names of privileges, columns and tables may be shown; the rest of a message may quote values. */
function namedIn(message: string): string | undefined {
  return (
    PRIVILEGE.exec(message)?.[0] ??
    /property named '([\w.]+)'/.exec(message)?.[1] ??
    /undeclared property '([\w.]+)'/.exec(message)?.[1] ??
    /length of the '(\w+)' attribute/.exec(message)?.[1] ??
    /Resource not found for the segment '([\w.]+)'/.exec(message)?.[1]
  );
}
