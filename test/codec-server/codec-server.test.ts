import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { npmScript, type Spawned } from '../support/npm-start.js';

const UI = 'https://temporal.example.com';
const TOKEN = 'an access token for the tests';
const key = (byte: number): string => Buffer.alloc(32, byte).toString('base64');
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface JsonPayload {
  metadata: Record<string, string>;
  data: string;
}
const plain: JsonPayload = {
  metadata: { encoding: base64('json/plain') },
  data: base64('{"table":"contact"}'),
};
const encodingOf = ({ metadata }: JsonPayload): string =>
  Buffer.from(metadata.encoding ?? '', 'base64').toString();

let server: Spawned;
let address: string;
beforeAll(async () => {
  ({ server, address } = await serve(`new:${key(2)},old:${key(1)}`));
}, 60_000);
afterAll(() => server.stop());

async function serve(payloadKeys: string): Promise<{ server: Spawned; address: string }> {
  const started = npmScript('codec-server', [], {
    PAYLOAD_KEYS: payloadKeys,
    CODEC_ADDRESS: '127.0.0.1:0',
    CODEC_ACCESS_TOKEN: TOKEN,
    CODEC_UI_ORIGINS: `${UI}, http://127.0.0.1:8233`,
  });
  const { codec } = JSON.parse(await started.firstLine) as { codec: string };
  return { server: started, address: codec };
}

const post = (path: string, body: unknown, headers: Record<string, string> = bearer): Promise<Response> =>
  fetch(`${address}${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Namespace': 'default', ...headers },
    body: JSON.stringify(body),
  });
const bearer = { Authorization: `Bearer ${TOKEN}` };
async function payloadsOf(answer: Response): Promise<JsonPayload[]> {
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { payloads: JsonPayload[] }).payloads;
}

describe('/encode and /decode', () => {
  test('undo each other, under the first key, wherever a proxy puts them', async () => {
    const encoded = await payloadsOf(await post('/encode', { payloads: [plain, plain] }));
    expect(encoded.map(encodingOf)).toEqual(['binary/encrypted', 'binary/encrypted']);
    expect(Buffer.from(encoded[0]?.metadata['encryption-key-id'] ?? '', 'base64').toString()).toBe('new');
    expect(encoded[0]?.data, 'a nonce of its own').not.toBe(encoded[1]?.data);
    expect(await payloadsOf(await post('/default/decode', { payloads: encoded }))).toEqual([plain, plain]);
  });

  test('plain payloads, and no payloads, come back as they are', async () => {
    expect(await payloadsOf(await post('/decode', { payloads: [plain] }))).toEqual([plain]);
    for (const none of [{ payloads: [] }, {}])
      expect(await payloadsOf(await post('/decode', none))).toEqual([]);
  });

  test('a payload under a key that is gone is refused with its id, in plain text', async () => {
    const other = await serve(`2024:${key(3)}`);
    const written = await fetch(`${other.address}/encode`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...bearer },
      body: JSON.stringify({ payloads: [plain] }),
    });
    await other.server.stop();
    const answer = await post('/decode', { payloads: await payloadsOf(written) });
    expect(answer.status).toBe(400);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    expect(await answer.text()).toMatch(/^PAYLOAD_KEY_UNKNOWN: .*2024/);
  });

  test.each<[string, (payload: JsonPayload) => JsonPayload]>([
    ['with a changed bit', ({ metadata, data }) => ({ metadata, data: flipped(data) })],
    ['cut short', ({ metadata, data }) => ({ metadata, data: data.slice(0, 8) })],
    [
      'under the id of another key',
      ({ metadata, data }) => ({ metadata: { ...metadata, 'encryption-key-id': base64('old') }, data }),
    ],
  ])('a payload %s does not open', async (_what, spoilt) => {
    const encoded = await payloadsOf(await post('/encode', { payloads: [plain] }));
    const answer = await post('/decode', { payloads: encoded.map(spoilt) });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toMatch(/^PAYLOAD_UNREADABLE: /);
  });

  test.each([
    ['no JSON', '/decode', 'payloads', 400],
    ['no list of payloads', '/decode', { payloads: 'contact' }, 400],
    ['another path', '/download', { payloads: [] }, 404],
  ])('%s is refused', async (_what, path, body, status) => {
    expect((await post(path, body)).status).toBe(status);
  });
});

describe('access', () => {
  test.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['a wrong token', { Authorization: 'Bearer another token of the tests' }],
    ['a cookie that was made up', { Cookie: 'codec_session=9999999999.AAAA' }],
  ])('%s is refused', async (_what, headers) => {
    const answer = await post('/decode', { payloads: [plain] }, headers);
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain('contact');
  });

  test('who signs in with the token gets a cookie that the Web UI can send', async () => {
    expect(await (await fetch(`${address}/`)).text()).toContain('type="password"');
    const signIn = (token: string, origin = address): Promise<Response> =>
      fetch(`${address}/`, {
        method: 'POST',
        headers: { Origin: origin },
        body: new URLSearchParams({ token }),
      });
    const refused = await signIn('another token of the tests');
    expect([refused.status, refused.headers.get('set-cookie')]).toEqual([401, null]);

    const cookie = (await signIn(TOKEN)).headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict/);
    const [session = ''] = cookie.split(';');
    const answer = await post('/decode', { payloads: [plain] }, { Cookie: session, Origin: UI });
    expect(await payloadsOf(answer)).toEqual([plain]);
    const [, signature = ''] = session.split('.');
    const longer = await post(
      '/decode',
      { payloads: [plain] },
      { Cookie: `codec_session=9999999999.${signature}` },
    );
    expect(longer.status).toBe(401);
  });
});

describe('pages of other origins', () => {
  const preflight = (origin: string): Promise<Response> =>
    fetch(`${address}/decode`, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,x-namespace,authorization',
      },
    });

  test('the Web UI is let in by name, with its headers and credentials', async () => {
    const { status, headers } = await preflight(UI);
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(UI);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-allow-methods')).toContain('POST');
    for (const name of ['Content-Type', 'X-Namespace', 'Authorization'])
      expect(headers.get('access-control-allow-headers')).toContain(name);
    const answer = await post('/decode', { payloads: [plain] }, { ...bearer, Origin: UI });
    expect(answer.headers.get('access-control-allow-origin')).toBe(UI);
    expect(answer.headers.get('vary')).toContain('Origin');
  });

  test('any other page is refused, even with the token', async () => {
    const { status, headers } = await preflight('https://temporal.example.com.evil.example');
    expect([status, headers.get('access-control-allow-origin')]).toEqual([403, null]);
    const answer = await post(
      '/decode',
      { payloads: [plain] },
      { ...bearer, Origin: 'https://evil.example' },
    );
    expect(answer.status).toBe(403);
  });
});

test('it starts only with keys and a token, and tells every fault at once', async () => {
  const { status, stderr } = await npmScript('codec-server', [], {
    PAYLOAD_KEYS: '',
    CODEC_ACCESS_TOKEN: 'short',
    CODEC_UI_ORIGINS: 'https://temporal.example.com/ui',
  }).finished;
  expect(status).toBe(2);
  for (const name of ['PAYLOAD_KEYS', 'CODEC_ACCESS_TOKEN', 'CODEC_UI_ORIGINS'])
    expect(stderr).toContain(`${name}: `);
  expect(stderr).not.toContain('short');
}, 30_000);

function flipped(data: string): string {
  const bytes = Buffer.from(data, 'base64');
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  return bytes.toString('base64');
}
