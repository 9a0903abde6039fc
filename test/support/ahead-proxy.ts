import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AheadProxy {
  url: string;
  close(): Promise<void>;
}

/** A real proxy in front of a server that tells a clock of its own: so many seconds ahead of this machine's. */
export async function aheadProxy(origin: string, seconds: number): Promise<AheadProxy> {
  const { hostname, port } = new URL(origin);
  const server = createServer((incoming, response) => {
    const { method, url, headers } = incoming;
    const outgoing = ask({ hostname, port, method, path: url, headers }, (answer) => {
      const date = new Date(Date.now() + seconds * 1000).toUTCString();
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date });
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
