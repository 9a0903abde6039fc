import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from './context.js';
import {
  dataverseError,
  expiredDeltaError,
  expiredTokenError,
  nonMemberError,
  throttleError,
  unknownSegment,
  type DataverseAnswer,
} from './dynamics/errors.js';
import { isInternalPart, type VendorErrors } from './fault-hook.js';
import { checkDynamicsToken } from './identity/tokens.js';

const API = /^\/api\/data\//i;

/** Whether an address belongs to the Dataverse API. */
export const isDynamicsApi = (url: string): boolean => API.test(url);

/** Dataverse's own words for what a fault makes it say. */
export function dynamicsErrors(tenantId: string): VendorErrors {
  return {
    status: (status) => statusAnswer(status, tenantId),
    throttle: (facet, retryAfterSeconds) => throttleError(facet, retryAfterSeconds),
    expiredToken: (request) => expiredTokenError(tenantId, ownAddress(request)),
    expiredDelta: expiredDeltaError,
  };
}

/** Lets calls to the API pass with a valid token only (dataverse.md §1). Parts of a `$batch` came in with their batch. */
export function guardDynamics(app: FastifyInstance, context: SandboxContext, tenantId: string): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (!isDynamicsApi(request.url) || isInternalPart(request) || reply.sent) return done();
    const token = checkDynamicsToken(context, request.headers.authorization);
    if (token === 'ok') return done();
    request.refused = true;
    switch (token) {
      case 'missing':
      case 'expired':
        return sendAnswer(reply, expiredTokenError(tenantId, ownAddress(request)));
      case 'non-member':
        return sendAnswer(reply, nonMemberError());
    }
  });
}

/** Counts the calls that no operation saw, and so none counted: those refused by a fault or for want of a token. */
export function countRefusals(app: FastifyInstance, context: SandboxContext): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    if (request.refused && isDynamicsApi(request.url)) {
      context.stats.count('dynamics', routeOf(request), reply.statusCode);
    }
    done(null, payload);
  });
}

/** `GET contacts`, `PATCH contacts(id)`, `GET contacts/$delta`: as operations name themselves. */
function routeOf(request: FastifyRequest): string {
  const [path = '', query = ''] = request.url.split('?');
  const resource = path.replace(/^\/api\/data\/[^/]+\/?/i, '').replace(/\([^)]*\)/g, '(id)');
  const delta = /(^|&)(%24|\$)deltatoken=/i.test(query) ? '/$delta' : '';
  return `${request.method} ${resource}${delta}`;
}

/** The form of Dataverse's answer to an address that leads nowhere. */
export function answerUnknownSegment(request: FastifyRequest, reply: FastifyReply): void {
  const segments = (request.url.split('?')[0] ?? '').split('/').filter((segment) => segment !== '');
  sendAnswer(reply, unknownSegment(segments.at(-1) ?? ''));
}

/** What never reached the API: an address that cannot be decoded, a body that is too large. */
export function answerDynamicsFault(fault: FastifyError, reply: FastifyReply): void {
  sendAnswer(reply, dataverseError(fault.statusCode ?? 500, '0x80060888', fault.message));
}

function statusAnswer(status: number, tenantId: string): DataverseAnswer {
  if (status === 401) return expiredTokenError(tenantId);
  if (status === 403) return nonMemberError();
  if (status === 429) return throttleError('requests');
  if (status === 404) return dataverseError(404, '0x80040217', 'The requested resource does not exist.');
  return dataverseError(status, '0x80040224', 'An unexpected error occurred.');
}

function sendAnswer(reply: FastifyReply, answer: DataverseAnswer): void {
  reply
    .code(answer.status)
    .headers(answer.headers)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify(answer.body));
}

const ownAddress = (request: FastifyRequest): string => `${request.protocol}://${request.headers.host}/`;
