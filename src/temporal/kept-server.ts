import { setTimeout as delay } from 'node:timers/promises';
import { startTemporalServer, type TemporalServer, type TemporalServerOptions } from './server.js';

const PAUSE_MS = 1_000;

/**
 * A server of startTemporalServer on a file, which is started again on the same ports whenever it ends without being asked to. `tell`
 * is called with a sentence on each end, and on each start that fails. Throws when the first start fails.
 */
export async function keepTemporalServer(
  options: TemporalServerOptions & { dbFile: string },
  tell: (line: string) => void,
): Promise<Pick<TemporalServer, 'address' | 'ui' | 'stop'>> {
  let server = await startTemporalServer(options);
  const { address, ui } = server;
  let stopping = false;
  let restarting: Promise<void> | undefined;

  async function restart(): Promise<void> {
    tell(`The Temporal server has ended, and is started again. Its log: ${options.logFile}`);
    while (!stopping) {
      try {
        server = await startTemporalServer(options);
        watch();
        return;
      } catch (error) {
        tell((error as Error).message);
        await delay(PAUSE_MS);
      }
    }
  }
  function watch(): void {
    void server.ended.then(() => {
      if (!stopping) restarting = restart();
    });
  }
  watch();
  return {
    address,
    ui,
    async stop() {
      stopping = true;
      await restarting;
      await server.stop();
    },
  };
}
