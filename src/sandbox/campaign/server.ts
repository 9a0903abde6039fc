import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { SandboxContext } from '../context.js';
import { isV8, type EngineCall } from './engine.js';
import { EngineError, malformedPath, notJson, unknownResource } from './engine-errors.js';
import { createGateway, sendGatewayRefusal, wrongAddress } from './gateway.js';
import { HISTORY } from './history.js';
import { describeEndpoint } from './metadata.js';
import { metadata, operate, type Method } from './operations.js';
import { isEndpoint, splitPath, type CampaignPath } from './paths.js';
import type { Resources } from './resources.js';
import type { EngineAnswer } from './writes.js';

export interface CampaignOptions {
  context: SandboxContext;
  resources: Resources;
  /** What `X-Api-Key` must be. */
  apiKey: string;
  /** The tenant id in the address: `/<tenant>/campaign`. */
  tenant: string;
}

/** Whether an address belongs to Campaign's REST API. */
export const isCampaignApi = (url: string): boolean => /^\/[^/]+\/campaign(?:[/?]|$)/i.test(url);

/** Route of a call as the statistics name it; set while the call is carried out. */
declare module 'fastify' {
  interface FastifyRequest {
    campaignRoute?: string;
  }
}

/**
 * Campaign's REST API under `/<tenant>/campaign` (campaign.md §1 to §4, §11, §12). Bodies of any content type
 * are read as JSON. Every call is counted, and what it changed is on disk, before its answer leaves.
 */
export function registerCampaign(
  app: FastifyInstance,
  { context, resources, apiKey, tenant }: CampaignOptions,
): void {
  const gateway = createGateway(context, apiKey, tenant);
  app.decorateRequest('campaignRoute', undefined);
  app.all('/:tenant/campaign', handle);
  app.all('/:tenant/campaign/*', handle);

  app.addHook('onSend', (request, reply, payload, done) => {
    if (!isCampaignApi(request.url)) return done(null, payload);
    const route = request.campaignRoute ?? routeOf(request);
    context.stats.count('campaign', route, reply.statusCode);
    context.store.commit();
    done(null, payload);
  });

  function handle(request: FastifyRequest, reply: FastifyReply) {
    try {
      const path = splitPath(request.url);
      const refused = gateway.refusal(
        { authorization: request.headers.authorization, apiKey: header(request, 'x-api-key') },
        path.tenant,
      );
      if (refused) return sendGatewayRefusal(reply, refused);
      request.campaignRoute = routeName(request.method, path.segments, resources);
      const answer = carryOut(request, path);
      return answer ? send(reply, answer) : sendGatewayRefusal(reply, wrongAddress());
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.rejectsRow) context.stats.add('campaign', 'rejectedRows');
      return sendText(reply, error);
    }
  }

  /** Undefined when the address lies outside of Campaign's APIs. */
  function carryOut(request: FastifyRequest, path: CampaignPath): EngineAnswer | undefined {
    const [endpoint, name, ...rest] = path.segments;
    const method = request.method as Method | 'HEAD' | 'PUT' | 'OPTIONS';
    const body = method === 'POST' || method === 'PATCH' ? readJson(request.body) : {};
    if (!isEndpoint(endpoint)) return undefined;
    if (method !== 'GET' && method !== 'POST' && method !== 'PATCH' && method !== 'DELETE')
      throw malformedPath();
    const base = `${request.protocol}://${request.headers.host}/${tenant}/campaign/${endpoint}`;
    const call = (resource: string): EngineCall => ({
      context,
      resources,
      endpoint,
      base,
      query: path.query,
      definition: definitionAt(endpoint, resource),
    });
    if (name === undefined) {
      if (method !== 'GET') throw malformedPath();
      const offered = resources.at(endpoint).filter((each) => !(each.standardOnly && isV8({ context })));
      return { status: 200, body: describeEndpoint(offered, base) };
    }
    if (name === 'resourceType' && method === 'GET' && rest[0] !== undefined)
      return metadata(call(rest[0]), rest.slice(1));
    return operate(call(name), method, rest, body);
  }

  function definitionAt(endpoint: EngineCall['endpoint'], name: string) {
    // Marketing history is gone in v8 (campaign.md §1).
    const isHistory = name === HISTORY.name && context.limits().campaign.edition === 'standard';
    const definition = isHistory ? HISTORY : resources.definition(name);
    const isGone = definition?.standardOnly === true && isV8({ context });
    if (!definition || isGone || definition.nested || !definition.endpoints.includes(endpoint))
      throw unknownResource(name);
    return definition;
  }
}

/** What never reached the engine: an address that cannot be decoded, a body that is too large. */
export function answerCampaignFault(fault: FastifyError, reply: FastifyReply): void {
  const status = fault.statusCode ?? 500;
  if (fault.code === 'FST_ERR_BAD_URL') sendText(reply, malformedPath());
  else sendGatewayRefusal(reply, { status, body: { code: status, message: fault.message } });
}

const sendText = (reply: FastifyReply, error: EngineError): FastifyReply =>
  reply.code(error.status).type('text/plain; charset=utf-8').send(error.message);

function send(reply: FastifyReply, answer: EngineAnswer): FastifyReply {
  reply.code(answer.status);
  if (answer.body === undefined) return reply.send();
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body));
}

/** Route for the statistics, without keys: `PATCH profile/key`, `GET profile/byText`. */
function routeName(method: string, segments: string[], resources: Resources): string {
  const [endpoint, name, first, ...rest] = segments;
  if (!isEndpoint(endpoint) || name === undefined)
    return `${method} ${isEndpoint(endpoint) ? endpoint : 'other'}`;
  if (name === 'resourceType') return `${method} resourceType/${first ?? ''}`;
  if (first === undefined) return `${method} ${name}`;
  const named =
    first === '_count' ||
    first === 'metadata' ||
    resources.filters(name).some((filter) => filter.name === first);
  const isField = resources.definition(name)?.fields[first] !== undefined;
  const tail = rest.map((segment) => (segment.startsWith('@') ? 'key' : segment));
  return [`${method} ${name}`, named || isField ? first : 'key', ...tail].join('/');
}

/** Calls that were answered before they reached the engine, such as by a fault. */
function routeOf(request: FastifyRequest): string {
  try {
    const [, name, ...rest] = splitPath(request.url).segments;
    return `${request.method} ${[name ?? 'other', ...(rest.length > 0 ? ['key'] : [])].join('/')}`;
  } catch {
    return `${request.method} other`;
  }
}

function readJson(body: unknown): Record<string, unknown> {
  const text = typeof body === 'string' ? body : '';
  if (text.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw notJson(text);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw notJson(text);
  return parsed as Record<string, unknown>;
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
