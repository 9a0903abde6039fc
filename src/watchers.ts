import type { FastifyInstance } from 'fastify';
import type { Config } from './config.js';
import { serveHealth } from './health.js';
import { serveMetrics } from './metrics/page.js';
import type { RunningWorker } from './worker.js';

/** Serves what METRICS_ADDRESS and HEALTH_ADDRESS ask for, until it is closed. Rejects when an address cannot be listened on. */
export async function serveWatchers(
  { metricsAddress, healthAddress }: Config,
  { metrics, health }: Pick<RunningWorker, 'metrics' | 'health'>,
  sdkMetricsAddress: string | undefined,
): Promise<{ close(): Promise<void> }> {
  const servers: FastifyInstance[] = [];
  const close = async (): Promise<void> => {
    for (const server of servers) await server.close();
  };
  try {
    if (metricsAddress !== undefined)
      servers.push(await serveMetrics(metricsAddress, metrics, sdkMetricsAddress));
    if (healthAddress !== undefined) servers.push(await serveHealth(healthAddress, health));
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}
