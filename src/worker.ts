import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { performance } from 'node:perf_hooks';
import { NativeConnection, Worker, type NativeConnectionOptions } from '@temporalio/worker';
import { Command } from 'commander';
import { pino, type Logger } from 'pino';
import type { ActivityDependencies } from './activities/dependencies.js';
import { createActivities } from './activities/index.js';
import { createCallCounter } from './activities/call-counter.js';
import { createMappings } from './activities/mappings.js';
import { createCampaign } from './campaign/client.js';
import { exitStatusOf, runMain } from './command-line/wrong-use.js';
import { readConfig, type Config, type Environment } from './config.js';
import { createEventSources, createOptOutSource } from './event-sources.js';
import { TASK_QUEUE } from './contracts.js';
import { dataConverterOf } from './temporal/data-converter.js';
import { createDynamics } from './dynamics/client.js';
import { errorFields } from './error-fields.js';
import { SyncError } from './errors.js';
import { createHealth, type Health } from './health.js';
import { createBudget } from './http/budget.js';
import { openEmbeddedLedger } from './ledger/embedded.js';
import { openPostgresLedger } from './ledger/postgres.js';
import type { Ledger } from './ledger/store.js';
import { logTo, type Log } from './log-events.js';
import { createMetrics, type Metrics } from './metrics/catalogue.js';
import { countedLedger } from './metrics/counted-ledger.js';
import { createPage, type MetricsPage } from './metrics/page.js';
import { startPatiently } from './patient-start.js';
import { namespaceFault, notConnected, temporalSettings } from './temporal/client.js';
import { endRuntime, installRuntime, sdkMetricsAddressFor } from './temporal/runtime.js';
import { serveWatchers } from './watchers.js';

export interface RunningWorker {
  ledger: Ledger;
  /** Calls made by this process. */
  calls(): { dynamics: number; campaign: number };
  /** Asks both systems and the ledger whether they fit together; throws what does not, with its code. */
  claimed(): Promise<void>;
  /** What `/healthz` and `/readyz` tell. */
  health: Health;
  /** What `/metrics` tells of this worker. */
  metrics: MetricsPage;
  /** Resolves when the worker has stopped; rejects when it died. */
  stopped: Promise<void>;
  shutdown(): Promise<void>;
}

/** How long calls may stay uncounted in the ledger. */
const SETTLE_CALLS_MS = 5_000;

const ASK_TEMPORAL_MS = 2_500;
const ASK_NAMESPACE_MS = 10_000;

const projectFolder = fileURLToPath(new URL('..', import.meta.url));

export interface TemporalSite {
  connection: NativeConnectionOptions;
  namespace: string;
  /** Path of a prebuilt workflow bundle; left out, the worker finds or makes its own. */
  workflowBundle?: string;
}

