import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { SyncError } from '../errors.js';
import type { Access } from './access.js';
import { signInPage } from './sign-in-page.js';

/** Histories may hold 50 MiB; a page of one in the Web UI is far smaller. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const PREFLIGHT_SECONDS = '3600';

/** Payloads as protobuf's JSON writes them: bytes are base64, and what is empty is left out. */
const body = z.object({
  payloads: z
    .array(z.object({ metadata: z.record(z.string(), z.string()).optional(), data: z.string().optional() }))
    .default([]),
});

export interface CodecServerOptions {
  codec: PayloadCodec;
  access: Access;
  /** Origins of the pages that may ask, e.g. `https://temporal.example.com`. Callers that are no pages send none. */
  uiOrigins: readonly string[];
}

/**
 * Temporal's codec server protocol (temporalio/samples-go, codec-server/protocol.md): POST …/encode and …/decode, for whoever has access;
 * and a page at `/` to sign in with the access token. Refusals are plain text: the Web UI takes any JSON for decoded payloads.
 */
export function createCodecServer({ codec, access, uiOrigins }: CodecServerOptions): FastifyInstance {
  const server = Fastify({ bodyLimit: MAX_BODY_BYTES });
  server.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, text, done) => done(null, new URLSearchParams(String(text))),
  );
  server.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const { statusCode = 500 } = error;
    return refuse(reply, statusCode, statusCode < 500 ? 'The request cannot be read.' : 'The codec failed.');
  });

  server.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers;
    if (origin === undefined || isOwn(request, origin)) return;
    if (!uiOrigins.includes(origin)) return refuse(reply, 403, 'CODEC_UI_ORIGINS does not name this origin.');
    reply.headers({
      'Access-Control-Allow-Origin': origin,
      'Access-Control-Allow-Credentials': 'true',
      Vary: 'Origin',
    });
  });
  server.options('/*', async (_request, reply) =>
    reply
      .code(204)
      .headers({
        'Access-Control-Allow-Methods': 'POST, GET, OPTIONS',
        'Access-Control-Allow-Headers': 'Content-Type, X-Namespace, Authorization',
        'Access-Control-Max-Age': PREFLIGHT_SECONDS,
      })
      .send(),
  );

  server.get('/', async (_request, reply) => reply.type('text/html').send(signInPage()));
  server.post('/', async (request, reply) => {
    const token = request.body instanceof URLSearchParams ? request.body.get('token') : null;
    const cookie = access.beginSession(request, token ?? '');
    if (cookie === undefined)
      return reply.code(401).type('text/html').send(signInPage('This is not the access token.'));
    return reply
      .header('Set-Cookie', cookie)
      .type('text/html')
      .send(signInPage('Signed in for 12 hours. Reload the Web UI.'));
  });

  // Only the end of the path counts, so that a proxy may put the server below any other.
  server.post('/*', async (request, reply) => {
    const asked = /\/(encode|decode)$/.exec(new URL(request.url, 'http://codec').pathname)?.[1];
    if (asked !== 'encode' && asked !== 'decode') return refuse(reply, 404, 'There are /encode and /decode.');
    if (!access.isGranted(request)) return refuse(reply, 401, 'The access token is missing or wrong.');
    const given = body.safeParse(request.body);
    if (!given.success) return refuse(reply, 400, 'The body must be {"payloads": [{"metadata", "data"}]}.');
    try {
      const payloads = await codec[asked](given.data.payloads.map(fromJson));
      return { payloads: payloads.map(toJson) };
    } catch (error) {
      if (error instanceof SyncError) return refuse(reply, 400, error.message);
      throw error;
    }
  });
  return server;
}

const refuse = (reply: FastifyReply, status: number, message: string): FastifyReply =>
  reply.code(status).type('text/plain').send(`${message}\n`);

/** The sign-in page sends its form to where it came from. */
const isOwn = (request: FastifyRequest, origin: string): boolean =>
  URL.canParse(origin) && new URL(origin).host === request.host;

type JsonPayload = z.output<typeof body>['payloads'][number];
type Payload = Parameters<PayloadCodec['encode']>[0][number];

const fromJson = ({ metadata = {}, data = '' }: JsonPayload): Payload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata).map(([name, base64]) => [name, Buffer.from(base64, 'base64')]),
  ),
  data: Buffer.from(data, 'base64'),
});

const toJson = ({ metadata, data }: Payload): JsonPayload => ({
  metadata: Object.fromEntries(
    Object.entries(metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
  ),
  data: Buffer.from(data ?? []).toString('base64'),
});
