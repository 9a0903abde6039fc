import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ConfigError, readConfig, secretNames, type Environment, type Purpose } from '../src/config.js';

const pem =
  '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----';
const systems: Environment = {
  DYNAMICS_URL: 'https://contoso.crm4.dynamics.com/',
  DYNAMICS_TENANT_ID: '3f1f2a1c-1111-4222-8333-444455556666',
  DYNAMICS_CLIENT_ID: '9b0d2f6e-1111-4222-8333-444455556666',
  DYNAMICS_CLIENT_SECRET: 'a-dynamics-secret',
  CAMPAIGN_URL: 'https://mc.adobe.io/contoso-mkt/campaign',
  ADOBE_CLIENT_ID: 'an-adobe-client',
  ADOBE_CLIENT_SECRET: 'an-adobe-secret',
  ADOBE_SCOPES: 'campaign_sdk,campaign_config_server_general',
};
const complete: Environment = {
  ...systems,
  LEDGER_URL: 'postgres://sync:a-database-password@db/ledger',
  LEDGER_KEY: 'a-key-of-sixteen-or-more',
};

describe('what it reads', () => {
  test('defaults fill in what is not given', () => {
    expect(readConfig(complete, 'worker')).toMatchObject({
      dataFolder: '.data',
      dynamics: { url: 'https://contoso.crm4.dynamics.com', budget: { maxConcurrent: 20 }, extraOrigins: [] },
      campaign: { edition: 'standard', tokenEndpoint: 'https://ims-na1.adobelogin.com/ims/token/v3' },
      settleSeconds: 60,
      callTimeLimitSeconds: 30,
      leaseSeconds: 60,
      payloadKeys: [],
      logLevel: 'info',
    });
  });

  test('the tenant comes from CAMPAIGN_URL', () => {
    expect(readConfig(complete, 'worker').campaign.tenant).toBe('contoso-mkt');
  });

  test('an empty variable counts as not given', () => {
    const config = readConfig({ ...complete, CAMPAIGN_EDITION: '', DYNAMICS_PER_DAY: '' }, 'worker');
    expect(config.campaign.edition).toBe('standard');
    expect(config.dynamics.budget).toEqual({ maxConcurrent: 20 });
  });

  test('budgets are read for each system', () => {
    const config = readConfig(
      { ...complete, CAMPAIGN_PER_SECOND: '12', CAMPAIGN_PER_DAY: '100000' },
      'worker',
    );
    expect(config.campaign.budget).toEqual({ maxConcurrent: 20, perSecond: 12, perDay: 100_000 });
  });

  test('the file exchange is read whole', () => {
    const given = {
      SFTP_HOST: 'files.example',
      SFTP_USER: 'sync',
      SFTP_PRIVATE_KEY: pem,
      SFTP_HOST_KEY: `SHA256:${'A'.repeat(43)}`,
    };
    expect(readConfig({ ...complete, ...given }, 'worker').sftp).toMatchObject({
      host: 'files.example',
      port: 22,
      user: 'sync',
    });
  });

  test('payload keys keep their order, the first one writes', () => {
    const key = (byte: number) => Buffer.alloc(32, byte).toString('base64');
    const { payloadKeys } = readConfig(
      { ...complete, PAYLOAD_KEYS: `new:${key(2)}, old:${key(1)}` },
      'worker',
    );
    expect(payloadKeys.map(({ id }) => id)).toEqual(['new', 'old']);
    expect(payloadKeys[0]?.key).toEqual(new Uint8Array(32).fill(2));
  });

  test('further origins are a list', () => {
    const given = { DYNAMICS_EXTRA_ORIGINS: 'https://a.example, https://b.example' };
    expect(readConfig({ ...complete, ...given }, 'worker').dynamics.extraOrigins).toEqual([
      'https://a.example',
      'https://b.example',
    ]);
  });

  test('the result cannot be changed', () => {
    const config = readConfig(complete, 'worker');
    expect(() => Object.assign(config.dynamics.budget, { maxConcurrent: 1 })).toThrow(TypeError);
  });

  test('embedded, neither a ledger nor its key is needed', () => {
    expect(readConfig(systems, 'embedded').ledger).toEqual({});
  });
});

