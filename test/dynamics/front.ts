import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { onTestFinished } from 'vitest';
import type { Scripted } from '../support/http-server.js';

export interface Passing {
  method: string;
  /** Decoded, below the service root. */
  path: string;
  body: string;
}

/**
 * A real server before an organisation and its Entra ID, for what the organisation cannot be brought to answer: what `script` answers
 * is not passed on. Closed when the test ends; its address, and what arrived for the organisation.
 */
export async function frontOf(
  origin: string,
  script: (request: Passing) => Scripted | undefined,
): Promise<{ url: string; arrived: Passing[] }> {
  const arrived: Passing[] = [];
  const server = createServer((incoming, response) => {
    void pass(incoming, response).catch(() => response.destroy());
  });
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: address(), arrived };

  async function pass(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '' } = incoming;
    // Tokens are asked for by the address that a client knows.
    const body = (await text(incoming)).replaceAll(encodeURIComponent(address()), origin);
    const path = /^\/api\/data\/v9\.2\/(.*)$/.exec(decodeURIComponent(url))?.[1];
    const request = { method, path: path ?? '', body };
    if (path !== undefined) arrived.push(request);
    const own = path === undefined ? undefined : script(request);
    if (own) {
      response.writeHead(own.status ?? 200, { 'Content-Type': 'application/json', ...own.headers });
      response.end(JSON.stringify(own.body ?? {}));
      return;
    }
    const headers = new Headers(
      Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]),
    );
    for (const name of ['connection', 'host', 'content-length']) headers.delete(name);
    const answer = await fetch(origin + url, { method, headers, ...(body !== '' && { body }) });
    const answered = Object.fromEntries(answer.headers);
    delete answered['transfer-encoding'];
    response.writeHead(answer.status, answered);
    response.end(await answer.text());
  }
}
