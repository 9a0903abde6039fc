import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { npmScript, type Spawned } from './npm-start.js';

/** A worker in a process of its own, which may die at any moment. */
export interface MortalWorker {
  /** Kills it so long after now, as a machine that loses power would, and starts its successor. */
  kill(afterMs: number): Promise<void>;
  /** Lets it end in an orderly way, and starts its successor. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts `npm run worker`; its environment must let it log at `info`. */
export async function startMortalWorker(environment: Record<string, string>): Promise<MortalWorker> {
  const start = async (): Promise<Spawned> => {
    const spawned = npmScript('worker', [], environment);
    await isReady(spawned);
    return spawned;
  };
  let worker = await start();
  return {
    async kill(afterMs) {
      await sleep(afterMs);
      await worker.killGroup();
      worker = await start();
    },
    async restart() {
      await worker.stop();
      worker = await start();
    },
    stop: () => worker.killGroup(),
  };
}

function isReady({ child, finished }: Spawned): Promise<void> {
  const { stderr } = child;
  if (!stderr) throw new Error('no standard error');
  const lines = createInterface({ input: stderr });
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (line.includes('worker.ready')) resolve();
    });
    void finished.then((end) => reject(new Error(`the worker ended with ${end.status}: ${end.stderr}`)));
  });
}
