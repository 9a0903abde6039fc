import { onTestFinished } from 'vitest';
import { serveMetrics } from '../../src/metrics/page.js';
import { freePort } from '../../src/temporal/server.js';
import type { RunningWorker } from '../../src/worker.js';

/** The samples of one metric: its labels as written, `flow="egress",outcome="written"`, and the value. */
export type Samples = Record<string, number>;

export interface Scrape {
  text: string;
  of(metric: string): Samples;
}

/** Serves a worker's metrics until the test ends; what is returned scrapes them, as Prometheus does. */
export async function serveMetricsOf(worker: RunningWorker): Promise<() => Promise<Scrape>> {
  const address = `127.0.0.1:${await freePort()}`;
  const server = await serveMetrics(address, worker.metrics);
  onTestFinished(() => server.close());
  return () => scrape(address);
}

export async function scrape(address: string): Promise<Scrape> {
  const answer = await fetch(`http://${address}/metrics`);
  if (!answer.ok) throw new Error(`/metrics answers ${answer.status}`);
  const text = await answer.text();
  return { text, of: (metric) => samplesOf(text, metric) };
}

function samplesOf(text: string, metric: string): Samples {
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return name === metric ? [[labels, Number(value)]] : [];
    }),
  );
}

export const total = (samples: Samples): number =>
  Object.values(samples).reduce((sum, each) => sum + each, 0);
