import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createBudget, type MadeCall } from '../../src/http/budget.js';
import type { CallOptions } from '../../src/http/calls.js';
import { TOO_LARGE } from '../../src/http/request-fault.js';
import { createHttp, type HttpSettings } from '../../src/http/request.js';
import { jumpingClock } from '../support/http-server.js';
import { selfSigned } from './self-signed.js';

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const serve = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listening(createServer(listener))}/`;

const httpOf = (settings: Partial<HttpSettings> = {}) =>
  createHttp({
    budget: createBudget({ maxConcurrent: 5 }),
    timeLimitMs: 2_000,
    maxResponseBytes: 10_000,
    patienceMs: 60_000,
    ...settings,
  });
const get = (url: string, settings?: Partial<HttpSettings>, options: CallOptions = {}) =>
  httpOf(settings).attempt({ method: 'GET', url }, options);

describe('an attempt', () => {
  test('answers status, headers in lower case, and the text as it came', async () => {
    const url = await serve((_request, response) =>
      response.writeHead(418, { 'X-Some': 'A', 'Content-Type': 'application/json' }).end('{"a": 1}'),
    );
    expect(await get(url)).toMatchObject({
      kind: 'answered',
      answer: { status: 418, headers: { 'x-some': 'A' }, body: '{"a": 1}' },
    });
  });

  test('sends body and headers untouched', async () => {
    const seen: unknown[] = [];
    const url = await serve((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        seen.push(request.method, request.headers['content-type'], body);
        response.end();
      });
    });
    const headers = { 'Content-Type': 'application/json;charset=utf-8' };
    await httpOf().attempt({ method: 'PATCH', url, headers, body: '{"é":"🌸"}' }, {});
    expect(seen).toEqual(['PATCH', 'application/json;charset=utf-8', '{"é":"🌸"}']);
  });

  test('uses one connection for calls one after the other', async () => {
    const ports = new Set<number | undefined>();
    const url = await serve((request, response) => {
      ports.add(request.socket.remotePort);
      response.end();
    });
    const http = httpOf();
    for (let call = 0; call < 3; call += 1) await http.attempt({ method: 'GET', url }, {});
    expect(ports.size).toBe(1);
  });

  test('is over when its time is, however steadily the body trickles in', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200);
      const trickle = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(trickle));
    });
    expect(await get(url, { timeLimitMs: 200 })).toEqual({ kind: 'unknown', reason: 'ETIMEDOUT' });
  });

  test('is over when its time is and nothing has been answered', async () => {
    const url = await serve(() => undefined);
    expect(await get(url, { timeLimitMs: 100 })).toEqual({ kind: 'unknown', reason: 'ETIMEDOUT' });
  });

  test.each([
    ['plain', undefined],
    ['packed', 'gzip'],
  ])('takes no body beyond the limit: %s', async (_name, encoding) => {
    const text = Buffer.from('x'.repeat(50_000));
    const url = await serve((_request, response) =>
      response
        .writeHead(200, encoding ? { 'Content-Encoding': encoding } : {})
        .end(encoding ? gzipSync(text) : text),
    );
    expect(await get(url)).toEqual({ kind: 'unknown', reason: TOO_LARGE });
  });

  test('follows no redirect', async () => {
    const elsewhere: string[] = [];
    const other = await serve((request, response) => {
      elsewhere.push(request.url ?? '');
      response.end();
    });
    const url = await serve((_request, response) => response.writeHead(307, { Location: other }).end());
    expect(await get(url)).toMatchObject({ kind: 'answered', answer: { status: 307 } });
    expect(elsewhere).toEqual([]);
  });
});

describe('what became of a request without an answer', () => {
  test('is certain when no connection was made', async () => {
    const port = await listening(createServer());
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: freePort } = free.address() as AddressInfo;
    free.close();
    await once(free, 'close');
    expect(port).not.toBe(freePort);
    expect(await get(`http://127.0.0.1:${freePort}/`)).toEqual({ kind: 'unsent', reason: 'ECONNREFUSED' });
    expect(await get('http://no-such-host.invalid/')).toMatchObject({ kind: 'unsent' });
  });

  test('is certain when the certificate was not accepted, or the handshake broke off', async () => {
    const { key, certificate } = selfSigned();
    let arrived = 0;
    const port = await listening(createTlsServer({ key, cert: certificate }, () => (arrived += 1)));
    expect(await get(`https://localhost:${port}/`)).toMatchObject({ kind: 'unsent' });
    const plain = createServer().on('connection', (socket) => socket.destroy());
    expect(await get(`https://127.0.0.1:${await listening(plain)}/`)).toMatchObject({ kind: 'unsent' });
    expect(arrived).toBe(0);
  });

  test.each([
    ['was reset', (request: Parameters<RequestListener>[0]) => request.socket.resetAndDestroy()],
    ['was closed', (request: Parameters<RequestListener>[0]) => request.socket.destroy()],
  ])('is unknown when the connection %s', async (_name, end) => {
    const url = await serve((request) => void end(request));
    expect(await get(url)).toEqual({ kind: 'unknown', reason: 'ECONNRESET' });
  });

  test('is unknown when a connection in use before was closed instead of answered', async () => {
    let calls = 0;
    const url = await serve((request, response) => {
      calls += 1;
      if (calls === 1) response.end();
      else request.socket.resetAndDestroy();
    });
    const http = httpOf();
    await http.attempt({ method: 'POST', url, body: '{}' }, {});
    expect(await http.attempt({ method: 'POST', url, body: '{}' }, {})).toMatchObject({ kind: 'unknown' });
  });

  test('is unknown when the answer broke off', async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'Content-Length': '100' });
      response.write('half', () => response.destroy());
    });
    expect(await get(url)).toMatchObject({ kind: 'unknown' });
  });
});

