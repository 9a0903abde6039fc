import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { applyMapping, validDocument } from './command-line/apply.js';
import { signalFlow, waitForFlows, type FlowEnd } from './command-line/flows.js';
import { inspect } from './command-line/inspect.js';
import { readSummary, type Summary } from './command-line/summary.js';
import { summaryTable } from './command-line/tables.js';
import { exitStatusOfEnds, messageOf, runMain, WrongUse } from './command-line/wrong-use.js';
import { readConfig, refuseInvalid, type Config } from './config.js';
import { EGRESS, OPT_OUT, type FlowId, type Progress } from './contracts.js';
import { SyncError } from './errors.js';
import { sendFirstDelivery } from './first-delivery.js';
import { removeInstance, writeInstance } from './instance.js';
import { logTo, type Log } from './log-events.js';
import { keepTemporalServer } from './temporal/kept-server.js';
import { lockFolder, type FolderLock } from './ledger/folder-lock.js';
import { FaultyModel, startSandbox, type Sandbox } from './sandbox/index.js';
import { sandboxSettings } from './sandbox-settings.js';
import { findTemporalCli } from './temporal/cli.js';
import { connectTemporal, type ConnectedClient } from './temporal/client.js';
import { freePort, type TemporalServer } from './temporal/server.js';
import { searchAttributeKeys } from './workflows/visibility.js';
import { endRuntime, installRuntime, sdkMetricsAddressFor } from './temporal/runtime.js';
import { serveWatchers } from './watchers.js';
import { createLog, startWorker, type RunningWorker } from './worker.js';

/** A dead worker of this process group is noticed this soon. */
const HEARTBEAT_SECONDS = 10;
/** What a start makes in its data folder, locks and downloaded tools aside. */
const OWN_FILES =
  /^(ledger|sandbox|sandbox-ports\.json|first-delivery\.json|instance\.json|temporal\.(log|db|db-.+))$/;

interface Options {
  once: boolean;
  json: boolean;
  config: string;
  data: string;
  fresh: boolean;
  contacts: number;
  sandboxModel?: string;
  port: number;
  uiPort: number;
}

/** Everything that `npm start` runs, in the order it must be stopped. */
interface Running {
  worker: RunningWorker;
  connection: ConnectedClient;
  server: Pick<TemporalServer, 'address' | 'ui'>;
  sandbox?: Sandbox;
  flows: FlowId[];
  folder: string;
}

/** The entry of `npm start`: Temporal dev server, sandbox, worker and schedules in one go (CONTRACT "Commands"). */
export const main = (argv: string[], environment: Record<string, string | undefined>): Promise<void> =>
  runMain(async () => {
    const options = parseOptions(argv, environment);
    refuseInvalid(environment);
    validDocument(options.config);
    const simulated = usesSandbox(environment);
    if (options.fresh && !simulated)
      throw new WrongUse(['--fresh empties the data folder and is for the sandbox only']);
    if (options.sandboxModel !== undefined && !simulated)
      throw new WrongUse(['--sandbox-model is for the sandbox only']);
    const folder = resolve(options.data);
    const lock = await takeFolder(folder);
    const closers: (() => unknown)[] = [() => lock.release()];
    try {
      if (options.fresh) emptyFolder(folder);
      return await run(options, folder, simulated, environment, closers);
    } finally {
      for (const close of closers.toReversed()) await close();
    }
  });

