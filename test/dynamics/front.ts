import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
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
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', async () => {
      const { method = '', url = '', headers } = incoming;
      // Tokens are asked for by the address that a client knows.
      const body = Buffer.concat(chunks).toString().replaceAll(encodeURIComponent(address()), origin);
      const path = /^\/api\/data\/v9\.2\/(.*)$/.exec(decodeURIComponent(url))?.[1];
      const request = { method, path: path ?? '', body };
      if (path !== undefined) arrived.push(request);
      const own = path === undefined ? undefined : script(request);
      if (own) {
        response.writeHead(own.status ?? 200, { 'Content-Type': 'application/json', ...own.headers });
        response.end(JSON.stringify(own.body ?? {}));
        return;
      }
      const { connection, host, 'content-length': length, ...passed } = headers;
      const answer = await fetch(origin + url, {
        method,
        headers: passed as Record<string, string>,
        ...(body.length > 0 && { body }),
      });
      const answered = Object.fromEntries(answer.headers);
      delete answered['transfer-encoding'];
      response.writeHead(answer.status, answered);
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  });
  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: address(), arrived };
}
