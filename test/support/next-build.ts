import { pino } from 'pino';
import { readConfig } from '../../src/config.js';
import { TASK_QUEUE } from '../../src/contracts.js';
import { logTo } from '../../src/log-events.js';
import { temporalSettings } from '../../src/temporal/client.js';
import { installRuntime } from '../../src/temporal/runtime.js';
import { startWorker } from '../../src/worker.js';
import type { NativeConnectionOptions } from '@temporalio/worker';

/*
 * A worker of a next version: today's with the workflow bundle whose path is its argument. It works until SIGTERM, as `npm run worker`
 * does.
 */
const [workflowBundle = ''] = process.argv.slice(2);
const log = pino({ level: 'info' }, pino.destination(2));
installRuntime(log);
const { connectionOptions, namespace = 'default' } = temporalSettings(process.env);
const connection = connectionOptions as NativeConnectionOptions;
const worker = await startWorker(
  readConfig(process.env, 'worker'),
  { connection, namespace, workflowBundle },
  log,
);
process.once('SIGTERM', () => void worker.shutdown());
logTo(log)('worker.ready', { taskQueue: TASK_QUEUE });
await worker.stopped;