async function run(
  options: Options,
  folder: string,
  simulated: boolean,
  environment: Record<string, string | undefined>,
  closers: (() => unknown)[],
): Promise<number> {
  const stop = stopSignal();
  const log = createLog(environment.LOG_LEVEL ?? (options.json ? 'warn' : 'error'));
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const sdkMetricsAddress = await sdkMetricsAddressFor(environment.METRICS_ADDRESS || undefined);
  installRuntime(log, sdkMetricsAddress);

  const cli = await findTemporalCli({ environment, log: say });
  const temporal = {
    cli,
    dbFile: join(folder, 'temporal.db'),
    port: await portFor('Temporal', options.port, say),
    uiPort: await portFor('The Temporal Web UI', options.uiPort, say),
    logFile: join(folder, 'temporal.log'),
    searchAttributes: Object.values(searchAttributeKeys),
  };
  const server = await keepTemporalServer(temporal, say);
  closers.push(() => server.stop());
  const sandbox = simulated
    ? await startSandbox({
        folder: join(folder, 'sandbox'),
        contacts: options.contacts,
        ...sandboxPorts(folder),
        ...(options.sandboxModel !== undefined && { model: options.sandboxModel }),
      }).catch((error: unknown) => {
        throw error instanceof FaultyModel ? new WrongUse(error.faults) : error;
      })
    : undefined;
  if (sandbox) rememberPorts(folder, sandbox, say);
  if (sandbox) closers.push(() => sandbox.close());

  const config = readConfig(
    {
      ...environment,
      ...(sandbox && sandboxSettings(sandbox.ready)),
      ...(environment.CAMPAIGN_SETTLE_SECONDS && {
        CAMPAIGN_SETTLE_SECONDS: environment.CAMPAIGN_SETTLE_SECONDS,
      }),
      SYNC_DATA: folder,
    },
    'embedded',
  );
  const worker = await startWorker(
    config,
    { connection: { address: server.address }, namespace: 'default' },
    log,
  ).catch(async (error: unknown) => {
    await endRuntime();
    throw error;
  });
  closers.push(() => worker.shutdown());
  await worker.claimed();
  const watchers = await serveWatchers(config, worker, sdkMetricsAddress);
  closers.push(() => watchers.close());
  const connection = await connectTemporal(instanceOf(server), {}, config.payloadKeys);
  closers.push(() => connection.close());
  const flows = await apply(connection, options, say);
  if (sandbox && flows.includes(EGRESS)) await inspect(connection.client, { kind: 'provision' });
  writeInstance(folder, { ...instanceOf(server), ...(sandbox && { sandbox: sandbox.ready }) });
  closers.push(() => removeInstance(folder));

  const running: Running = { worker, connection, server, flows, folder, ...(sandbox && { sandbox }) };
  return options.once
    ? runOnce(running, options, stop)
    : runOn(running, options, config, stop, say, logTo(log));
}

/** The folder is this process's alone until the lock is released. Throws DATA_FOLDER_IN_USE and DATA_FOLDER_NOT_WRITABLE. */
async function takeFolder(folder: string): Promise<FolderLock> {
  try {
    mkdirSync(folder, { recursive: true });
    return await lockFolder(folder);
  } catch (error) {
    if (error instanceof SyncError) throw error;
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new SyncError('DATA_FOLDER_NOT_WRITABLE', { subject: `${folder}, ${code}`, cause: error });
  }
}

/** The wanted port, or a free one in its place. */
async function portFor(what: string, wanted: number, say: (line: string) => void): Promise<number> {
  const port = await freePort(wanted);
  if (port !== wanted) say(`Port ${wanted} is taken: ${what} listens on ${port}.`);
  return port;
}

/** Until every flow has drained once; then the summary. */
async function runOnce(running: Running, options: Options, stop: Promise<void>): Promise<number> {
  const ends = await Promise.race([firstRuns(running), stop]);
  if (!ends) return 1;
  const summary = await summaryOf(running, ends);
  process.stdout.write(options.json ? `${JSON.stringify(summary)}\n` : `${summaryTable(summary)}\n`);
  for (const { flow, error } of ends) if (error) process.stderr.write(`${flow}: ${error.message}\n`);
  return exitStatusOfEnds(ends);
}

