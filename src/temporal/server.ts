import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { SearchAttributeType, type SearchAttributePair } from '@temporalio/common';

const run = promisify(execFile);

const host = '127.0.0.1';
const namespace = 'default';
const servesWithinMs = 60_000;
const endsWithinMs = 5_000;
const attemptsOnTakenPorts = 3;

export interface TemporalServerOptions {
  /** Path of a Temporal CLI, as findTemporalCli gives it. */
  cli: string;
  /** SQLite file that outlives the server; in memory when it is left out. */
  dbFile?: string;
  /** 0 takes any free port. */
  port: number;
  /** 0 takes any free port; without it there is no Web UI. */
  uiPort?: number;
  /** What the server prints is appended here. */
  logFile: string;
  /** Registered if the namespace does not know them yet. */
  searchAttributes: readonly SearchAttributePair['key'][];
  /** Settings of the server's dynamic configuration. */
  dynamicConfig?: Record<string, string | number | boolean>;
}

export interface TemporalServer {
  /** Host and port of the gRPC frontend. */
  address: string;
  /** Address of the Web UI. */
  ui: string | undefined;
  /** Process id of the server itself. */
  pid: number;
  /** Resolves if the server ends without being asked to. */
  ended: Promise<void>;
  /** Ends the server and resolves once it is gone. Repeatable. */
  stop(): Promise<void>;
}

/**
 * Starts `temporal server start-dev` on loopback and resolves once its frontend serves, with the search attributes
 * registered. The server ends with this process however this process ends, a lone SIGKILL included. One that was
 * left behind on the same `dbFile` all the same is ended first. Throws with the end of the server's log when it does
 * not come up.
 */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  await mkdir(dirname(resolve(options.logFile)), { recursive: true });
  if (options.dbFile) {
    await mkdir(dirname(resolve(options.dbFile)), { recursive: true });
    await endLeftover(options.dbFile);
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port || (await freePort());
    const uiPort = options.uiPort === undefined ? undefined : options.uiPort || (await freePort());
    const server = await launch(options, port, uiPort);
    try {
      await waitUntilServing(server, options);
      return server;
    } catch (error) {
      await server.stop();
      // Between finding a port free and binding it, anyone may have taken it.
      const portsWereOurs = options.port === 0 && !options.uiPort;
      if (!portsWereOurs || attempt === attemptsOnTakenPorts) throw error;
    }
  }
}

/** `preferred` if nobody listens there on loopback, otherwise (or for 0) a port that is free now. */
export async function freePort(preferred = 0): Promise<number> {
  const probe = createServer();
  try {
    probe.listen({ port: preferred, host, exclusive: true });
    await once(probe, 'listening');
    const address = probe.address();
    if (address === null || typeof address === 'string') throw new Error('no port was given');
    return address.port;
  } catch (error) {
    if (preferred === 0) throw error;
    return freePort();
  } finally {
    probe.close();
  }
}

/**
 * Registers what `namespace` lacks of `attributes`: the server's own flag for it works only at the namespace's creation.
 */
export async function addMissingSearchAttributes(
  connection: Pick<Connection, 'operatorService'>,
  attributes: TemporalServerOptions['searchAttributes'],
  inNamespace: string = namespace,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: inNamespace,
  });
  const missing = attributes.filter(({ name }) => !(name in customAttributes));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace: inNamespace,
    searchAttributes: Object.fromEntries(missing.map(({ name, type }) => [name, indexedValueTypes[type]])),
  });
}

/** `IndexedValueType` of the server's API (temporalio/api, enums/v1/common.proto). */
const indexedValueTypes: Record<SearchAttributeType, number> = {
  [SearchAttributeType.TEXT]: 1,
  [SearchAttributeType.KEYWORD]: 2,
  [SearchAttributeType.INT]: 3,
  [SearchAttributeType.DOUBLE]: 4,
  [SearchAttributeType.BOOL]: 5,
  [SearchAttributeType.DATETIME]: 6,
  [SearchAttributeType.KEYWORD_LIST]: 7,
};

/**
 * The shell between us and the server holds the reading end of a pipe whose only writer is this process: when this
 * process is gone, for whatever reason, the read ends and the server is killed. Killed at once, since SQLite survives
 * that and a successor may be waiting for the file. A line on the pipe asks for an orderly end.
 */
