import {
  constants,
  createHash,
  generateKeyPairSync,
  sign,
  X509Certificate,
  type KeyObject,
} from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { selfSigned } from './certificate.js';
import { campaignSignIn, dynamicsSignIn, postForm, text, useSandbox } from './support.js';

const sandbox = useSandbox();

describe('Entra ID', () => {
  it('gives a token for the right secret, whatever the address’s query says', async () => {
    const answer = await dynamicsSignIn(sandbox.ready);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599 });
    const form = {
      grant_type: 'client_credentials',
      client_id: sandbox.ready.credentials.clientId,
      client_secret: sandbox.ready.credentials.clientSecret,
      scope: `${sandbox.ready.dynamics}//.default`,
    };
    expect((await postForm(`${sandbox.ready.entra}?client-request-id=1`, form)).status).toBe(200);
  });

  it.each([
    ['a bad secret', { client_secret: 'wrong' }, 401, 'invalid_client', 7000215],
    ['no secret', { client_secret: undefined }, 401, 'invalid_client', 7000218],
    [
      'an unknown client',
      { client_id: '11111111-1111-4111-8111-111111111111' },
      400,
      'unauthorized_client',
      700016,
    ],
    ['no grant type', { grant_type: undefined }, 400, 'invalid_request', 900144],
    ['another grant type', { grant_type: 'password' }, 400, 'unsupported_grant_type', 70003],
    [
      'a scope without .default',
      { scope: 'https://org.example/user_impersonation' },
      400,
      'invalid_scope',
      1002012,
    ],
    [
      'a scope of another organisation',
      { scope: 'https://other.example/.default' },
      400,
      'invalid_resource',
      500011,
    ],
  ])('refuses %s with its AADSTS code', async (_case, change, status, error, code) => {
    const answer = await dynamicsSignIn(sandbox.ready, change);
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject({ error, error_codes: [code] });
    expect(text(answer.json['error_description'])).toMatch(new RegExp(`^AADSTS${code}: `));
  });

  it('refuses another tenant', async () => {
    const url = sandbox.ready.entra.replace(
      sandbox.ready.credentials.tenantId,
      '22222222-2222-4222-8222-222222222222',
    );
    expect((await postForm(url, { grant_type: 'client_credentials' })).json['error_codes']).toEqual([90002]);
  });

  it('publishes where its token endpoint is', async () => {
    const base = `${sandbox.ready.dynamics}/${sandbox.ready.credentials.tenantId}`;
    const document = (await (await fetch(`${base}/v2.0/.well-known/openid-configuration`)).json()) as {
      token_endpoint: string;
    };
    expect(document.token_endpoint).toBe(sandbox.ready.entra);
  });

  it('lives as long as the limits say, and a token of one system is none of the other', async () => {
    await sandbox.control('PUT', 'limits', { dynamics: { tokenSeconds: 60 } });
    const answer = await dynamicsSignIn(sandbox.ready);
    await sandbox.control('DELETE', 'limits');
    expect(answer.json['expires_in']).toBe(60);
    const authorization = { authorization: `Bearer ${text(answer.json['access_token'])}` };
    const whoAmI = () => sandbox.dynamics('GET', '/api/data/v9.2/WhoAmI', undefined, authorization);
    expect((await whoAmI()).status).toBe(200);
    expect(
      (await sandbox.campaign('GET', '/profileAndServices/profile', undefined, authorization)).status,
    ).toBe(401);
    await sandbox.control('POST', 'clock', { advance: 'PT61S' });
    expect((await whoAmI()).status).toBe(401);
  });
});

describe('a certificate', () => {
  const assertion = (key: KeyObject, claims: object, header: object) => {
    const now = Math.floor(Date.now() / 1000) + 61;
    const { clientId } = sandbox.ready.credentials;
    const all = {
      aud: sandbox.ready.entra,
      iss: clientId,
      sub: clientId,
      jti: '1',
      nbf: now,
      exp: now + 600,
      ...claims,
    };
    const signed = [{ alg: 'PS256', typ: 'JWT', ...header }, all]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    const rs256 = (header as { alg?: string }).alg === 'RS256';
    return `${signed}.${sign('sha256', Buffer.from(signed), rs256 ? key : pss).toString('base64url')}`;
  };
  const signIn = (client_assertion: string) =>
    dynamicsSignIn(sandbox.ready, {
      client_secret: undefined,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion,
    });

  it('that is registered must have signed the assertion, in either algorithm', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = selfSigned(publicKey, privateKey);
    const raw = new X509Certificate(pem).raw;
    const x5tS256 = createHash('sha256').update(raw).digest('base64url');
    const x5t = createHash('sha1').update(raw).digest('base64url');
    expect((await sandbox.control('PUT', 'certificate', pem)).status).toBe(200);
    expect((await signIn(assertion(privateKey, {}, { 'x5t#S256': x5tS256 }))).status).toBe(200);
    expect((await signIn(assertion(privateKey, {}, { alg: 'RS256', x5t }))).status).toBe(200);
    const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
    expect((await signIn(assertion(stranger, {}, { 'x5t#S256': x5tS256 }))).json['error_codes']).toEqual([
      700027,
    ]);
    expect((await signIn(assertion(privateKey, {}, { 'x5t#S256': 'other' }))).json['error_codes']).toEqual([
      700027,
    ]);
  });

  it.each([
    ['another audience', { aud: 'https://login.example/t/oauth2/v2.0/token' }, 700023],
    ['another issuer', { iss: 'someone' }, 700021],
    ['an end in the past', { exp: 1_600_000_000 }, 700024],
  ])('does not help an assertion with %s', async (_case, claims, code) => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect((await signIn(assertion(privateKey, claims, {}))).json['error_codes']).toEqual([code]);
  });

  it('does not help what is no JWT', async () => {
    expect((await signIn('nonsense')).json['error_codes']).toEqual([50027]);
  });
});

describe('Adobe IMS', () => {
  it('gives a bearer token in seconds', async () => {
    const answer = await campaignSignIn(sandbox.ready);
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ token_type: 'bearer', expires_in: 86_399 });
    expect((await campaignSignIn(sandbox.ready, { scope: 'campaign_sdk, openid' })).status).toBe(200);
  });

  it.each([
    ['an unknown client', { client_id: 'x' }, 400, 'invalid_client'],
    ['a wrong secret', { client_secret: 'x' }, 401, 'invalid_client'],
    ['a scope it does not have', { scope: 'openid,all_the_money' }, 400, 'invalid_scope'],
    ['no scope', { scope: undefined }, 400, 'invalid_scope'],
    ['another grant', { grant_type: 'jwt' }, 400, 'unsupported_grant_type'],
  ])('refuses %s', async (_case, change, status, error) => {
    const answer = await campaignSignIn(sandbox.ready, change);
    expect(answer.status).toBe(status);
    expect(answer.json['error']).toBe(error);
  });
});

it('an application user that is no member is refused with 403', async () => {
  await sandbox.control('PUT', 'limits', { dynamics: { nonMember: true } });
  const answer = await sandbox.dynamics('GET', '/api/data/v9.2/WhoAmI');
  await sandbox.control('DELETE', 'limits');
  expect(answer.status).toBe(403);
  expect(answer.json['error']).toMatchObject({ code: '0x80072560' });
});
