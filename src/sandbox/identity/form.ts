import type { FastifyRequest } from 'fastify';

/** The fields of a form-encoded body; empty for any other body. */
export function formFields(request: FastifyRequest): URLSearchParams {
  return new URLSearchParams(typeof request.body === 'string' ? request.body : '');
}

/** Client id and secret as sent in the body or, as OAuth also allows, in an `Authorization: Basic` header. */
export function clientCredentials(
  request: FastifyRequest,
  form: URLSearchParams,
): { id: string; secret: string | undefined } {
  const basic = /^basic\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const [id, secret] =
    basic === undefined
      ? []
      : Buffer.from(basic, 'base64').toString('utf8').split(':').map(decodeURIComponent);
  return { id: form.get('client_id') ?? id ?? '', secret: form.get('client_secret') ?? secret };
}
