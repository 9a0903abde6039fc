import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** Environment variable that every process started by one run of the suite inherits. */
export const runMark = 'SYNC_TEST_RUN';

const dieWithinMs = 5_000;

/**
 * Processes still alive that carry `mark`, this one and the runner's own workers left out. What is on its way out gets
 * a few seconds. Linux only: elsewhere the answer is empty.
 */
export async function processesMarked(mark: string): Promise<{ pid: number; command: string }[]> {
  const giveUpAtMs = Date.now() + dieWithinMs;
  for (;;) {
    const left = await scan(mark);
    if (left.length === 0 || Date.now() > giveUpAtMs) return left;
    await delay(100);
  }
}

async function scan(mark: string): Promise<{ pid: number; command: string }[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      if (!environment.split('\0').includes(`${runMark}=${mark}`)) return [];
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
        .replaceAll('\0', ' ')
        .trim();
      // Without a command line it is a process that has ended and waits to be collected.
      const ours =
        pid === process.pid || command === '' || /node \(vitest|vitest\/dist\/workers/.test(command);
      return ours ? [] : [{ pid, command }];
    }),
  );
  return found.flat();
}