/** Each flow once: the tables first, so that the sandbox's first delivery finds profiles, and then what comes back from it, and opt-outs. */
async function firstRuns(
  { connection: { client }, flows, sandbox, folder }: Running,
  onProgress?: (flow: FlowId, progress: Progress) => void,
): Promise<FlowEnd[]> {
  const starter = { client, heartbeatSeconds: HEARTBEAT_SECONDS };
  const others = flows.filter((flow) => flow === EGRESS || flow === OPT_OUT);
  const tables = flows.filter((flow) => !others.includes(flow));
  for (const flow of tables) await signalFlow(starter, flow, 'poll');
  const ends = await waitForFlows(client, tables, onProgress);
  if (others.length === 0) return ends;
  if (sandbox && flows.includes(EGRESS)) await sendFirstDelivery(folder, sandbox.ready.campaign);
  for (const flow of others) await signalFlow(starter, flow, 'poll');
  return [...ends, ...(await waitForFlows(client, others, onProgress))];
}

/** Until Ctrl-C, applying the mapping file at every save. */
async function runOn(
  running: Running,
  options: Options,
  config: Config,
  stop: Promise<void>,
  say: (line: string) => void,
  log: Log,
): Promise<number> {
  const { server, sandbox, connection } = running;
  const temporal = { address: server.address, namespace: 'default', ui: server.ui ?? '' };
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ ready: true, temporal, ...(sandbox && { sandbox: sandbox.ready }) })}\n`,
    );
  } else {
    say(`Temporal Web UI: ${server.ui}`);
    say(`Dynamics:        ${config.dynamics.url}`);
    say(`Campaign:        ${config.campaign.url}`);
    say('Running; Ctrl-C stops. What is in sync: npm run starter -- status');
  }
  void showFirstRuns(running, options.json ? () => undefined : say);
  const watcher = watchFile(options.config, () => {
    apply(connection, options, say).catch((error: unknown) => {
      log('mapping.refused', { file: basename(options.config) });
      say(`${messageOf(error) ?? ''}\nThe version in force stays.`);
    });
  });
  await Promise.race([stop, running.worker.stopped]);
  watcher.close();
  return 0;
}

/** Progress of the first runs, then what is in sync. */
async function showFirstRuns(running: Running, say: (line: string) => void): Promise<void> {
  const shown = new Map<FlowId, string>();
  const show = (flow: FlowId, { phase = 'starting', counts, outcome, waiting }: Progress<object>): void => {
    const why = waiting ? ` for ${waiting.reason}` : '';
    const told = Object.entries(counts).filter(([name, count]) => name === 'read' || count > 0);
    const line = `${flow}: ${outcome}${why}, ${phase}: ${told.map(([name, count]) => `${count} ${name}`).join(', ')}`;
    if (line !== shown.get(flow)) say(line);
    shown.set(flow, line);
  };
  try {
    const ends = await firstRuns(running, show);
    say(summaryTable(await summaryOf(running, ends)));
    for (const { flow, error } of ends) if (error) say(`${flow}: ${error.message}`);
  } catch {
    // Stopped while it was waited for.
  }
}

async function summaryOf(
  { connection, server, sandbox, worker }: Running,
  ends: FlowEnd[],
): Promise<Summary> {
  const temporal = { address: server.address, namespace: 'default', ui: server.ui ?? '' };
  const summary = await readSummary(connection.client, temporal, ends);
  return { ...summary, calls: worker.calls(), ...(sandbox && { sandbox: sandbox.ready }) };
}

async function apply(
  connection: ConnectedClient,
  options: Options,
  say: (line: string) => void,
): Promise<FlowId[]> {
  const applied = await applyMapping(connection.client, options.config, HEARTBEAT_SECONDS);
  if (applied.changed) say(`Mapping version ${applied.version} is in force (${basename(options.config)}).`);
  return applied.flows;
}

function parseOptions(argv: string[], environment: Record<string, string | undefined>): Options {
  const faults: string[] = [];
  const whole = (name: string, least: number) => (text: string) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      faults.push(`${name} takes a whole number from ${least}, not ${text}`);
    return value;
  };
  const program = new Command('npm start --')
    .description('Runs Temporal, the sandbox, the worker and the schedules together, until Ctrl-C.')
    .option('--once', 'until every flow has drained once, then say how it went', false)
    .option('--json', 'one JSON document on standard output', false)
    .option(
      '--config <file>',
      'mapping file (sync.yaml, else sync.example.yaml)',
      environment.SYNC_CONFIG || undefined,
    )
    .option('--data <dir>', 'data folder: Temporal, ledger, sandbox', environment.SYNC_DATA || '.data')
    .option('--fresh', 'empty the data folder first (sandbox only)', false)
    .option('--contacts <n>', "size of the sandbox's first seed", whole('--contacts', 0), 1000)
    .option('--sandbox-model <file>', 'further tables and resources of the sandbox (docs/guides/sandbox.md)')
    .option('--port <n>', 'port of the Temporal server; another one if taken', whole('--port', 1), 7233)
    .option('--ui-port <n>', 'port of the Temporal Web UI; another one if taken', whole('--ui-port', 1), 8233)
    .exitOverride();
  program.parse(argv, { from: 'user' });
  const options = program.opts<Options>();
  if (program.args.length > 0) faults.push(`unknown argument ${program.args.join(' ')}`);
  if (faults.length > 0) throw new WrongUse(faults);
  return {
    ...options,
    config: options.config ?? (existsSync('sync.yaml') ? 'sync.yaml' : 'sync.example.yaml'),
  };
}

/** The sandbox stands in for both systems or for neither: half a pair would mix real data with invented. */
function usesSandbox({ DYNAMICS_URL, CAMPAIGN_URL }: Record<string, string | undefined>): boolean {
  if (!DYNAMICS_URL !== !CAMPAIGN_URL) {
    throw new WrongUse([
      `${DYNAMICS_URL ? 'CAMPAIGN_URL' : 'DYNAMICS_URL'} is missing: set both, or neither for the sandbox`,
    ]);
  }
  return !DYNAMICS_URL;
}

const instanceOf = (server: Running['server']) => ({
  pid: process.pid,
  temporal: { address: server.address, namespace: 'default', ui: server.ui ?? '' },
  heartbeatSeconds: HEARTBEAT_SECONDS,
});

interface SandboxPorts {
  dynamicsPort: number;
  campaignPort: number;
  sftpPort: number;
}
const USUAL_PORTS: SandboxPorts = { dynamicsPort: 4801, campaignPort: 4802, sftpPort: 4822 };
const portsFile = (folder: string): string => join(folder, 'sandbox-ports.json');

/** Those of the earlier start: the ledger keeps links of the sandbox, which name its address. */
function sandboxPorts(folder: string): SandboxPorts {
  try {
    return { ...USUAL_PORTS, ...(JSON.parse(readFileSync(portsFile(folder), 'utf8')) as object) };
  } catch {
    return USUAL_PORTS;
  }
}

function rememberPorts(folder: string, { ready }: Sandbox, say: (line: string) => void): void {
  const portOf = (address: string): number => Number(new URL(address).port);
  const ports: SandboxPorts = {
    dynamicsPort: portOf(ready.dynamics),
    campaignPort: portOf(ready.campaign),
    sftpPort: ready.sftp.port,
  };
  const wanted = sandboxPorts(folder);
  for (const name of Object.keys(ports) as (keyof SandboxPorts)[])
    if (ports[name] !== wanted[name])
      say(`Port ${wanted[name]} is taken: the sandbox has ${ports[name]} (${name}).`);
  writeFileSync(portsFile(folder), JSON.stringify(ports));
}

/** Nothing but what a start has made there: the folder may be one that a person keeps other things in. */
function emptyFolder(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (OWN_FILES.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

/** Editors replace files: the folder is watched, not the file. */
function watchFile(file: string, onSave: () => void) {
  let timer: NodeJS.Timeout | undefined;
  return watch(dirname(resolve(file)), (_event, name) => {
    if (name !== basename(file)) return;
    clearTimeout(timer);
    timer = setTimeout(onSave, 200);
  });
}

function stopSignal(): Promise<void> {
  return new Promise((resolvePromise) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolvePromise());
  });
}
