import type { FastifyRequest } from 'fastify';
import { badPayload } from '../errors.js';
import { parseQuery, type ODataQuery } from '../odata/query.js';
import type { Definition } from './writing/customisation.js';

/** One request of the metadata protocol. */
export interface MetadataCall {
  method: string;
  /** The service root with the host and version that the request used; links in answers begin with it. */
  base: string;
  /** Below the service root, percent-encoded as sent, without the query. */
  path: string;
  query: ODataQuery;
  header(name: string): string | undefined;
  /** The JSON body; an empty object when there is none. Throws a 400 when it is no JSON object. */
  body(): Definition;
}

const ROOT = /^\/api\/data\/v9\.\d\//i;

export function readCall(request: FastifyRequest): MetadataCall {
  const [address = ''] = request.url.split('?');
  const root = ROOT.exec(address)?.[0] ?? '/';
  return {
    method: request.method,
    base: `${request.protocol}://${request.headers.host ?? 'localhost'}${root}`,
    path: address.slice(root.length),
    query: parseQuery(request.url),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body: () => readBody(request.body),
  };
}

function readBody(body: unknown): Definition {
  if (typeof body !== 'string' || body.trim() === '') return {};
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    throw badPayload(`Invalid JSON. ${(error as Error).message}`);
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed as Definition;
  throw badPayload('Invalid JSON. A JSON object is expected.');
}
