import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from './context.js';
import { INTERNAL_PART_HEADER, internalPartSecret, type Fault, type SandboxSystem } from './faults.js';
import { revokeToken } from './identity/tokens.js';

/** An answer in the vendor's own form. */
export interface VendorAnswer {
  status: number;
  headers?: Record<string, string>;
  body: object | string;
}

/** How each system words what a fault makes it say. */
export interface VendorErrors {
  status(status: number): VendorAnswer;
  throttle(facet: NonNullable<Fault['facet']>, retryAfterSeconds: number): VendorAnswer;
  expiredToken(request: FastifyRequest): VendorAnswer;
  expiredDelta(): VendorAnswer;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The fault that this call was hit by. */
    fault?: Fault;
    /** Answered before anything was carried out, by a fault or for want of a token. */
    refused?: boolean;
  }
}

const REFUSALS: ReadonlySet<Fault['kind']> = new Set(['status', 'throttle', 'expire-token', 'expire-delta']);
const DEFAULT_LATENCY_MS = 1000;
const DEFAULT_RETRY_AFTER_SECONDS = 1;

/**
 * Applies the armed faults of one system to its calls, and the answer time of `--latency`.
 *
 * Refusals come before anything is carried out. `truncate` and `accepted-then-reset` let the call be carried
 * out and committed, then spoil its answer. Parts of a `$batch` are left alone: they are no calls of their own.
 *
 * @param isApi whether an address belongs to the API, as against a token endpoint or the control desk.
 */
export function applyFaults(
  app: FastifyInstance,
  context: SandboxContext,
  system: SandboxSystem,
  errors: VendorErrors,
  latencyMs: number,
  isApi: (path: string) => boolean,
): void {
  app.decorateRequest('fault', undefined);
  app.decorateRequest('refused', undefined);

  app.addHook('onRequest', async (request, reply) => {
    if (isInternalPart(request) || request.url.startsWith('/_sandbox')) return;
    if (latencyMs > 0 && isApi(request.url)) await delay(latencyMs);
    const fault = context.faults.take(system, request.method, request.url);
    if (!fault) return;
    request.fault = fault;
    request.refused = REFUSALS.has(fault.kind);
    const refused = await strike(fault, request, reply);
    // Awaiting a reply waits until it is sent, which ends the call here.
    if (refused) return reply;
  });

  app.addHook('onSend', (request, reply, payload, done) => {
    // Whatever an operation does itself: no answer leaves before what it reports is on disk.
    context.store.commit();
    const kind = request.fault?.kind;
    if (kind === 'accepted-then-reset') request.raw.socket.destroy();
    else if (kind === 'truncate' && (typeof payload === 'string' || Buffer.isBuffer(payload))) {
      sendHalf(request, reply, Buffer.from(payload));
    } else done(null, payload);
  });

  /** Returns whether the call ends here. */
  async function strike(fault: Fault, request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    switch (fault.kind) {
      case 'status':
        send(reply, errors.status(fault.status ?? 500), fault.retryAfter);
        return true;
      case 'throttle': {
        const seconds = fault.retryAfter ?? DEFAULT_RETRY_AFTER_SECONDS;
        send(reply, errors.throttle(fault.facet ?? 'requests', seconds), seconds);
        return true;
      }
      case 'expire-token':
        // The token stays expired, as a client that repeats the call with it should notice.
        revokeToken(context, request.headers.authorization);
        send(reply, errors.expiredToken(request));
        return true;
      case 'expire-delta':
        send(reply, errors.expiredDelta());
        return true;
      case 'latency':
        await delay(fault.ms ?? DEFAULT_LATENCY_MS);
        return false;
      case 'reset':
        context.store.commit();
        reply.hijack();
        request.raw.socket.destroy();
        return true;
      case 'truncate':
      case 'accepted-then-reset':
      // Of files alone.
      case 'permission-denied':
      case 'disk-full':
      case 'host-key':
      case 'vanish':
        return false;
    }
  }
}

/** True for a part of a `$batch` that this very process dispatches to itself. */
export const isInternalPart = (request: FastifyRequest): boolean =>
  request.headers[INTERNAL_PART_HEADER] === internalPartSecret;

function send(reply: FastifyReply, answer: VendorAnswer, retryAfterSeconds?: number): void {
  reply.code(answer.status).headers(answer.headers ?? {});
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  if (typeof answer.body === 'string') reply.type('text/plain; charset=utf-8').send(answer.body);
  else reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
}

/** Promises the whole body, sends its first half and closes the connection. */
function sendHalf(request: FastifyRequest, reply: FastifyReply, body: Buffer): void {
  for (const [name, value] of Object.entries(reply.getHeaders()))
    if (value !== undefined) reply.raw.setHeader(name, value);
  reply.raw.setHeader('content-length', body.length);
  reply.raw.writeHead(reply.statusCode);
  reply.raw.write(body.subarray(0, body.length >> 1), () => request.raw.socket.destroy());
}