describe('secrets from files', () => {
  test.each(secretNames)('%s may be given as a file', async (name) => {
    const value: Environment = {
      DYNAMICS_CERTIFICATE: pem,
      SFTP_PRIVATE_KEY: pem,
      PAYLOAD_KEYS: `k:${Buffer.alloc(32).toString('base64')}`,
      CODEC_ACCESS_TOKEN: 'a-token-of-sixteen-or-more',
    };
    const secret = { ...complete, ...value }[name] ?? '';
    const { [name]: _, ...others } = complete;
    const environment: Environment = { ...others, [`${name}_FILE`]: await fileWith(`${secret}\n`) };
    if (name === 'DYNAMICS_CERTIFICATE') delete environment.DYNAMICS_CLIENT_SECRET;
    if (name === 'SFTP_PRIVATE_KEY') {
      Object.assign(environment, {
        SFTP_HOST: 'files.example',
        SFTP_USER: 'sync',
        SFTP_HOST_KEY: `SHA256:${'A'.repeat(43)}`,
      });
    }
    expect(faultsOf(environment)).toEqual([]);
  });

  test('a file that cannot be read is one fault, without follow-on faults', () => {
    const { LEDGER_URL: _, ...others } = complete;
    expect(faultsOf({ ...others, LEDGER_URL_FILE: '/nowhere/ledger-url' })).toEqual([
      'LEDGER_URL_FILE: cannot be read (ENOENT)',
    ]);
  });

  test('an empty file is a fault', async () => {
    const { LEDGER_KEY: _, ...others } = complete;
    expect(faultsOf({ ...others, LEDGER_KEY_FILE: await fileWith('\n') })).toEqual([
      'LEDGER_KEY_FILE: cannot be read (it is empty)',
    ]);
  });

  test('a secret given twice is a fault', async () => {
    expect(faultsOf({ ...complete, LEDGER_KEY_FILE: await fileWith('another-key-of-sixteen') })).toEqual([
      'LEDGER_KEY: is given twice, also as LEDGER_KEY_FILE',
    ]);
  });
});

