import Fastify, { type FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { listenAt } from '../health.js';
import type { Metrics } from './catalogue.js';
import { createSample, type Watched } from './sample.js';

export interface MetricsPage {
  /** In Prometheus' text format. Never rejects. */
  text(): Promise<string>;
}

/** Our own metrics of a worker. The ledger is read anew for each scrape. */
export function createPage(metrics: Metrics, watched: Watched): MetricsPage {
  const sample = createSample(watched, metrics);
  return {
    async text() {
      await sample();
      return metrics.registry.metrics();
    },
  };
}

const SDK_PATIENCE_MS = 2_000;

/**
 * Serves `/metrics` on `host:port` (METRICS_ADDRESS): ours, those of the process, and those of the Temporal SDK, whose own exporter
 * listens on loopback. While that one does not answer, the others come alone.
 */
export async function serveMetrics(
  address: string,
  page: MetricsPage,
  sdkAddress?: string,
): Promise<FastifyInstance> {
  const ofProcess = new Registry();
  collectDefaultMetrics({ register: ofProcess });
  const server = Fastify();
  server.get('/metrics', async (_request, reply) => {
    const texts = await Promise.all([
      page.text(),
      ofProcess.metrics(),
      sdkAddress === undefined ? '' : textAt(sdkAddress),
    ]);
    return reply.type(ofProcess.contentType).send(texts.join(''));
  });
  await listenAt(server, address, 'METRICS_ADDRESS');
  return server;
}

async function textAt(address: string): Promise<string> {
  try {
    const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SDK_PATIENCE_MS) });
    return answer.ok ? await answer.text() : '';
  } catch {
    return '';
  }
}
