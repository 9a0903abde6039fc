/** What a process has used since `begin`. */
export interface Usage {
  /** Processor time of all its threads, milliseconds. */
  cpuMs: number;
  /** Resident memory when the measurement began: what start-up has left behind. */
  startRssBytes: number;
  peakRssBytes: number;
  /** Largest heap in use that was seen, garbage included. */
  peakHeapBytes: number;
  /** Heap in use after a full collection at the end. */
  liveHeapBytes: number;
}

const SAMPLE_EVERY_MS = 250;

/** Meters this very process. Run node with `--expose-gc`, or the live heap is that of no particular moment. */
export function createUsageMeter() {
  let cpuAtStart = process.cpuUsage();
  let startRssBytes = 0;
  let peakRssBytes = 0;
  let peakHeapBytes = 0;
  let sampling: NodeJS.Timeout | undefined;

  function sample(): void {
    const { rss, heapUsed } = process.memoryUsage();
    peakRssBytes = Math.max(peakRssBytes, rss);
    peakHeapBytes = Math.max(peakHeapBytes, heapUsed);
  }

  return {
    begin(): void {
      globalThis.gc?.();
      startRssBytes = process.memoryUsage.rss();
      peakRssBytes = 0;
      peakHeapBytes = 0;
      cpuAtStart = process.cpuUsage();
      clearInterval(sampling);
      sampling = setInterval(sample, SAMPLE_EVERY_MS);
      sampling.unref();
    },
    end(): Usage {
      sample();
      clearInterval(sampling);
      const { user, system } = process.cpuUsage(cpuAtStart);
      globalThis.gc?.();
      return {
        cpuMs: (user + system) / 1000,
        startRssBytes,
        peakRssBytes,
        peakHeapBytes,
        liveHeapBytes: process.memoryUsage().heapUsed,
      };
    },
  };
}
