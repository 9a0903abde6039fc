import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { HttpClock } from '../../src/http/request.js';

export interface Arrived {
  method: string;
  url: string;
  headers: IncomingMessage['headers'];
  body: string;
}
export interface Scripted {
  status?: number;
  headers?: Record<string, string>;
  body?: string | object;
  /** Instead of an answer. */
  break?: 'reset' | 'truncate' | 'silence';
}

/** A real server on a free port that answers by a function of the request; closed when the test ends. */
export async function scriptedServer(
  answer: (request: Arrived, count: number) => Scripted,
  { sendDate = true }: { sendDate?: boolean } = {},
) {
  const arrived: Arrived[] = [];
  const server = createServer((request, response) => {
    let body = '';
    response.sendDate = sendDate;
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const seen = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
      arrived.push(seen);
      send(response, answer(seen, arrived.length));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, arrived };
}

function send(
  response: ServerResponse,
  { status = 200, headers = {}, body = '', break: broken }: Scripted,
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  if (broken === 'reset') return void response.socket?.resetAndDestroy();
  if (broken === 'silence') return;
  if (broken === 'truncate') {
    response.writeHead(status, { 'Content-Length': String(Buffer.byteLength(text)), ...headers });
    response.write(text.slice(0, Math.floor(text.length / 2)), () => response.socket?.destroy());
    return;
  }
  response.writeHead(status, {
    'Content-Type': typeof body === 'string' ? 'text/plain' : 'application/json',
    ...headers,
  });
  response.end(text);
}

/** A clock that jumps instead of waiting, and remembers how long it was asked to wait. */
export function jumpingClock(): HttpClock & { waits: number[] } {
  let nowMs = Date.UTC(2026, 10, 24);
  const waits: number[] = [];
  return {
    waits,
    nowMs: () => nowMs,
    random: () => 0.5,
    async sleep(ms) {
      waits.push(ms);
      nowMs += ms;
    },
  };
}
