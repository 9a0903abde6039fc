import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { performance } from 'node:perf_hooks';
import {
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  DefaultLogger,
  type NativeConnectionOptions,
} from '@temporalio/worker';
import { Command } from 'commander';
import { pino, type Logger } from 'pino';
import type { ActivityDependencies } from './activities/dependencies.js';
import { createActivities } from './activities/index.js';
import { createCallCounter } from './activities/call-counter.js';
import { createMappings } from './activities/mappings.js';
import { createCampaign } from './campaign/client.js';
import { runMain } from './command-line/wrong-use.js';
import { readConfig, type Config } from './config.js';
import { createEventSources, createOptOutSource } from './event-sources.js';
import { TASK_QUEUE } from './contracts.js';
import { createDynamics } from './dynamics/client.js';
import { SyncError } from './errors.js';
import { serveHealth, type Health } from './health.js';
import { createBudget } from './http/budget.js';
import { openEmbeddedLedger } from './ledger/embedded.js';
import { openPostgresLedger } from './ledger/postgres.js';
import type { Ledger } from './ledger/store.js';
import { temporalSettings } from './temporal-client.js';

export interface RunningWorker {
  ledger: Ledger;
  /** Calls made by this process. */
  calls(): { dynamics: number; campaign: number };
  /** Asks both systems and the ledger whether they fit together; throws what does not, with its code. */
  claimed(): Promise<void>;
  /** What `/healthz` and `/readyz` tell. */
  health: Health;
  /** Resolves when the worker has stopped; rejects when it died. */
  stopped: Promise<void>;
  shutdown(): Promise<void>;
}

/** How long calls may stay uncounted in the ledger. */
const SETTLE_CALLS_MS = 5_000;

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
  const ledger = await openLedger(config);
  try {
    return await startOn(ledger, config, temporal, log);
  } catch (error) {
    await ledger.close();
    throw error;
  }
}

async function startOn(
  ledger: Ledger,
  config: Config,
  temporal: TemporalSite,
  log: Logger,
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
    budget: createBudget({ ...config.dynamics.budget, admit: calls.dynamics.admit }),
  });
  const campaignBudget = createBudget({ ...config.campaign.budget, admit: calls.campaign.admit });
  const campaign = createCampaign({ ...config.campaign, timeLimitMs, budget: campaignBudget });
  let stopping = false;
  const claimed = onceSucceeded(async () => {
    const { organizationId } = await dynamics.whoAmI();
    await ledger.claimPair({ organizationId, tenant: config.campaign.tenant });
  });
  const dependencies: ActivityDependencies = {
    dynamics,
    campaign,
    ledger,
    mappings: createMappings({ ledger, dynamics, campaign }),
    clock,
    log,
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
  const connection = await NativeConnection.connect(temporal.connection);
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: TASK_QUEUE,
    ...workflowSource(temporal.workflowBundle),
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
    health: {
      isAlive: () => worker.getState() !== 'FAILED' && worker.getState() !== 'STOPPED',
      isReady: async () => worker.getState() === 'RUNNING' && (await ledger.callsToday('campaign')) >= 0,
    },
    stopped,
    async shutdown() {
      stopping = true;
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await stopped.catch(() => undefined);
    },
  };
}

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

/** The prebuilt bundle in production, the sources otherwise. */
function workflowSource(
  given: string | undefined,
): { workflowBundle: { codePath: string } } | { workflowsPath: string } {
  if (given !== undefined) return { workflowBundle: { codePath: given } };
  const bundle = join(projectFolder, 'dist', 'workflow-bundle.js');
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

/** Log lines as JSON on standard error: ids, counts and codes. */
export const createLog = (level: string): Logger => pino({ level }, pino.destination({ fd: 2, sync: true }));

/** Routes the SDK's own log lines into ours and serves its metrics (METRICS_ADDRESS); once per process, before any worker. */
export function installRuntime(log: Logger, metricsAddress?: string): void {
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, ...fields } = (meta ?? {}) as { error?: unknown } & Record<string, unknown>;
      const failure = error instanceof Error ? { error: `${error.name}: ${error.message}` } : {};
      const to = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'info';
      log[to](
        { event: 'temporal', workflowId: fields.workflowId, activityType: fields.activityType, ...failure },
        message,
      );
    }),
    // Left alone, the SDK's core writes to standard output, which belongs to the command's own result.
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      ...(metricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: metricsAddress,
            countersTotalSuffix: true,
            unitSuffix: true,
            useSecondsForDurations: true,
          },
        },
      }),
    },
    shutdownSignals: [],
  });
}

/** A runtime under which no worker ever ran would keep the process alive: called where a start has failed. */
export const endRuntime = (): Promise<void> => Runtime.instance().shutdown();

/** The entry of `npm run worker`. */
export const main = (argv: string[], environment: Record<string, string | undefined>): Promise<void> =>
  runMain(async () => {
    new Command('npm run worker --')
      .description(
        'Works for a Temporal cluster, until SIGTERM or Ctrl-C. Its settings are environment variables.',
      )
      .exitOverride()
      .parse(argv, { from: 'user' });
    const config = readConfig(environment, 'worker');
    const log = createLog(config.logLevel);
    installRuntime(log, config.metricsAddress);
    const { connectionOptions, namespace } = temporalSettings(environment);
    const worker = await startWorker(
      config,
      { connection: connectionOptions as NativeConnectionOptions, namespace: namespace ?? 'default' },
      log,
    ).catch(async (error: unknown) => {
      await endRuntime();
      throw error;
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void worker.shutdown());
    try {
      await worker.claimed();
    } catch (error) {
      // What only a person can mend stops the worker at once; a Dynamics that is away is waited for by the flows.
      if (!(error instanceof SyncError) || error.class !== 'retry') {
        await worker.shutdown();
        throw error;
      }
      log.warn({ event: 'worker.unclaimed', code: error.code }, error.message);
    }
    const health =
      config.healthAddress === undefined ? undefined : await serveHealth(config.healthAddress, worker.health);
    log.info({ event: 'worker.ready', taskQueue: TASK_QUEUE });
    try {
      await worker.stopped;
    } finally {
      await health?.close();
    }
  });
