import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import { selfSigned } from '../http/self-signed.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript } from '../support/npm-start.js';
import { startPostgres } from '../support/postgres.js';
import { securedTemporal, type SecuredTemporal } from '../support/secured-temporal.js';
import { connectSystems } from '../support/systems.js';
import { ownNamespace } from '../support/temporal.js';

const API_KEY = 'an api key for the tests';
let folder: string;
let secured: SecuredTemporal;
let sandbox: Sandbox;
/** For the command line. */
let environment: Record<string, string>;
let workerEnvironment: Record<string, string>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'temporal-access-'));
  const front = selfSigned();
  const client = selfSigned();
  secured = await securedTemporal({
    address: inject('temporalAddress'),
    ...front,
    clientCertificate: client.certificate,
    apiKey: API_KEY,
  });
  const temporal = await ownNamespace(inject('temporalAddress'));
  const fileOf = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  environment = {
    TEMPORAL_ADDRESS: secured.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    TEMPORAL_API_KEY: API_KEY,
    TEMPORAL_TLS_SERVER_NAME: 'localhost',
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: await fileOf('front.pem', front.certificate),
    TEMPORAL_TLS_CLIENT_CERT_PATH: await fileOf('client.pem', client.certificate),
    TEMPORAL_TLS_CLIENT_KEY_PATH: await fileOf('client.key', client.key),
  };
  const postgres = await startPostgres();
  sandbox = await startSandbox({ memory: true, contacts: 12 });
  const { key, certificate } = selfSigned();
  await fetch(`${sandbox.ready.dynamics}/_sandbox/certificate`, {
    method: 'PUT',
    body: certificate,
  });
  workerEnvironment = {
    ...environment,
    ...sandboxSettings(sandbox.ready),
    DYNAMICS_CLIENT_SECRET: '',
    DYNAMICS_CERTIFICATE: `${key}\n${certificate}`,
    LEDGER_URL: await postgres.freshDatabase(),
    LEDGER_KEY: 'a key for tests, thirty-two bytes',
  };
  return async () => {
    await sandbox.close();
    await postgres.stop();
    await temporal.close();
    await secured.close();
    await rm(folder, { recursive: true, force: true });
  };
}, 60_000);

test('worker and command line reach a cluster by TLS, a client certificate and an API key, and Dynamics by a certificate', async () => {
  const worker = npmScript('worker', [], workerEnvironment);
  onTestFinished(() => worker.killGroup());
  const starter = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await npmScript('starter', args, environment).finished;
    expect(status, stderr).toBe(0);
    return stdout;
  };
  const file = join(folder, 'sync.yaml');
  await writeFile(file, exampleDocument.replace('every: 1m', 'every: 1d'));
  await starter('apply', '--config', file);
  expect(JSON.parse(await starter('sync', '--json'))).toMatchObject({ ok: true });
  expect((await connectSystems(sandbox.ready).profiles.all()).length).toBeGreaterThan(8);
  expect(secured.methods).toContain('PollWorkflowTaskQueue');
  expect(secured.methods).toContain('CreateSchedule');
}, 120_000);

const refused = /TEMPORAL_REFUSED: /;
const unavailable = /TEMPORAL_UNAVAILABLE: /;
const anotherKey = { TEMPORAL_API_KEY: 'another key' };
const noCertificate = { TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' };
const untrusted = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' };
const misplaced = { TEMPORAL_TLS_CLIENT_CERT_PATH: '/nowhere/client.pem' };
test.concurrent.each<['starter' | 'worker', string, Record<string, string>, RegExp, number]>([
  ['starter', 'with another API key', anotherKey, refused, 2],
  ['worker', 'with another API key', anotherKey, refused, 2],
  ['starter', 'without a client certificate', noCertificate, unavailable, 1],
  ['starter', 'that does not trust its certificate', untrusted, unavailable, 1],
  ['starter', 'whose certificate is not there', misplaced, /CONFIG_INVALID: .*TEMPORAL_.*ENOENT/s, 2],
])(
  'a %s %s does not reach it',
  async (script, _what, wrong, said, exitStatus) => {
    const settings = script === 'worker' ? workerEnvironment : environment;
    const args = script === 'worker' ? [] : ['status'];
    const { status, stderr } = await npmScript(script, args, { ...settings, ...wrong }).finished;
    expect(stderr).toMatch(said);
    expect(stderr).not.toContain(API_KEY);
    expect(status).toBe(exitStatus);
  },
  60_000,
);
