import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { logTo } from '../log-events.js';
import { freePort } from './server.js';

/** Where the SDK's own exporter is to listen, to be shown on our page; undefined when no metrics are asked for. */
export const sdkMetricsAddressFor = async (
  metricsAddress: string | undefined,
): Promise<string | undefined> =>
  metricsAddress === undefined ? undefined : `127.0.0.1:${await freePort()}`;

/**
 * Routes the SDK's own log lines into ours and lets its exporter of metrics listen, where there is to be one; once per process, before
 * any worker.
 */
export function installRuntime(logger: Logger, sdkMetricsAddress?: string): void {
  const log = logTo(logger);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const { error, workflowId, activityType } = (meta ?? {}) as Record<string, unknown>;
      const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
      // The SDK's core, below the worker, tells its errors as text.
      const failure = error instanceof Error ? `${error.name}: ${error.message}` : text(error);
      const about = { workflowId: text(workflowId), activityType: text(activityType), error: failure };
      const to = level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : 'info';
      log('temporal', { message, ...about }, to);
    }),
    // Left alone, the SDK's core writes to standard output, which belongs to the command's own result.
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }), forward: {} },
      ...(sdkMetricsAddress !== undefined && {
        metrics: {
          prometheus: {
            bindAddress: sdkMetricsAddress,
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
