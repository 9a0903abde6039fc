import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import { exampleDocument } from '../support/mapping-document.js';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { npmScript } from '../support/npm-start.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { startStack, type Stack } from '../support/stack.js';
import { differences, mappedColumns } from '../support/expected.js';

let postgres: Postgres;
beforeAll(async () => {
  postgres = await startPostgres();
}, 60_000);
afterAll(() => postgres.stop());

describe('a fault that only a person can mend', () => {
  let stack: Stack;
  const startOn = async (document = exampleDocument): Promise<void> => {
    stack = await startStack({
      temporalAddress: inject('temporalAddress'),
      contacts: 40,
      document,
      ledgerUrl: await postgres.freshDatabase(),
    });
  };
  afterEach(() => stack.stop(), 60_000);
  const inStep = async (): Promise<string[]> =>
    differences(await stack.systems.contacts.all(mappedColumns), await stack.systems.profiles.all());

  test('missing Global read: the flow fails with its code and what to do, and goes on once it is granted', async () => {
    await startOn();
    await stack.systems.sandbox.limits({ dynamics: { globalReadMissing: ['contact'] } });
    const failed = await stack.sync();
    expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'DYNAMICS_PRIVILEGE_MISSING' } });
    expect(failed.error?.message).toContain('Global');
    await stack.systems.sandbox.limits({ dynamics: { globalReadMissing: [] } });
    expect((await stack.sync()).outcome).toBe('in-sync');
    expect(await inStep()).toEqual([]);
  }, 60_000);

  test('change tracking off: the flow fails with its code', async () => {
    await startOn(
      'version: 1\ntables: [{ dynamics: team, campaign: profile, key: { to: externalId }, fields: [{ from: name, to: lastName }] }]\n',
    );
    const status = await syncOf('ingress/team');
    expect(status).toMatchObject({ outcome: 'failed', error: { code: 'DYNAMICS_TRACKING_OFF' } });
  }, 60_000);

  test('a column that Dynamics does not have: the flow fails and names it', async () => {
    await startOn(exampleDocument.replace('from: telephone1', 'from: shoesize'));
    const failed = await stack.sync();
    expect(failed.error).toMatchObject({ code: 'MAPPING_INVALID' });
    expect(failed.error?.message).toContain('shoesize');
    await stack.apply(exampleDocument);
    expect((await stack.sync()).outcome).toBe('in-sync');
    expect(await inStep()).toEqual([]);
  }, 60_000);

  test('a resource that Campaign does not offer: the flow fails and names it', async () => {
    await startOn(exampleDocument.replace('campaign: profile', 'campaign: cusNothing'));
    const failed = await stack.sync();
    expect(failed.error).toMatchObject({ code: 'CAMPAIGN_RESOURCE_UNKNOWN' });
    expect(failed.error?.message).toContain('cusNothing');
  }, 60_000);

  test('rows that Campaign refuses are parked with code and field, the others go through, and mending writes them', async () => {
    await startOn(exampleDocument.replace('to: phone }', 'to: cusShoeSize }'));
    expect((await stack.sync()).outcome).toBe('in-sync');
    expect((await stack.status()).errors).toEqual({ FIELD_UNKNOWN: 40 });
    await stack.apply(exampleDocument);
    await stack.sync();
    expect((await stack.status()).errors).toEqual({});
    expect(await inStep()).toEqual([]);
  }, 60_000);

  async function syncOf(flow: string) {
    await signalFlow({ client: stack.client }, flow, 'poll');
    return waitForFlow(stack.client, flow);
  }
});

