import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { stringify } from 'yaml';
import { temporalServerBuild, type TemporalServerBuild } from './temporal-server-build.js';

const run = promisify(execFile);
const SERVES_WITHIN_MS = 120_000;
const services = ['frontend', 'matching', 'history', 'worker'] as const;

export interface TemporalCluster {
  /** Host and port of the frontend. */
  address: string;
  /** Kills the server and starts it again on the same databases; `meanwhile` runs while it is away. */
  restart(meanwhile: () => Promise<void>): Promise<void>;
  /** Resolves once the frontend answers, after whatever was done to what it stands on. */
  serving(): Promise<void>;
  stop(): Promise<void>;
}

/** A Temporal server for production on the PostgreSQL server at `url`, in a process of its own that ends with this one. */
export async function startTemporalCluster(url: string): Promise<TemporalCluster> {
  const build = await temporalServerBuild();
  await createDatabases(build, url);
  const folder = await mkdtemp(join(tmpdir(), 'temporal-cluster-'));
  const { address, configuration } = await configurationFor(url, join(folder, 'dynamic.yaml'));
  await writeFile(join(folder, 'server.yaml'), stringify(configuration));
  // Runs continue as new a hundred times sooner than in production, so that every stage meets it.
  const dynamic = { 'limit.historyCount.suggestContinueAsNew': [{ value: 40 }] };
  await writeFile(join(folder, 'dynamic.yaml'), stringify(dynamic));
  const log = join(folder, 'server.log');
  const start = (): Promise<ChildProcess> => launch(build.server, join(folder, 'server.yaml'), log);
  const serving = (): Promise<void> => untilServing(address, log);
  let server = await start();
  await serving();
  return {
    address,
    serving,
    async restart(meanwhile) {
      await kill(server);
      await meanwhile();
      server = await start();
      await serving();
    },
    async stop() {
      await kill(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** As the container `temporal-schema` of docker-compose.yml does it. */
async function createDatabases({ sqlTool, schemas }: TemporalServerBuild, url: string): Promise<void> {
  const { hostname, port, username, password } = new URL(url);
  for (const [database, schema] of [
    ['temporal', 'temporal'],
    ['temporal_visibility', 'visibility'],
  ] as const) {
    const common = ['--plugin', 'postgres12', '--ep', hostname, '-p', port, '-u', username, '--db', database];
    for (const step of [
      ['create'],
      ['setup-schema', '-v', '0.0'],
      ['update-schema', '-d', join(schemas, schema, 'versioned')],
    ])
      await run(sqlTool, [...common, ...step], { env: { ...process.env, SQL_PASSWORD: password } });
  }
}

async function configurationFor(
  url: string,
  dynamicFile: string,
): Promise<{ address: string; configuration: object }> {
  const { hostname, port, username, password } = new URL(url);
  const store = (databaseName: string, maxConns: number): object => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `${hostname}:${port}`,
      connectProtocol: 'tcp',
      user: username,
      password,
      maxConns,
      maxIdleConns: maxConns,
    },
  });
  const rpc: Record<string, object> = {};
  let frontend = 0;
  for (const service of services) {
    const [grpcPort, membershipPort] = [await smallPort(), await smallPort()];
    if (service === 'frontend') frontend = grpcPort;
    rpc[service] = { rpc: { grpcPort, membershipPort, bindOnLocalHost: true } };
  }
  const address = `127.0.0.1:${frontend}`;
  const configuration = {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { main: store('temporal', 20), visibility: store('temporal_visibility', 10) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: rpc,
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: address },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '10s' },
  };
  return { address, configuration };
}

/** A free port that fits the `smallint` in which Temporal's PostgreSQL schema keeps a member's port. */
async function smallPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_768);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
}

/** The shell kills the server when its input ends, which comes with the end of this process at the latest. */
async function launch(program: string, configuration: string, logFile: string): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  const shell = spawn(
    'sh',
    [
      '-c',
      '"$@" </dev/null & server=$!; cat; kill -KILL $server; wait $server',
      'sh',
      program,
      '--config-file',
      configuration,
      '--allow-no-auth',
      'start',
    ],
    { detached: true, stdio: ['pipe', log.fd, log.fd] },
  );
  await once(shell, 'spawn');
  await log.close();
  return shell;
}

async function kill(shell: ChildProcess): Promise<void> {
  const ended = once(shell, 'exit');
  shell.stdin?.end();
  await ended;
}

async function untilServing(address: string, log: string): Promise<void> {
  const connection = Connection.lazy({
    address,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 250 },
  });
  try {
    const giveUpAtMs = Date.now() + SERVES_WITHIN_MS;
    await connection.withDeadline(giveUpAtMs, async () => {
      await connection.ensureConnected();
      await connection.workflowService.describeNamespace({ namespace: 'temporal-system' });
    });
  } catch (error) {
    const said = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-20).join('\n');
    throw new Error(`The Temporal cluster at ${address} does not serve: ${String(error)}\n${said}`, {
      cause: error,
    });
  } finally {
    await connection.close();
  }
}