describe('the caller', () => {
  test('is asked right before the call, with its time limit, and may forbid it', async () => {
    let arrived = 0;
    const url = await serve((_request, response) => {
      arrived += 1;
      response.end();
    });
    const asked: number[] = [];
    const beforeCall = (timeLimitMs: number): void => {
      asked.push(timeLimitMs);
      if (asked.length > 1) throw new Error('the lease has ended');
    };
    await get(url, {}, { beforeCall });
    await expect(get(url, {}, { beforeCall })).rejects.toThrow('the lease has ended');
    expect({ asked, arrived }).toEqual({ asked: [2_000, 2_000], arrived: 1 });
  });

  test('ends a call that is on its way, and its connection', async () => {
    const slice = new AbortController();
    let end = (): void => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const url = await serve((request) => {
      request.socket.on('close', end);
      slice.abort(new Error('the slice ends'));
    });
    await expect(get(url, { timeLimitMs: 60_000 }, { signal: slice.signal })).rejects.toThrow(
      'the slice ends',
    );
    await ended;
  });
});

test('each call is told of with its method, its status and what it took, answered or not', async () => {
  const clock = jumpingClock();
  const url = await serve((request, response) => {
    if (request.method === 'DELETE') request.socket.destroy();
    else void clock.sleep(250).then(() => response.writeHead(429).end());
  });
  const made: MadeCall[] = [];
  const budget = createBudget({ maxConcurrent: 1, made: (call) => made.push(call) });
  const http = httpOf({ clock, budget });
  await http.attempt({ method: 'PATCH', url }, {});
  await http.attempt({ method: 'DELETE', url }, {});
  expect(made).toEqual([
    { method: 'PATCH', status: 429, tookMs: 250 },
    { method: 'DELETE', tookMs: 0 },
  ]);
});

test('while the system has asked for calm no call is made, and none is counted', async () => {
  let arrived = 0;
  let counted = 0;
  const url = await serve((_request, response) => {
    arrived += 1;
    response.end();
  });
  const clock = jumpingClock();
  const http = httpOf({ clock, budget: createBudget({ maxConcurrent: 1, made: () => (counted += 1) }) });
  const running = http.attempt({ method: 'GET', url }, {});
  const waiting = http.attempt({ method: 'GET', url }, {});
  http.holdBack(5_000);
  await running;
  expect(await waiting, 'had its turn to come').toEqual({ kind: 'held', forMs: 5_000 });
  expect(await http.attempt({ method: 'GET', url }, {})).toEqual({ kind: 'held', forMs: 5_000 });
  await clock.sleep(5_000);
  expect(await http.attempt({ method: 'GET', url }, {})).toMatchObject({ kind: 'answered' });
  expect({ arrived, counted }).toEqual({ arrived: 2, counted: 2 });
});
