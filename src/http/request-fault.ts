import axios from 'axios';

/** Why an attempt has no answer: a code, never axios's error, which carries the request's body and token. */
export interface RequestFault {
  /** `ECONNRESET`, `ETIMEDOUT`, … */
  reason: string;
  /** The connection was certainly never made: the request cannot have taken effect. */
  unsent: boolean;
}

/** An answer beyond the size limit: asking again would only load it again. */
export const TOO_LARGE = 'ERR_ANSWER_TOO_LARGE';

export function requestFault(error: unknown): RequestFault {
  if (!axios.isAxiosError(error)) return { reason: 'ERR_UNEXPECTED', unsent: false };
  if (error.message.startsWith('maxContentLength')) return { reason: TOO_LARGE, unsent: false };
  const origin: unknown = error.cause ?? error;
  return { reason: error.code ?? 'ERR_NETWORK', unsent: isUnsent(origin, error) };
}

/** Faults of a certificate, found before a byte of the request leaves. A reset during the handshake has only its message. */
const BEFORE_REQUEST =
  /^(?:CERT_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|ERR_TLS_CERT_ALTNAME_INVALID|HOSTNAME_MISMATCH)/;
const DURING_HANDSHAKE = 'before secure TLS connection was established';

function isUnsent(
  origin: unknown,
  { code = '', message }: { code?: string | undefined; message: string },
): boolean {
  return failedToConnect(origin) || BEFORE_REQUEST.test(code) || message.includes(DURING_HANDSHAKE);
}

/** A name that resolves to several addresses fails with one error that holds one for each. */
function failedToConnect(origin: unknown): boolean {
  const { syscall, code, errors } = origin as { syscall?: unknown; code?: unknown; errors?: unknown };
  if (Array.isArray(errors) && errors.length > 0) return errors.every(failedToConnect);
  return (
    syscall === 'connect' || syscall === 'getaddrinfo' || code === 'ECONNREFUSED' || code === 'ENOTFOUND'
  );
}