/** Composition root: configuration → clients → ledger → activities → Temporal worker. */
export async function startWorker(
  config: Config,
  temporal: TemporalSite,
  log: Logger,
): Promise<RunningWorker> {
  const metrics = createMetrics();
  const ledger = countedLedger(await openLedger(config), metrics);
  try {
    return await startOn(ledger, metrics, config, temporal, logTo(log));
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function startOn(
  ledger: Ledger,
  metrics: Metrics,
  config: Config,
  temporal: TemporalSite,
  log: Log,
): Promise<RunningWorker> {
  const clock = { nowMs: () => Date.now(), monotonicMs: () => performance.now() };
  const calls = {
    dynamics: createCallCounter(ledger, 'dynamics', config.dynamics.budget.perDay, clock.nowMs),
    campaign: createCallCounter(ledger, 'campaign', config.campaign.budget.perDay, clock.nowMs),
  };
  const settleCalls = async (): Promise<void> => {
    await calls.dynamics.settle();
    await calls.campaign.settle();
  };
  const timeLimitMs = config.callTimeLimitSeconds * 1000;
  const dynamics = createDynamics({
    ...config.dynamics,
    timeLimitMs,
    budget: createBudget({
      ...config.dynamics.budget,
      admit: calls.dynamics.admit,
      made: (call) => metrics.madeCall('dynamics', call),
    }),
  });
  const campaignBudget = createBudget({
    ...config.campaign.budget,
    admit: calls.campaign.admit,
    made: (call) => metrics.madeCall('campaign', call),
  });
  const campaign = createCampaign({ ...config.campaign, timeLimitMs, budget: campaignBudget });
  let stopping = false;
  const claimed = onceSucceeded(async () => {
    const { organizationId } = await dynamics.whoAmI();
    await ledger.claimPair({ organizationId, tenant: config.campaign.tenant });
  });
  const mappings = createMappings({ ledger, dynamics, campaign });
  const dependencies: ActivityDependencies = {
    dynamics,
    campaign,
    ledger,
    mappings,
    clock,
    log,
    sliceFailed: (flow, code) => metrics.sliceFailures.inc({ flow, code }),
    eventSource: createEventSources(config, campaignBudget),
    optOutFiles: createOptOutSource(config),
    dynamicsMaxConcurrent: config.dynamics.budget.maxConcurrent,
    campaignMaxConcurrent: config.campaign.budget.maxConcurrent,
    settleMs: config.settleSeconds * 1000,
    leaseMs: config.leaseSeconds * 1000,
    ownerOf: ({ workflowExecution, activityId, attempt }) =>
      `${workflowExecution?.runId}/${activityId}/${attempt}`,
    claimed,
    stopping: () => stopping,
    // What was called just before is part of the answer.
    callsToday: async () => {
      await settleCalls();
      return { dynamics: await ledger.callsToday('dynamics'), campaign: await ledger.callsToday('campaign') };
    },
  };
  const connection = await NativeConnection.connect(temporal.connection).catch((error: unknown) => {
    throw notConnected(temporal.connection.address ?? 'localhost:7233', error);
  });
  await refuseUnknownNamespace(connection, temporal);
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: TASK_QUEUE,
    ...workflowSource(temporal.workflowBundle, config.payloadKeys.length > 0),
    dataConverter: dataConverterOf(config.payloadKeys),
    activities: createActivities(dependencies),
    maxConcurrentActivityTaskExecutions: 20,
    maxCachedWorkflows: 100,
    shutdownGraceTime: '20 seconds',
    shutdownForceTime: '45 seconds',
  });
  const settling = setInterval(() => void settleCalls().catch(() => undefined), SETTLE_CALLS_MS);
  const stopped = runUntilStopped();
  async function runUntilStopped(): Promise<void> {
    try {
      await worker.run();
    } finally {
      clearInterval(settling);
      await settleCalls().catch(() => undefined);
      await connection.close();
      await ledger.close();
    }
  }
  stopped.catch(() => undefined);
  return {
    ledger,
    calls: () => ({ dynamics: calls.dynamics.made(), campaign: calls.campaign.made() }),
    claimed,
    health: createHealth({
      isAlive: () => worker.getState() !== 'FAILED' && worker.getState() !== 'STOPPED',
      isPolling: () => worker.getState() === 'RUNNING',
      temporal: () => askTemporal(connection),
      ledger: () => ledger.callsToday('campaign'),
    }),
    metrics: createPage(metrics, {
      ledger,
      mappings,
      temporal: () => askTemporal(connection),
      perDay: { dynamics: config.dynamics.budget.perDay, campaign: config.campaign.budget.perDay },
    }),
    stopped,
    async shutdown() {
      if (!stopping) log('worker.stopping', {});
      stopping = true;
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => undefined);
    },
  };
}

