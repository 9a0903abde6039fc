import { once } from 'node:events';
import {
  connect,
  createSecureServer,
  constants,
  type ServerHttp2Stream,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { AddressInfo } from 'node:net';

export interface SecuredTemporal {
  /** Host and port. */
  address: string;
  /** gRPC methods that were let through, e.g. `PollWorkflowTaskQueue`. */
  methods: Set<string>;
  close(): Promise<void>;
}

export interface SecuredOptions {
  /** Of the server behind. */
  address: string;
  /** PEM of the front's own certificate and its key. */
  certificate: string;
  key: string;
  /** The certificate that callers must show. */
  clientCertificate: string;
  /** The key that every call must carry. */
  apiKey: string;
}

/** gRPC's `UNAUTHENTICATED`. */
const UNAUTHENTICATED = 16;

/** A front for a Temporal server that talks TLS only, lets in one client certificate only, and asks every call for an API key. */
export async function securedTemporal(options: SecuredOptions): Promise<SecuredTemporal> {
  const { address, certificate, key, clientCertificate, apiKey } = options;
  const behind = connect(`http://${address}`);
  const methods = new Set<string>();
  const server = createSecureServer({
    key,
    cert: certificate,
    ca: clientCertificate,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('sessionError', () => undefined);
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    if (headers.authorization !== `Bearer ${apiKey}`) {
      const refusal = { 'grpc-status': UNAUTHENTICATED, 'grpc-message': 'Request unauthorized.' };
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', ...refusal }, { endStream: true });
      return;
    }
    methods.add(String(headers[':path']).split('/').at(-1) ?? '');
    const { ':authority': _, ...passed } = headers;
    const call = behind.request({ ...passed, ':scheme': 'http' });
    let trailers: IncomingHttpHeaders = {};
    stream.pipe(call);
    call.on('trailers', (sent) => (trailers = sent));
    call.on('response', (answered, flags) => {
      const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
      if (stream.destroyed) return;
      stream.respond(answered, { endStream, waitForTrailers: !endStream });
      stream.on('wantTrailers', () => stream.sendTrailers(trailers));
      call.pipe(stream);
    });
    call.on('error', () => stream.destroy());
    stream.on('error', () => call.destroy());
    stream.on('close', () => call.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    methods,
    async close() {
      for (const session of sessions) session.destroy();
      behind.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