const supervisor = `
pid_file=$1; shift
exec 3<&0
"$@" 3<&- 4>&- </dev/null &
server=$!
if [ -n "$pid_file" ]; then echo "$server" >"$pid_file"; fi
echo "$server" >&4
exec 4>&-
( if read -r _ <&3; then kill -TERM "$server"; read -r _ <&3; fi; kill -KILL "$server" ) 2>/dev/null &
watch=$!
exec 3<&-
wait "$server"
kill "$watch" 2>/dev/null
if [ -n "$pid_file" ]; then rm -f "$pid_file"; fi
`;

async function launch(
  { cli, dbFile, logFile, dynamicConfig = {} }: TemporalServerOptions,
  port: number,
  uiPort: number | undefined,
): Promise<TemporalServer> {
  const log = await open(logFile, 'a');
  const command = [
    cli,
    'server',
    'start-dev',
    '--ip',
    host,
    '--port',
    String(port),
    '--log-level',
    'warn',
    ...(uiPort === undefined ? ['--headless'] : ['--ui-ip', host, '--ui-port', String(uiPort)]),
    ...(dbFile ? ['--db-filename', resolve(dbFile)] : []),
    ...Object.entries(dynamicConfig).flatMap(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${JSON.stringify(value)}`,
    ]),
  ];
  const pidFile = dbFile ? pidFileOf(dbFile) : '';
  // A group of its own: Ctrl-C must not end the server under a worker that is still shutting down.
  const shell = spawn('/bin/sh', ['-c', supervisor, 'sh', pidFile, ...command], {
    detached: true,
    stdio: ['pipe', log.fd, log.fd, 'ignore', 'pipe'],
  });
  // The pipe breaks when the server goes first; that is reported as its end.
  shell.stdin?.on('error', () => undefined);
  const gone = once(shell, 'exit').then(() => undefined);
  try {
    await once(shell, 'spawn');
  } finally {
    await log.close();
  }
  const pid = await announcedPid(shell);

  let stopping = false;
  const ended = new Promise<void>((settle) => {
    void gone.then(() => {
      if (!stopping) settle();
    });
  });
  async function stop(): Promise<void> {
    if (!stopping) {
      stopping = true;
      shell.stdin?.write('stop\n');
    }
    const inTime = await Promise.race([gone.then(() => true), delay(endsWithinMs, false, { ref: false })]);
    if (!inTime) {
      shell.stdin?.end();
      await gone;
    }
  }
  return {
    address: `${host}:${port}`,
    ui: uiPort === undefined ? undefined : `http://${host}:${uiPort}`,
    pid,
    ended,
    stop,
  };
}

async function announcedPid(shell: ChildProcess): Promise<number> {
  const announcements = shell.stdio[4] as Readable;
  let said = '';
  for await (const chunk of announcements) said += String(chunk);
  return Number(said);
}

async function waitUntilServing(server: TemporalServer, options: TemporalServerOptions): Promise<void> {
  const connection = Connection.lazy({
    address: server.address,
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 250 },
  });
  const died = server.ended.then(() => {
    throw new Error('the server ended while it was starting');
  });
  try {
    await Promise.race([died, prepare(connection, options)]);
  } catch (error) {
    const said = await endOfLog(options.logFile);
    throw new Error(
      `The Temporal server at ${server.address} did not come up: ${(error as Error).message}\n${said}`,
      {
        cause: error,
      },
    );
  } finally {
    await connection.close();
  }
}

async function prepare(connection: Connection, { searchAttributes }: TemporalServerOptions): Promise<void> {
  const deadlineMs = Date.now() + servesWithinMs;
  await connection.withDeadline(deadlineMs, () => connection.ensureConnected());
  await untilItWorks(deadlineMs, () => connection.workflowService.describeNamespace({ namespace }));
  await untilItWorks(deadlineMs, () => addMissingSearchAttributes(connection, searchAttributes));
}

/** The port opens a moment before the services behind it are ready. */
async function untilItWorks(deadlineMs: number, attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await delay(50);
    }
  }
}

async function endOfLog(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-10).join('\n');
}

/** A pid may have been given to another program since: only a dev server on this very file is ended. */
async function endLeftover(dbFile: string): Promise<void> {
  const pid = Number(await readFile(pidFileOf(dbFile), 'utf8').catch(() => ''));
  if (!pid) return;
  while ((await commandLineOf(pid)).includes(`--db-filename ${resolve(dbFile)}`)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await delay(20);
  }
  await rm(pidFileOf(dbFile), { force: true });
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    return (await run('ps', ['-ww', '-o', 'args=', '-p', String(pid)])).stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return '';
    // Slim images have no ps; Linux tells the same in /proc.
    return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ');
  }
}

const pidFileOf = (dbFile: string) => `${resolve(dbFile)}.pid`;
