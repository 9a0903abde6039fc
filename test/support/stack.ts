import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { inject } from 'vitest';
import { applyMapping } from '../../src/command-line/apply.js';
import { signalFlow, waitForFlow, waitForFlows, type FlowEnd } from '../../src/command-line/flows.js';
import { inspect } from '../../src/command-line/inspect.js';
import { exitStatusOf, messageOf } from '../../src/command-line/wrong-use.js';
import { readConfig, readPayloadKeys, type Environment } from '../../src/config.js';
import type { EventFlowStatus, FlowId, FlowStatus, OptOutFlowStatus } from '../../src/contracts.js';
import { sandboxSettings } from '../../src/sandbox-settings.js';
import { starterProgram } from '../../src/starter.js';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.js';
import type { ModelDocument } from '../../src/sandbox/model/model-schema.js';
import { installRuntime } from '../../src/temporal/runtime.js';
import { startWorker, type RunningWorker } from '../../src/worker.js';
import { ownNamespace } from './temporal.js';
import { eventStatus, optOutStatus, tableStatus } from './statuses.js';
import { connectSystems, type Systems } from './systems.js';

// One quiet runtime for all workers of a test process.
installRuntime(pino({ level: 'silent' }));

/** Sandbox, worker and a Temporal namespace of its own on the suite's one server: the product, in this process. */
export interface Stack {
  sandbox: Sandbox;
  systems: Systems;
  client: Client;
  namespace: string;
  folder: string;
  /** Runs `ingress/contact` until it is drained. */
  sync(): Promise<FlowEnd>;
  /** Runs the flows, all of the mapping when none is named, until they are drained. */
  syncAll(flows?: FlowId[]): Promise<FlowEnd[]>;
  resync(mode: 'verify' | 'rewrite'): Promise<FlowEnd>;
  status(flow?: FlowId): Promise<FlowStatus>;
  /** Of the flow of email events. */
  eventStatus(): Promise<EventFlowStatus>;
  optOutStatus(): Promise<OptOutFlowStatus>;
  apply(document: string): Promise<void>;
  /** Runs a command of `npm run starter`. */
  starter(...argv: string[]): Promise<CommandRun>;
  restartWorker(settings?: Record<string, string>): Promise<void>;
  worker(): RunningWorker;
  stop(): Promise<void>;
}

export interface CommandRun {
  status: number;
  out: string;
  /** The message of a command that failed. */
  error: string;
}

export interface StackOptions {
  temporalAddress: string;
  contacts: number;
  document: string;
  /** PostgreSQL when given, embedded otherwise. */
  ledgerUrl?: string;
  settings?: Record<string, string>;
  latencyMs?: number;
  /** Tables of Dynamics and resources of Campaign in place of those that come with the sandbox. */
  model?: ModelDocument;
  /** What the suite has made once for all of its stacks; outside of it, each stack makes its own. */
  prepared?: { workflowBundle?: string; newLedger?: string };
}

export const flow = 'ingress/contact';
/** Soon enough that a killed attempt does not keep a test waiting. */
const HEARTBEAT_SECONDS = 5;

export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'stack-'));
  const temporal = await ownNamespace(options.temporalAddress, readPayloadKeys(options.settings ?? {}));
  const { client, namespace } = temporal;
  const prepared = options.prepared ?? {
    workflowBundle: inject('workflowBundle'),
    newLedger: inject('newLedger'),
  };
  const sandbox = await startSandbox({
    dynamicsPort: 0,
    campaignPort: 0,
    contacts: options.contacts,
    memory: true,
    ...(options.latencyMs !== undefined && { latencyMs: options.latencyMs }),
    ...(options.model && { model: options.model }),
  });
  const systems = connectSystems(sandbox.ready);
  const start = (settings: Record<string, string> = {}) =>
    startWorker(
      readConfig({ ...settingsFor(sandbox, folder, options), ...options.settings, ...settings }, 'embedded'),
      {
        connection: { address: options.temporalAddress },
        namespace,
        ...(prepared.workflowBundle !== undefined && { workflowBundle: prepared.workflowBundle }),
      },
      pino({ level: process.env.TEST_LOG ?? 'silent' }, pino.destination(2)),
    );
  if (options.ledgerUrl === undefined && prepared.newLedger !== undefined)
    await cp(prepared.newLedger, join(folder, 'ledger'), { recursive: true });
  let worker = await start();
  const starter = { client, heartbeatSeconds: HEARTBEAT_SECONDS };
  const apply = async (document: string): Promise<void> => {
    const file = join(folder, 'sync.yaml');
    await writeFile(file, document);
    await applyMapping(client, file, HEARTBEAT_SECONDS);
  };
  await apply(options.document);

  /** The command line sets the exit status of its process, which is the test's own. */
  async function runStarter(...argv: string[]): Promise<CommandRun> {
    const before = process.exitCode;
    process.exitCode = 0;
    let out = '';
    const environment = {
      TEMPORAL_ADDRESS: options.temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
      SYNC_DATA: folder,
      PAYLOAD_KEYS: options.settings?.PAYLOAD_KEYS,
    };
    const program = starterProgram((text) => (out += text), environment);
    try {
      await program.parseAsync(argv, { from: 'user' });
      return { status: Number(process.exitCode), out, error: '' };
    } catch (error) {
      return { status: exitStatusOf(error), out, error: messageOf(error) ?? '' };
    } finally {
      process.exitCode = before;
    }
  }

  return {
    starter: runStarter,
    sandbox,
    systems,
    client,
    namespace,
    folder,
    apply,
    worker: () => worker,
    async sync() {
      await signalFlow(starter, flow, 'poll');
      return waitForFlow(client, flow);
    },
    async resync(mode) {
      await signalFlow(starter, flow, 'resync', { mode });
      return waitForFlow(client, flow);
    },
    async syncAll(flows) {
      const wanted = flows ?? (await inspect(client, { kind: 'status' })).flows.map((each) => each.flow);
      for (const each of wanted) await signalFlow(starter, each, 'poll');
      return waitForFlows(client, wanted);
    },
    async status(wanted = flow) {
      return tableStatus((await inspect(client, { kind: 'status' })).flows, wanted);
    },
    async eventStatus() {
      return eventStatus((await inspect(client, { kind: 'status' })).flows);
    },
    async optOutStatus() {
      return optOutStatus((await inspect(client, { kind: 'status' })).flows);
    },
    async restartWorker(settings) {
      await worker.shutdown();
      worker = await start(settings);
    },
    async stop() {
      for await (const { scheduleId } of client.schedule.list())
        await client.schedule.getHandle(scheduleId).delete();
      await worker.shutdown();
      await sandbox.close();
      await temporal.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function settingsFor(sandbox: Sandbox, folder: string, { ledgerUrl }: StackOptions): Environment {
  return {
    ...sandboxSettings(sandbox.ready),
    SYNC_DATA: folder,
    CAMPAIGN_SETTLE_SECONDS: '1',
    ...(ledgerUrl && { LEDGER_URL: ledgerUrl, LEDGER_KEY: 'a key for tests, thirty-two bytes' }),
  };
}
