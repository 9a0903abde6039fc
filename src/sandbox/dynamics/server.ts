import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../context.js';
import { INTERNAL_PART_HEADER, internalPartSecret } from '../faults.js';
import { readBodiesAsText } from '../text-bodies.js';
import type { BatchRequest } from './batch/multipart.js';
import { runBatch } from './batch/run-batch.js';
import type { Answer, Call, Dataverse } from './call.js';
import { badRequest, DataverseError, dataverseError, unknownSegment } from './errors.js';
import { countInFlight } from './in-flight.js';
import { registerMetadata } from './metadata/server.js';
import { readCall } from './read-call.js';
import type { RecordStore } from './record-store.js';
import { outcomeOf } from './outcome.js';
import { routeLabel } from './route-label.js';
import type { Schema } from './schema.js';
import { answerCall } from './service-call.js';
import { createServiceProtection, type Admission } from './service-protection.js';

const VERSIONS = ['v9.0', 'v9.1', 'v9.2'];
const API = /^\/api\/data\//i;
const JSON_TYPE = 'application/json; odata.metadata=minimal';

/**
 * Serves the Dataverse Web API under `/api/data/v9.0`, `v9.1` and `v9.2`: the record protocol here
 * (dataverse.md §2 to §6), the metadata protocol through `registerMetadata`.
 *
 * Requests are taken to carry a valid token. Each HTTP call is counted once, and everything it changed is
 * committed before its answer leaves.
 */
export function registerDynamics(
  app: FastifyInstance,
  context: SandboxContext,
  schema: Schema,
  records: RecordStore,
): void {
  const dataverse: Dataverse = { context, schema, records };
  const protection = createServiceProtection(context);
  const inFlight = countInFlight((url) => API.test(url));
  app.addHook('onClose', (_instance, done) => {
    inFlight.stop();
    done();
  });
  app.decorateRequest('admission', undefined);
  app.addHook('onRequest', protect);
  app.addHook('onSend', (request, reply, payload, done) => {
    const { admission } = request;
    if (admission) reply.headers({ ...admission.headers(), ...requestIds() });
    done(null, payload);
  });
  app.addHook('onResponse', (request, _reply, done) => {
    request.admission?.finish(request.executionMs ?? 0);
    done();
  });
  app.decorateRequest('executionMs', undefined);
  registerMetadata(app, context, schema, records);
  void app.register((scope, _options, done) => {
    readBodiesAsText(scope);
    for (const version of VERSIONS) {
      scope.all(`/api/data/${version}`, serve);
      scope.all(`/api/data/${version}/*`, serve);
    }
    done();
  });

  /** Service protection stands before every call of the API, metadata included. */
  function protect(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    if (!isCall(request) || reply.sent) {
      done();
      return;
    }
    try {
      request.admission = protection.admit(userOf(request), inFlight.atArrival(request.raw));
      done();
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      // Counted with all other calls that no operation saw.
      request.refused = true;
      reply.headers(requestIds());
      send(reply, error);
    }
  }

  async function serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const startedMs = performance.now();
    const answer = await answered(request);
    const modelledMs = (answer.rows ?? 0) * context.limits().dynamics.executionMsPerRow;
    request.executionMs = performance.now() - startedMs + modelledMs;
    context.stats.count('dynamics', labelOf(request), answer.status);
    context.store.commit();
    send(reply, answer);
    return reply;
  }

  async function answered(request: FastifyRequest): Promise<Answer> {
    try {
      const call = callOf(request);
      if (call.path === '$batch' && call.method === 'POST') {
        return await runBatch(dataverse, call, (part, address) => forward(request, part, address));
      }
      requireHarmlessPath(call.path);
      return outcomeOf(dataverse, call, () => answerCall(dataverse, call));
    } catch (error) {
      if (error instanceof DataverseError) return error;
      process.stderr.write(`${(error as Error).stack ?? String(error)}\n`);
      return dataverseError(500, '0x80040216', 'An unexpected error occurred.');
    }
  }

  /** A part that the metadata protocol answers goes through its routes, marked as no call of its own. */
  async function forward(outer: FastifyRequest, part: BatchRequest, address: string): Promise<Answer> {
    const response = await app.inject({
      method: part.method as 'GET',
      url: address,
      headers: {
        host: outer.headers.host ?? 'localhost',
        'content-type': 'application/json',
        ...part.headers,
        [INTERNAL_PART_HEADER]: internalPartSecret,
      },
      ...(part.body !== '' && { payload: part.body }),
    });
    const headers = Object.entries(response.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as const],
    );
    return {
      status: response.statusCode,
      headers: Object.fromEntries(headers),
      ...(response.body !== '' && { body: response.body }),
    };
  }
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set once service protection has let the call in. */
    admission?: Admission;
    /** Time the call took, modelled time of its rows included, in milliseconds. */
    executionMs?: number;
  }
}

function callOf(request: FastifyRequest): Call {
  const origin = `${request.protocol}://${request.headers.host ?? 'localhost'}`;
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers))
    headers[name] = Array.isArray(value) ? value.join(',') : value;
  return readCall({
    method: request.method,
    origin,
    defaultBase: `${origin}/api/data/v9.2/`,
    address: request.url,
    headers,
    bodyText: typeof request.body === 'string' ? request.body : '',
  });
}

/** An HTTP call to the API; a part of a batch is none of its own. */
const isCall = ({ url, headers }: FastifyRequest): boolean =>
  API.test(url) && headers[INTERNAL_PART_HEADER] !== internalPartSecret;

/** The application that the token was issued to: a new token does not make a new user. */
function userOf({ headers }: FastifyRequest): string {
  const { authorization = '' } = headers;
  try {
    const claims = Buffer.from(authorization.split('.')[1] ?? '', 'base64url').toString('utf8');
    return String((JSON.parse(claims) as { appid?: unknown }).appid);
  } catch {
    return authorization;
  }
}

function labelOf(request: FastifyRequest): string {
  try {
    return routeLabel(callOf(request));
  } catch {
    const path = request.url.replace(/\?.*$/s, '').replace(/^\/api\/data\/v9\.\d\/?/i, '');
    return `${request.method} ${path.replaceAll(/\([^)]*\)/g, '(id)')}`.trimEnd();
  }
}

/** Characters that the web server in front of the API refuses in a path (dataverse.md §4, "Alternate keys"). */
const HARMFUL = /[<>*%&:\\?+]/;

function requireHarmlessPath(path: string): void {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw badRequest('Bad Request - Error in query syntax.');
  }
  const harmful = HARMFUL.exec(decoded)?.[0];
  if (harmful !== undefined) {
    throw dataverseError(
      400,
      '0x80060888',
      `A potentially dangerous Request.Path value was detected from the client (${harmful}).`,
    );
  }
  // An encoded slash ends the segment there, in the middle of the key.
  if (/%2f/i.test(path)) throw unknownSegment(decoded.slice(0, decoded.indexOf('(')));
}

function requestIds(): Record<string, string> {
  const id = randomUUID();
  return { 'x-ms-service-request-id': id, req_id: id };
}

function send(reply: FastifyReply, { status, headers = {}, body }: Answer): void {
  reply.code(status).header('odata-version', '4.0');
  for (const [name, value] of Object.entries(headers)) if (name !== 'location') reply.header(name, value);
  if (body === undefined) reply.send();
  else if (typeof body === 'string') reply.type(headers['content-type'] ?? 'text/plain').send(body);
  // As bytes, since fastify would add a character set to the type of a text.
  else reply.type(JSON_TYPE).send(Buffer.from(JSON.stringify(body)));
}
