import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { readCodecConfig, readConfig, secretNames, settingNames } from '../../src/config.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { projectFolder } from './arrows.js';

const run = promisify(execFile);

interface Service {
  image?: string;
  environment?: Record<string, string | null>;
  depends_on?: Record<string, unknown> | string[];
  volumes?: string[];
  command?: string[];
  secrets?: string[];
  user?: string;
  stop_grace_period?: string;
  healthcheck?: { test?: string[]; disable?: boolean };
  profiles?: string[];
  ports?: string[];
}
const read = (file: string): string => readFileSync(join(projectFolder, file), 'utf8');
const { services, volumes, secrets } = parse(read('docker-compose.yml'), { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  secrets: Record<string, { file: string }>;
};
const image = 'dynamics-campaign-sync';

describe('docker-compose.yml', () => {
  test('hands the worker only settings that exist', () => {
    const files = secretNames.map((name) => `${name}_FILE`);
    const known = [...settingNames, ...files, 'TEMPORAL_ADDRESS', 'SANDBOX_READY_FILE'];
    for (const service of ['worker', 'codec-server', 'starter']) {
      const given = Object.keys(services[service]?.environment ?? {});
      expect(given.filter((name) => !known.includes(name))).toEqual([]);
    }
  });

  test('hands the worker every setting that .env.example names', () => {
    const named = [...read('.env.example').matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name ?? '');
    const given = Object.keys(services.worker?.environment ?? {});
    expect(named.filter((name) => !given.includes(name))).toEqual([]);
  });

  test('takes every secret from a file, which each service that reads it is handed, and no other', () => {
    expect(read('docker-compose.yml')).not.toMatch(/\$\{\w*(SECRET|PASSWORD|TOKEN|_KEY)\w*[:?}-]/);
    for (const [name, { file }] of Object.entries(secrets)) expect(file).toBe(`./secrets/${name}`);
    for (const { secrets: handed = [], environment = {}, command = [] } of Object.values(services)) {
      expect(
        Object.keys(environment).filter((name) => (secretNames as readonly string[]).includes(name)),
      ).toEqual([]);
      const text = `${Object.values(environment).join('\n')}\n${command.join('\n')}`;
      const readHere = [...text.matchAll(/\/run\/secrets\/([\w-]+)/g)].map(([, name]) => name);
      expect(handed.toSorted()).toEqual([...new Set(readHere)].toSorted());
    }
  });

  test('makes every secret file that is missing, and touches none that is there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'secrets-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'deploy'));
    await mkdir(join(folder, 'secrets'));
    await copyFile(join(projectFolder, 'deploy/make-secrets.sh'), join(folder, 'deploy/make-secrets.sh'));
    await writeFile(join(folder, 'secrets/adobe-client-secret'), 'mine');
    const make = () => run('sh', [join(folder, 'deploy/make-secrets.sh')]);
    const made = async () =>
      Object.fromEntries(
        Object.keys(secrets).map((name) => [
          name,
          readFileSync(join(folder, 'secrets', name), 'utf8').trim(),
        ]),
      );
    await make();
    const first = await made();
    expect(first['adobe-client-secret']).toBe('mine');
    expect(first['ledger-url']).toBe(`postgres://sync:${first['postgres-password']}@postgresql:5432/ledger`);
    await make();
    expect(await made()).toEqual(first);
    const systems = {
      DYNAMICS_URL: 'https://contoso.crm4.dynamics.com',
      DYNAMICS_TENANT_ID: 'tenant',
      DYNAMICS_CLIENT_ID: 'client',
      DYNAMICS_CLIENT_SECRET: 'secret',
      CAMPAIGN_URL: 'https://mc.adobe.io/contoso/campaign',
      ADOBE_CLIENT_ID: 'client',
      ADOBE_SCOPES: 'scopes',
    };
    const file = (name: string): string => join(folder, 'secrets', name);
    const files = {
      ADOBE_CLIENT_SECRET_FILE: file('adobe-client-secret'),
      LEDGER_URL_FILE: file('ledger-url'),
      LEDGER_KEY_FILE: file('ledger-key'),
      PAYLOAD_KEYS_FILE: file('payload-keys'),
    };
    expect(readConfig({ ...systems, ...files }, 'worker').payloadKeys).toHaveLength(1);
    const codec = {
      PAYLOAD_KEYS_FILE: file('payload-keys'),
      CODEC_ACCESS_TOKEN_FILE: file('codec-access-token'),
    };
    expect(readCodecConfig(codec).accessToken).toBe(first['codec-access-token']);
  });

  test('runs our image with no more rights than it needs, with a health check each, and time to stop', () => {
    const ours = Object.entries(services).filter(([, service]) => service.image === image);
    expect(ours.map(([name]) => name).toSorted()).toEqual(['codec-server', 'sandbox', 'starter', 'worker']);
    for (const [name, service] of ours) {
      expect(service).toMatchObject({ cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
      // That of the image asks a worker.
      expect(service.healthcheck !== undefined).toBe(name !== 'worker');
    }
    expect(services.worker?.stop_grace_period).toBe('60s');
    expect(services.sandbox?.profiles).toEqual(['sandbox']);
  });

  test('lets nothing listen beyond this machine', () => {
    const published = Object.values(services).flatMap(({ ports = [] }) => ports);
    expect(published.length).toBeGreaterThan(4);
    expect(published.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  test("lets the Web UI's page ask the codec server", () => {
    const ui = services['temporal-ui'];
    const codec = services['codec-server'];
    const origin = `http://${ui?.ports?.[0]?.replace(/:8080$/, '')}`;
    expect(codec?.environment?.CODEC_UI_ORIGINS).toBe(origin);
    expect(ui?.environment?.TEMPORAL_CODEC_ENDPOINT).toBe(
      `http://${codec?.ports?.[0]?.replace(/:8081$/, '')}`,
    );
  });

  test('registers the search attributes that the workflows set', () => {
    const script = services['temporal-namespace']?.command?.join('\n') ?? '';
    const type = (name: string) => name.charAt(0) + name.slice(1).toLowerCase();
    for (const { name, type: kind } of Object.values(searchAttributeKeys)) {
      expect(script).toMatch(new RegExp(`\\b${name}:${type(kind)}\\b`, 'i'));
    }
  });

  test('waits only for services that exist, and keeps its data in named volumes', () => {
    for (const { depends_on = [], volumes: mounts = [] } of Object.values(services)) {
      const awaited = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
      expect(awaited.filter((name) => !(name in services))).toEqual([]);
      const named = mounts.map((mount) => mount.split(':')[0] ?? '').filter((source) => /^\w+$/.test(source));
      expect(named.filter((name) => !(name in volumes))).toEqual([]);
    }
  });

  test('pins the versions of what it does not build', () => {
    const loose = Object.values(services)
      .map(({ image: name = '' }) => name)
      .filter((name) => name !== image && !/:\d[\w.]*$/.test(name));
    expect(loose).toEqual([]);
  });
});