describe('npm start', () => {
  let data: string;
  let sandbox: Sandbox;
  let ledger: Record<string, string>;
  beforeEach(async () => {
    // An embedded ledger takes seconds to set up, which is not what these tests are about.
    ledger = { LEDGER_URL: await postgres.freshDatabase(), LEDGER_KEY: 'a key for tests, thirty-two bytes' };
    data = await mkdtemp(join(tmpdir(), 'set-up-'));
    sandbox = await startSandbox({ memory: true, contacts: 5 });
  });
  afterEach(async () => {
    await sandbox.close();
    await rm(data, { recursive: true, force: true });
  });
  const once = (environment: Record<string, string>, ...args: string[]) =>
    npmScript('start', ['--once', '--json', '--data', data, '--port', '7300', '--ui-port', '8300', ...args], {
      ...ledger,
      ...environment,
    }).finished;

  test.each([
    ['a wrong Dynamics secret', { DYNAMICS_CLIENT_SECRET: 'wrong' }, 2, 'DYNAMICS_CREDENTIALS'],
    [
      'a wrong tenant',
      { DYNAMICS_TENANT_ID: '00000000-0000-4000-8000-000000000009' },
      2,
      'DYNAMICS_CREDENTIALS',
    ],
    ['a wrong Adobe secret', { ADOBE_CLIENT_SECRET: 'wrong' }, 2, 'CAMPAIGN_CREDENTIALS'],
    [
      'an unreachable Dynamics',
      { DYNAMICS_URL: 'http://127.0.0.1:9', DYNAMICS_TOKEN_ENDPOINT: 'http://127.0.0.1:9/token' },
      1,
      'DYNAMICS_UNREACHABLE',
    ],
  ])(
    'says of %s what to do, with its exit status',
    async (_name, wrong, status, code) => {
      const end = await once({
        ...sandboxSettings(sandbox.ready),
        CALL_TIME_LIMIT_SECONDS: '2',
        ...tenantOf(wrong),
        ...wrong,
      });
      expect(end.stdout).toBe(code === 'CAMPAIGN_CREDENTIALS' ? end.stdout : '');
      expect(end.stderr).toContain(code);
      expect(end.status).toBe(status);
      for (const secret of [
        sandbox.ready.credentials.clientSecret,
        sandbox.ready.credentials.adobeClientSecret,
      ]) {
        expect(end.stderr).not.toContain(secret);
      }
    },
    90_000,
  );

  /** The stand-in of Entra ID has its tenant in the address. */
  const tenantOf = (wrong: Record<string, string>): Record<string, string> =>
    wrong.DYNAMICS_TENANT_ID
      ? {
          DYNAMICS_TOKEN_ENDPOINT: sandbox.ready.entra.replace(
            sandbox.ready.credentials.tenantId,
            wrong.DYNAMICS_TENANT_ID,
          ),
        }
      : {};

  test('refuses an unknown key of the mapping file with its line, before anything starts', async () => {
    const config = join(data, 'sync.yaml');
    await writeFile(config, exampleDocument.replace('every: 1m', 'evrey: 1m'));
    const { status, stderr, stdout } = await once({}, '--config', config);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/sync\.yaml:\d+:\d+ {2}tables\[0\]\.evrey: unknown key/);
  }, 30_000);

  test('refuses half a pair of systems, and wrong options, all at once', async () => {
    const half = await once({ DYNAMICS_URL: sandbox.ready.dynamics });
    expect(half.status).toBe(2);
    expect(half.stderr).toContain('CAMPAIGN_URL is missing');
    const options = await once({}, '--contacts', 'many', '--port', '0');
    expect(options.status).toBe(2);
    expect(options.stderr).toContain('--contacts');
    expect(options.stderr).toContain('--port');
  }, 60_000);

  test('refuses the ledger of another pair of systems', async () => {
    expect((await once(sandboxSettings(sandbox.ready))).status).toBe(0);
    const other = await startSandbox({ memory: true, contacts: 5 });
    try {
      const { status, stderr } = await once(sandboxSettings(other.ready));
      expect(status).toBe(2);
      expect(stderr).toContain('LEDGER_OF_ANOTHER_PAIR');
    } finally {
      await other.close();
    }
  }, 90_000);
});

test('a worker lists every missing setting and exits 2', async () => {
  const { status, stderr } = await npmScript('worker', [], { DYNAMICS_URL: '', LEDGER_URL: '' }).finished;
  expect(status).toBe(2);
  for (const name of ['DYNAMICS_URL', 'CAMPAIGN_URL', 'ADOBE_CLIENT_ID', 'LEDGER_URL'])
    expect(stderr).toContain(name);
}, 30_000);
