import { createServer, request as ask } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Proxy {
  url: string;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Its clock is so many seconds ahead of this machine's. */
  ahead: number;
  /** Answered by the proxy itself, by the end of the path: what the server behind it does not offer. */
  answers?: Record<string, object>;
}

/** A real proxy in front of a server, which it makes appear with another clock and with more functions. */
export async function proxyOf(origin: string, { ahead, answers = {} }: ProxyOptions): Promise<Proxy> {
  const { hostname, port } = new URL(origin);
  const now = (): string => new Date(Date.now() + ahead * 1000).toUTCString();
  const server = createServer((incoming, response) => {
    const { method, url = '', headers } = incoming;
    const own = Object.keys(answers).find((end) => url.endsWith(end));
    if (own !== undefined) {
      response.writeHead(200, { 'Content-Type': 'application/json', date: now() });
      response.end(JSON.stringify(answers[own]));
      return;
    }
    const outgoing = ask({ hostname, port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, date: now() });
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