describe('what it refuses', () => {
  test('everything that is missing is named at once', () => {
    expect(faultsOf({}).map((fault) => fault.split(':')[0])).toEqual([
      'DYNAMICS_URL',
      'DYNAMICS_TENANT_ID',
      'DYNAMICS_CLIENT_ID',
      'CAMPAIGN_URL',
      'ADOBE_CLIENT_ID',
      'ADOBE_CLIENT_SECRET',
      'ADOBE_SCOPES',
      'DYNAMICS_CLIENT_SECRET',
      'LEDGER_URL',
    ]);
  });

  test.each<[string, Environment, string]>([
    [
      'http:// beyond this machine',
      { DYNAMICS_URL: 'http://contoso.crm4.dynamics.com' },
      'DYNAMICS_URL: must be an https:// address',
    ],
    [
      'a host that only looks like this machine',
      { DYNAMICS_URL: 'http://127.evil.example' },
      'DYNAMICS_URL: must be an https:// address',
    ],
    [
      'a Dynamics address with a path',
      { DYNAMICS_URL: 'https://contoso.crm4.dynamics.com/api/data' },
      'DYNAMICS_URL: must be the address alone',
    ],
    ['text that is no address', { CAMPAIGN_URL: 'contoso' }, 'CAMPAIGN_URL: must be an https:// address'],
    [
      'a Campaign address without a tenant',
      { CAMPAIGN_URL: 'https://mc.adobe.io/campaign' },
      'CAMPAIGN_URL: must look like',
    ],
    ['an unknown edition', { CAMPAIGN_EDITION: 'classic' }, 'CAMPAIGN_EDITION: must be standard or v8'],
    [
      'a certificate without its key',
      { DYNAMICS_CERTIFICATE: '-----BEGIN CERTIFICATE-----', DYNAMICS_CLIENT_SECRET: '' },
      'DYNAMICS_CERTIFICATE: must be PEM text',
    ],
    ['a secret beside a certificate', { DYNAMICS_CERTIFICATE: pem }, 'DYNAMICS_CERTIFICATE: give either'],
    ['a ledger without a key', { LEDGER_KEY: '' }, 'LEDGER_KEY: is missing; it is required with LEDGER_URL'],
    ['a short ledger key', { LEDGER_KEY: 'short' }, 'LEDGER_KEY: must have at least 16'],
    ['a worker without PostgreSQL', { LEDGER_URL: '' }, 'LEDGER_URL: is missing; a worker needs PostgreSQL'],
    ['another database', { LEDGER_URL: 'mysql://db' }, 'LEDGER_URL: must be a postgres:// address'],
    ['a number with a unit', { LEASE_SECONDS: '60s' }, 'LEASE_SECONDS: must be a whole number'],
    [
      'a budget of nothing',
      { CAMPAIGN_MAX_CONCURRENT: '0' },
      'CAMPAIGN_MAX_CONCURRENT: must be a whole number from 1',
    ],
    [
      'a lease shorter than one and a half calls',
      { LEASE_SECONDS: '44' },
      'LEASE_SECONDS: must be at least 1.5 times',
    ],
    [
      'half a file exchange',
      { SFTP_HOST: 'files.example', SFTP_USER: 'sync', SFTP_PRIVATE_KEY: pem },
      'SFTP_HOST_KEY: is missing',
    ],
    [
      'a host key that is no fingerprint',
      { SFTP_HOST_KEY: 'MD5:aa' },
      'SFTP_HOST_KEY: must be a fingerprint',
    ],
    [
      'a payload key of the wrong length',
      { PAYLOAD_KEYS: 'a:c2hvcnQ=' },
      'PAYLOAD_KEYS: must be id:base64 pairs of 32 bytes',
    ],
    [
      'a payload key without an id',
      { PAYLOAD_KEYS: Buffer.alloc(32).toString('base64') },
      'PAYLOAD_KEYS: must be id:base64 pairs',
    ],
    ['an address without a port', { METRICS_ADDRESS: '127.0.0.1' }, 'METRICS_ADDRESS: must look like'],
    ['an unknown log level', { LOG_LEVEL: 'loud' }, 'LOG_LEVEL: must be trace'],
    [
      'a further origin over plain http',
      { CAMPAIGN_EXTRA_ORIGINS: 'http://a.example' },
      'CAMPAIGN_EXTRA_ORIGINS: must be https://',
    ],
  ])('%s', (_what, given, fault) => {
    expect(faultsOf({ ...complete, ...given })).toContainEqual(expect.stringContaining(fault));
  });

  test('a lease of exactly one and a half calls is long enough', () => {
    expect(faultsOf({ ...complete, LEASE_SECONDS: '45' })).toEqual([]);
  });

  test('http:// on this machine is accepted', () => {
    expect(
      faultsOf({
        ...complete,
        DYNAMICS_URL: 'http://127.0.0.1:4801',
        DYNAMICS_TOKEN_ENDPOINT: 'http://localhost:4801/token',
      }),
    ).toEqual([]);
  });

  test('no value is ever shown, of a secret or of anything else', () => {
    const hidden = 'value-that-must-not-be-shown';
    const environment = Object.fromEntries(Object.keys(complete).map((name) => [name, hidden]));
    const extra = {
      LEDGER_URL: `mysql://sync:${hidden}@db`,
      PAYLOAD_KEYS: hidden,
      LOG_LEVEL: hidden,
      SFTP_PRIVATE_KEY: hidden,
    };
    const error = errorOf({ ...environment, ...extra });
    expect(error?.faults.length).toBeGreaterThan(4);
    expect(`${error?.message} ${JSON.stringify(error)} ${error?.stack}`).not.toContain(hidden);
  });
});

function errorOf(environment: Environment, purpose: Purpose = 'worker'): ConfigError | undefined {
  try {
    readConfig(environment, purpose);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error;
  }
}

function faultsOf(environment: Environment): string[] {
  return errorOf(environment)?.faults ?? [];
}

async function fileWith(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sync-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'secret');
  await writeFile(file, content);
  return file;
}
