import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { freePort, startTemporalServer, type TemporalServer } from '../../src/temporal/server.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { projectFolder } from '../project/arrows.js';
import { composeServices, imageByHand, type ComposeService, type HandMadeImage } from '../support/by-hand.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { temporalServerBuild, whyNoServerBuild } from '../support/temporal-server-build.js';

const run = promisify(execFile);
/** The reference implementation of the compose specification. */
const COMPOSE_GO = 'github.com/compose-spec/compose-go/v2/cmd@v2.16.2';
const BUILT_WITHIN_MS = 900_000;

const commandIsThere = (name: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${name}`]).then(
    () => true,
    () => false,
  );
const [hasGo, hasPgIsready, hasNetcat, hasApt] = await Promise.all(
  ['go', 'pg_isready', 'nc', 'apt-get'].map(commandIsThere),
);
const noServerBuild = await whyNoServerBuild();

describe.skipIf(!hasGo)(`docker-compose.yml${hasGo ? '' : ' (there is no Go to validate it with)'}`, () => {
  const validate = (file: string) =>
    run('go', ['run', COMPOSE_GO, '--format', 'json', file], { cwd: projectFolder });

  test('is valid by the compose specification', async () => {
    const { stdout } = await validate('docker-compose.yml');
    const { services } = JSON.parse(stdout) as { services: Record<string, object> };
    expect(Object.keys(services)).toContain('worker');
  });

  test('would be found out if it were not', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'compose-'));
    const text = await readFile(join(projectFolder, 'docker-compose.yml'), 'utf8');
    await writeFile(join(folder, 'worse.yml'), text.replace('stop_grace_period:', 'stop_grace:'));
    await expect(validate(join(folder, 'worse.yml'))).rejects.toThrow('stop_grace');
    await rm(folder, { recursive: true });
  });
});

describe.sequential('what the Dockerfile and docker-compose.yml run, run by hand', () => {
  let folder: string;
  let image: HandMadeImage;
  let postgres: Postgres;
  let server: TemporalServer;
  let service: (name: string) => ComposeService;
  let healthAddress: string;
  const secret = async (name: string): Promise<string> =>
    (await readFile(join(folder, 'secrets', name), 'utf8')).trim();
  const children: Running[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'image-'));
    postgres = await startPostgres();
    server = await startTemporalServer({
      cli: inject('temporalCli'),
      port: 0,
      logFile: join(folder, 'temporal.log'),
      searchAttributes: [],
    });
    await mkdir(join(folder, 'bin'));
    await symlink(inject('temporalCli'), join(folder, 'bin', 'temporal'));
    const metricsAddress = `127.0.0.1:${await freePort()}`;
    const codecAddress = `127.0.0.1:${await freePort()}`;
    healthAddress = `127.0.0.1:${await freePort()}`;
    const { port } = new URL(postgres.url);
    const standIns = [
      ['/run/secrets/', join(folder, 'secrets/')],
      ['/var/lib/sandbox', join(folder, 'sandbox')],
      ['temporal:7233', server.address],
      ['--ep postgresql -p 5432', `--ep 127.0.0.1 -p ${port}`],
      ['/etc/temporal/entrypoint.sh', join(folder, 'bin', 'server-of-the-image')],
      ['0.0.0.0:9464', metricsAddress],
      ['0.0.0.0:8081', codecAddress],
      ['127.0.0.1:8081', codecAddress],
      // This machine's ports may be in use, and its loopback is not a container's own.
      ['--host 0.0.0.0', '--dynamics-port 0 --campaign-port 0 --sftp-port 0'],
      // A namespace that is to be made: a development server has `default` already.
      [/-n default/g, '-n made'],
      ['chown node:node', `chown ${process.getuid?.()}:${process.getgid?.()}`],
      // Tells whether the package is there to be had, and leaves this machine as it is.
      [
        /apt-get update && apt-get install (.*?) && rm .*/g,
        hasApt ? 'apt-get install --simulate $1' : 'true',
      ],
    ] as const;
    image = await imageByHand(folder, standIns);
    service = await composeServices({}, standIns);
    await mkdir(join(folder, 'deploy'));
    await cp(join(projectFolder, 'deploy/make-secrets.sh'), join(folder, 'deploy/make-secrets.sh'));
    await run('sh', [join(folder, 'deploy/make-secrets.sh')]);
    await makeRoleOfCompose();
  }, BUILT_WITHIN_MS);
  afterAll(async () => {
    for (const child of children) await child.kill();
    await server?.stop();
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  /** As the image of PostgreSQL makes it of its settings. */
  async function makeRoleOfCompose(): Promise<void> {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(`create role sync superuser login password '${await secret('postgres-password')}'`);
    await client.query('create database ledger owner sync');
    await client.end();
    const address = (await secret('ledger-url')).replace('postgresql:5432', new URL(postgres.url).host);
    await writeFile(join(folder, 'secrets', 'ledger-url'), address);
  }

  /** Runs in the image's folder, with what an image and a service set and nothing of this process but its path. */
  function start(command: string[], environment: Record<string, string> = {}): Running {
    const child = startIn(image.folder, command, {
      PATH: `${join(folder, 'bin')}${delimiter}${process.env.PATH}`,
      ...image.environment,
      HEALTH_ADDRESS: healthAddress,
      ...environment,
    });
    children.push(child);
    return child;
  }
  const ofImage = (name: string, ...more: string[]): Running => {
    const { environment, entrypoint, command } = service(name);
    const own = entrypoint.length > 0 ? entrypoint : image.entrypoint;
    const given = more.length > 0 ? more : command.length > 0 ? command : image.command;
    return start([...own, ...given], environment);
  };
  const script = async (name: string, environment: Record<string, string> = {}): Promise<string> => {
    const { entrypoint, command, environment: own } = service(name);
    const { status, stdout, stderr } = await start([...entrypoint, ...command], { ...own, ...environment })
      .finished;
    expect(status, stderr).toBe(0);
    return stdout;
  };

  test('the image holds what it runs, and only its own platform’s native core', async () => {
    const { stdout } = await run('ls', ['-A', image.folder, join(image.folder, 'scripts')]);
    expect(stdout.split('\n').filter(Boolean).slice(1)).toEqual(
      expect.arrayContaining(['dist', 'node_modules', 'package.json', 'scripts', 'healthy.mjs', 'serve.mjs']),
    );
    const modules = join(image.folder, 'node_modules');
    const cores = await run('ls', [join(modules, '@temporalio/core-bridge/releases')]);
    expect(cores.stdout.trim().split('\n')).toHaveLength(process.platform === 'linux' ? 1 : 0);
    await expect(run('ls', [join(modules, 'vitest')])).rejects.toThrow('vitest');
    await run('ls', [join(image.folder, 'dist', 'workflow-bundle-encrypted.js')]);
  });

  test.skipIf(!hasPgIsready)('PostgreSQL is asked whether it is ready', async () => {
    const { hostname, port } = new URL(postgres.url);
    const asked = start(service('postgresql').healthCheck, { PGHOST: hostname, PGPORT: port });
    expect((await asked.finished).status).toBe(0);
  });

  test.skipIf(noServerBuild !== undefined)(
    'Temporal’s databases are made, and made again',
    async () => {
      const build = await temporalServerBuild();
      await symlink(build.sqlTool, join(folder, 'bin', 'temporal-sql-tool'));
      const { entrypoint, command } = service('temporal-schema');
      const withSchemas = command.map((text) =>
        text.replaceAll('/etc/temporal/schema/postgresql/v12', build.schemas),
      );
      for (const _time of ['once', 'again']) {
        const { status, stderr } = await start([...entrypoint, ...withSchemas]).finished;
        expect(status, stderr).toBe(0);
      }
    },
    BUILT_WITHIN_MS,
  );

  test('the Temporal server is given its password', async () => {
    const stub = join(folder, 'bin', 'server-of-the-image');
    await writeFile(stub, '#!/bin/sh\nprintf %s "$POSTGRES_PWD"\n');
    await chmod(stub, 0o755);
    expect(await script('temporal')).toBe(await secret('postgres-password'));
  });

  test.skipIf(!hasNetcat)('the Temporal server is asked whether it is ready', async () => {
    const { healthCheck } = service('temporal');
    const port = server.address.split(':')[1] ?? '';
    const here = healthCheck.map((word) =>
      word === '7233' ? port : word === 'localhost' ? '127.0.0.1' : word,
    );
    expect((await start(here).finished).status).toBe(0);
  });

  test('the namespace and its search attributes are made, and made again', async () => {
    for (const _time of ['once', 'again']) await script('temporal-namespace', { TEMPORAL_NAMESPACE: 'made' });
    const connection = await Connection.connect({ address: server.address });
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'made' });
    await connection.close();
    for (const { name } of Object.values(searchAttributeKeys))
      expect(Object.keys(customAttributes)).toContain(name);
    await script('temporal-namespace', { TEMPORAL_NAMESPACE: 'default' });
  }, 60_000);

  test('sandbox, worker, command line and codec server work together, healthy, and the worker ends in order', async () => {
    const sandbox = start([...service('sandbox').entrypoint, ...service('sandbox').command]);
    const worker = ofImage('worker');
    await expect.poll(() => isHealthy(image.healthCheck), { timeout: 120_000, interval: 1_000 }).toBe(true);
    const config = join(projectFolder, 'sync.example.yaml');
    const apply = await ofImage('starter', 'apply', '--config', config).finished;
    expect(apply.status, apply.stderr).toBe(0);
    const sync = await ofImage('starter', 'sync', 'ingress/contact', '--json').finished;
    expect(sync.status, sync.stderr).toBe(0);
    expect(JSON.parse(sync.stdout)).toMatchObject({ ok: true });
    const help = await ofImage('starter').finished;
    expect(help.stdout).toContain('apply');

    const { dynamics } = JSON.parse(await readFile(join(folder, 'sandbox', 'ready.json'), 'utf8')) as {
      dynamics: string;
    };
    const probe = service('sandbox').healthCheck.map((word) =>
      word.replace('http://127.0.0.1:4801', dynamics),
    );
    expect(await isHealthy(probe)).toBe(true);
    const codec = ofImage('codec-server');
    const codecProbe = service('codec-server').healthCheck;
    await expect.poll(() => isHealthy(codecProbe), { timeout: 60_000, interval: 500 }).toBe(true);

    worker.child.kill('SIGTERM');
    expect((await worker.finished).status).toBe(0);
    expect(await isHealthy(image.healthCheck)).toBe(false);
    codec.child.kill('SIGTERM');
    expect((await codec.finished).status).toBe(0);
    await sandbox.kill();
  }, 300_000);

  const isHealthy = async (command: string[]): Promise<boolean> =>
    (await start(command).finished).status === 0;
});

interface Running {
  child: ReturnType<typeof spawn>;
  finished: Promise<{ status: number | null; stdout: string; stderr: string }>;
  kill(): Promise<void>;
}

function startIn(cwd: string, [program = '', ...argv]: string[], env: Record<string, string>): Running {
  // The mark that the suite finds left processes by.
  const marked = { ...env, SYNC_TEST_RUN: process.env.SYNC_TEST_RUN ?? '' };
  const child = spawn(program, argv, { cwd, env: marked, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr.on('data', (text: Buffer) => (stderr += text.toString()));
  const finished = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    stdout,
    stderr,
  }));
  return {
    child,
    finished,
    async kill() {
      if (child.exitCode === null) child.kill('SIGKILL');
      await finished;
    },
  };
}