/** The SDK finds it out for itself as well, and then says no more than `TransportError`. */
async function refuseUnknownNamespace(
  connection: NativeConnection,
  { connection: { address = 'localhost:7233' }, namespace }: TemporalSite,
): Promise<void> {
  try {
    await connection.withDeadline(Date.now() + ASK_NAMESPACE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
  } catch (error) {
    await connection.close();
    throw namespaceFault(address, namespace, error);
  }
}

/** What every account may ask. It carries a deadline, for without one the SDK tries again for long. */
const askTemporal = (connection: NativeConnection): Promise<unknown> =>
  connection.withDeadline(Date.now() + ASK_TEMPORAL_MS, () => connection.workflowService.getSystemInfo({}));

function openLedger(config: Config): Promise<Ledger> {
  const { url, key } = config.ledger;
  const leaseMs = config.leaseSeconds * 1000;
  if (url === undefined) {
    return openEmbeddedLedger({
      folder: join(config.dataFolder, 'ledger'),
      leaseMs,
      ...(key !== undefined && { key }),
    });
  }
  if (key === undefined) throw new SyncError('CONFIG_INVALID', { subject: 'LEDGER_KEY' });
  return openPostgresLedger({ url, key, leaseMs });
}

/** The prebuilt bundle in production, the sources otherwise. How failures are written is part of a bundle, so there are two. */
export function workflowSource(
  given: string | undefined,
  encrypts: boolean,
): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  if (given !== undefined) return { workflowBundle: { codePath: given } };
  const name = encrypts ? 'workflow-bundle-encrypted.js' : 'workflow-bundle.js';
  const bundle = join(projectFolder, 'dist', name);
  const runsBuilt = import.meta.url.endsWith('.js');
  return runsBuilt && existsSync(bundle)
    ? { workflowBundle: { codePath: bundle } }
    : {
        workflowsPath: fileURLToPath(
          new URL(`./workflows/index.${runsBuilt ? 'js' : 'ts'}`, import.meta.url),
        ),
      };
}

function onceSucceeded(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= work().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}

/** Log lines as JSON on standard error: ids, counts and codes (log-events.ts). */
export const createLog = (level: string): Logger =>
  pino(
    {
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );

/** The entry of `npm run worker`. */
export const main = (argv: string[], environment: Environment): Promise<void> =>
  runMain(async () => {
    new Command('npm run worker --')
      .description(
        'Works for a Temporal cluster, until SIGTERM or Ctrl-C. Its settings are environment variables.',
      )
      .exitOverride()
      .parse(argv, { from: 'user' });
    const config = readConfig(environment, 'worker');
    const logger = createLog(config.logLevel);
    const log = logTo(logger);
    try {
      await work(config, environment, logger);
    } catch (error) {
      log('worker.failed', errorFields(error));
      return exitStatusOf(error);
    }
    return 0;
  });

async function work(config: Config, environment: Environment, logger: Logger): Promise<void> {
  const log = logTo(logger);
  const { connectionOptions, namespace } = temporalSettings(environment);
  const sdkMetricsAddress = await sdkMetricsAddressFor(config.metricsAddress);
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  const site = {
    connection: connectionOptions as NativeConnectionOptions,
    namespace: namespace ?? 'default',
  };
  let worker: RunningWorker | undefined;
  // From the beginning: waiting for Temporal, for the ledger or for a system takes longer than a probe has patience.
  const watchers = await serveWatchers(
    config,
    {
      health: {
        isAlive: () => worker?.health.isAlive() ?? true,
        missing: async () => (await worker?.health.missing()) ?? ['worker'],
      },
      metrics: { text: async () => (await worker?.metrics.text()) ?? '' },
    },
    sdkMetricsAddress,
  );
  installRuntime(logger, sdkMetricsAddress);
  try {
    worker = await startPatiently(
      () => startWorker(config, site, logger),
      (error) => log('worker.waiting', errorFields(error)),
      stopped.signal,
    );
    if (worker) await runUntil(stopped.signal, worker, log);
  } finally {
    if (!worker) await endRuntime();
    await watchers.close();
  }
}

async function runUntil(stopped: AbortSignal, worker: RunningWorker, log: Log): Promise<void> {
  stopped.addEventListener('abort', () => void worker.shutdown());
  // Asked to while it started.
  if (stopped.aborted) void worker.shutdown();
  try {
    await claim(worker, log);
    log('worker.ready', { taskQueue: TASK_QUEUE });
    await worker.stopped;
  } catch (error) {
    await worker.shutdown();
    throw error;
  }
}

/** What only a person can mend stops the worker at once; a system that is away is waited for by the flows. */
async function claim(worker: RunningWorker, log: Log): Promise<void> {
  try {
    await worker.claimed();
  } catch (error) {
    if (!(error instanceof SyncError) || error.class !== 'retry') throw error;
    log('worker.unclaimed', errorFields(error));
  }
}
