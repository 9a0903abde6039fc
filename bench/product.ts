import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection, ScheduleOverlapPolicy } from '@temporalio/client';
import { applyMapping } from '../src/command-line/apply.js';
import { signalFlow } from '../src/command-line/flows.js';
import { inspect } from '../src/command-line/inspect.js';
import {
  EGRESS,
  OPT_OUT,
  type EventCounts,
  type FlowId,
  type OptOutCounts,
  type RowCounts,
} from '../src/contracts.js';
import { sandboxSettings } from '../src/sandbox-settings.js';
import { startTemporalServer } from '../src/temporal/server.js';
import { searchAttributeKeys } from '../src/workflows/visibility.js';
import { createClosers, type Closers } from './closers.js';
import { startProcess } from './processes.js';
import type { Systems } from './systems.js';
import { actionsOfRun } from './temporal-actions.js';
import type { Usage } from './usage.js';

/** The product over the systems, new: an empty ledger, a Temporal server of its own, and one worker process. */
export interface Product {
  /** Starts the contacts' flow by hand and waits for its end. */
  sync(): Promise<SyncMeasured>;
  /** Makes the tables that take events. */
  provision(): Promise<void>;
  /** Starts the flow of events by hand and waits for its end. */
  syncEvents(): Promise<SyncMeasured<EventCounts>>;
  /** Has opt-outs of email kept in step from now on. */
  keepOptOuts(): Promise<void>;
  /** Starts the flow of opt-outs by hand and waits for its end. */
  syncOptOuts(): Promise<SyncMeasured<OptOutCounts>>;
  /** Starts the contacts' flow as its schedule does, and waits for its end. */
  tick(): Promise<{ seconds: number; actions: number }>;
  stop(): Promise<void>;
}
export interface SyncMeasured<Counts = RowCounts> {
  counts: Counts;
  /** From the start of the flow's run to its end, by the server's clock. */
  seconds: number;
  actions: number;
  usage: Usage;
}
export interface ProductOptions {
  systems: Systems;
  concurrency: number;
  /** Path of a Temporal CLI. */
  cli: string;
  environment: Record<string, string | undefined>;
  closers: Closers;
  profileFolder?: string | undefined;
}

const contacts = 'ingress/contact';
/** The shipped mapping, without opt-outs, on schedules that are not due while anything is measured. */
const document = (): string =>
  readFileSync('sync.example.yaml', 'utf8')
    .replace(/^optOut:\n(?:[ #].*\n?)*/m, '')
    .replaceAll(/every: \S+/g, 'every: 30d');
const optOuts = `
optOut:
  direction: bidirectional
  every: 30d
  flags:
    - { dynamics: donotemail, campaign: blackListEmail }
`;

export async function startProduct(options: ProductOptions): Promise<Product> {
  const { systems, concurrency, cli, environment, profileFolder } = options;
  const closers = createClosers();
  await options.closers.add(closers.close);
  try {
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    await closers.add(() => rm(folder, { recursive: true, force: true }));
    const server = await startTemporalServer({
      cli,
      port: 0,
      logFile: join(folder, 'temporal.log'),
      searchAttributes: Object.values(searchAttributeKeys),
    });
    await closers.add(() => server.stop());
    const worker = startProcess({
      file: 'bench/worker-process.ts',
      environment: {
        ...environment,
        ...settingsFor(systems, concurrency),
        SYNC_DATA: folder,
        TEMPORAL_ADDRESS: server.address,
        TEMPORAL_NAMESPACE: 'default',
        LEDGER_URL: await systems.freshDatabase(),
      },
      ...(profileFolder !== undefined && { profileFolder: join(profileFolder, 'worker') }),
    });
    await closers.add(() => worker.stop());
    const connection = await Connection.connect({ address: server.address });
    let asking = 0;
    await closers.add(async () => {
      // A call that is about to be repeated would throw on a closed connection, where nobody catches; it is left to the
      // end of this process.
      if (asking === 0) await connection.close();
    });
    const client = new Client({ connection });

    /** Nothing would ever answer if one of them were gone. */
    async function whileAllLive<T>(ask: () => Promise<T>): Promise<T> {
      asking += 1;
      const answer = ask().finally(() => {
        asking -= 1;
      });
      return Promise.race([answer, worker.died, systems.died, server.ended.then(() => serverEnded())]);
    }

    const file = join(folder, 'sync.yaml');
    writeFileSync(file, document());
    await whileAllLive(() => applyMapping(client, file));
    return {
      sync: () => whileAllLive(() => sync<RowCounts>(contacts)),
      syncEvents: () => whileAllLive(() => sync<EventCounts>(EGRESS)),
      provision: () => whileAllLive(async () => void (await inspect(client, { kind: 'provision' }))),
      async keepOptOuts() {
        writeFileSync(file, document() + optOuts);
        await whileAllLive(() => applyMapping(client, file));
      },
      syncOptOuts: () => whileAllLive(() => sync<OptOutCounts>(OPT_OUT)),
      tick: () => whileAllLive(tick),
      stop: closers.close,
    };

    async function sync<Counts>(flow: FlowId): Promise<SyncMeasured<Counts>> {
      await worker.ask('begin');
      const handle = await signalFlow({ client }, flow, 'poll');
      const { counts } = (await handle.result()) as { counts: Counts };
      const usage = await worker.ask<Usage>('usage');
      const { runId, startTime, closeTime } = await client.workflow.getHandle(flow).describe();
      return {
        counts,
        seconds: ((closeTime ?? startTime).getTime() - startTime.getTime()) / 1000,
        actions: await actionsOfRun(client, flow, runId),
        usage,
      };
    }

    async function tick(): Promise<{ seconds: number; actions: number }> {
      const schedule = client.schedule.getHandle(contacts);
      const before = (await schedule.describe()).info.numActionsTaken;
      await schedule.trigger(ScheduleOverlapPolicy.BUFFER_ALL);
      const workflow = await startedAfter(before);
      const handle = client.workflow.getHandle(workflow.workflowId, workflow.firstExecutionRunId);
      await handle.result();
      const { startTime, closeTime } = await handle.describe();
      return {
        seconds: ((closeTime ?? startTime).getTime() - startTime.getTime()) / 1000,
        actions: await actionsOfRun(client, workflow.workflowId, workflow.firstExecutionRunId),
      };

      async function startedAfter(count: number) {
        for (;;) {
          const { info } = await schedule.describe();
          const newest = info.recentActions.at(-1)?.action;
          if (info.numActionsTaken > count && newest?.type === 'startWorkflow') return newest.workflow;
          await delay(20);
        }
      }
    }
  } catch (error) {
    await closers.close();
    throw error;
  }
}

function settingsFor({ ready }: Systems, concurrency: number): Record<string, string> {
  return {
    ...sandboxSettings(ready),
    DYNAMICS_MAX_CONCURRENT: String(concurrency),
    CAMPAIGN_MAX_CONCURRENT: String(concurrency),
    LEDGER_KEY: 'a key for the benchmark alone, of thirty-two bytes and more',
    LOG_LEVEL: 'error',
  };
}

function serverEnded(): never {
  throw new Error('the Temporal server ended');
}
