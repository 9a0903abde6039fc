import { constants, createHash, createPublicKey, verify, X509Certificate } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { selfSigned } from '../http/self-signed.js';
import { dynamicsOf, errorOf, whoAmI } from './scripted-dynamics.js';

test('a token is asked for by the documented request, once for all calls', async () => {
  const { dynamics, identity, server } = await dynamicsOf(() => whoAmI);
  await Promise.all([1, 2, 3].map(() => dynamics.whoAmI()));
  await dynamics.whoAmI();
  expect(identity.arrived).toHaveLength(1);
  expect(identity.arrived[0]?.method).toBe('POST');
  expect(identity.arrived[0]?.url).toMatch(/^\/t1\/oauth2\/v2\.0\/token(\?client-request-id=.*)?$/);
  expect(Object.fromEntries(new URLSearchParams(identity.arrived[0]?.body))).toMatchObject({
    grant_type: 'client_credentials',
    client_id: 'client',
    client_secret: 'top-secret',
    scope: `${server.url}/.default`,
  });
});

test('with a certificate the application proves itself by a signature, and sends no secret', async () => {
  const { key, certificate } = selfSigned();
  const { dynamics, identity } = await dynamicsOf(() => whoAmI, { certificate: `${key}\n${certificate}` });
  await dynamics.whoAmI();
  const form = new URLSearchParams(identity.arrived[0]?.body);
  expect(form.get('client_secret')).toBeNull();
  expect(form.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  const [header = '', claims = '', signature = ''] = form.get('client_assertion')?.split('.') ?? [];
  const parse = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString());
  const thumbprint = createHash('sha256').update(new X509Certificate(certificate).raw).digest('base64url');
  expect(parse(header)).toMatchObject({ alg: 'PS256', 'x5t#S256': thumbprint });
  expect(parse(claims)).toMatchObject({ iss: 'client', sub: 'client' });
  const signed = verify(
    'sha256',
    Buffer.from(`${header}.${claims}`),
    { key: createPublicKey(certificate), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    Buffer.from(signature, 'base64url'),
  );
  expect(signed).toBe(true);
});

test.each([
  ['no certificate', '-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----'],
  [
    'a certificate that is none',
    '-----BEGIN PRIVATE KEY-----\nAA\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----',
  ],
])('a setting with %s is refused before any call', async (_name, certificate) => {
  await expect(dynamicsOf(() => whoAmI, { certificate })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});

test('a token is renewed before it ends', async () => {
  const { dynamics, clock, identity } = await dynamicsOf(() => whoAmI);
  await dynamics.whoAmI();
  await clock.sleep(3_200_000);
  await dynamics.whoAmI();
  expect(identity.arrived).toHaveLength(1);
  await clock.sleep(200_000);
  await dynamics.whoAmI();
  expect(identity.arrived).toHaveLength(2);
});

test('a refused token is renewed once, for all calls that it was refused to', async () => {
  const { dynamics, identity } = await dynamicsOf(({ headers }) =>
    headers.authorization === 'Bearer token-1' ? { status: 401 } : whoAmI,
  );
  await Promise.all([1, 2, 3].map(() => dynamics.whoAmI()));
  expect(identity.arrived).toHaveLength(2);
});

test('a token that is refused again stops the flow', async () => {
  const { dynamics, server } = await dynamicsOf(() => ({ status: 401 }));
  expect(await errorOf(dynamics.whoAmI())).toMatchObject({ code: 'DYNAMICS_CREDENTIALS', class: 'stop' });
  expect(server.arrived).toHaveLength(2);
});

test.each([
  ['a wrong secret', 401, 'AADSTS7000215', 'invalid_client'],
  ['a wrong tenant', 400, 'AADSTS90002', 'invalid_request'],
])('%s stops the flow with the code of Entra ID alone', async (_name, status, code, error) => {
  const refused = {
    error,
    error_description: `${code}: Invalid client secret 'top-secret' provided.`,
    error_codes: [Number(code.slice(6))],
    trace_id: 't',
    correlation_id: 'c',
    timestamp: 'now',
  };
  const { dynamics, server } = await dynamicsOf(
    () => whoAmI,
    {},
    () => ({ status, body: refused }),
  );
  const thrown = await errorOf(dynamics.whoAmI());
  expect(thrown).toMatchObject({ code: 'DYNAMICS_CREDENTIALS', evidence: { vendorCode: code } });
  expect(inspect(thrown, { depth: 20, showHidden: true })).not.toContain('top-secret');
  expect(server.arrived).toEqual([]);
});

test.each([
  ['a throttle', { status: 429, headers: { 'Retry-After': '3' } }, [3_000]],
  ['an outage', { status: 503 }, [375]],
  ['a reset', { break: 'reset' as const }, [375]],
])('%s of Entra ID is absorbed', async (_name, fault, waits) => {
  const { dynamics, clock } = await dynamicsOf(
    () => whoAmI,
    {},
    (count) =>
      count === 1 ? fault : { body: { token_type: 'Bearer', expires_in: 3599, access_token: 't' } },
  );
  await dynamics.whoAmI();
  expect(clock.waits).toEqual(waits);
});

test('an Entra ID that stays away is an outage, not a wrong secret, and is asked again the next time', async () => {
  const token = { token_type: 'Bearer', expires_in: 3599, access_token: 't' };
  const refused = { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid.' };
  const { dynamics } = await dynamicsOf(
    () => whoAmI,
    {},
    (count) =>
      count <= 5 ? { status: 500 } : count === 6 ? { status: 401, body: refused } : { body: token },
  );
  expect(await errorOf(dynamics.whoAmI())).toMatchObject({
    code: 'DYNAMICS_UNREACHABLE',
    evidence: { subject: 'Entra ID', status: 500 },
  });
  expect(await errorOf(dynamics.whoAmI())).toMatchObject({ code: 'DYNAMICS_CREDENTIALS' });
  expect(await dynamics.whoAmI()).toEqual({ organizationId: 'o', userId: 'u' });
});
