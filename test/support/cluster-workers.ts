import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

export interface WorkerProcess {
  /** As Temporal names it in histories. */
  identity: string;
  /** Resolves at the next log line that matches. */
  said(text: RegExp): Promise<void>;
  /** SIGTERM, and the orderly end that follows: its exit status. */
  stop(): Promise<number | null>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** `npm run worker`, once it is ready; with a bundle, a next version of it that runs these workflows. */
export async function startWorkerProcess(
  environment: Record<string, string>,
  nextWorkflowBundle?: string,
): Promise<WorkerProcess> {
  const program =
    nextWorkflowBundle === undefined
      ? ['scripts/run.mjs', 'worker']
      : ['--import', 'tsx', 'test/support/next-build.ts', nextWorkflowBundle];
  const child: ChildProcess = spawn(process.execPath, program, {
    cwd: projectFolder,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, LOG_LEVEL: 'info', ...environment },
  });
  if (!child.stderr) throw new Error('no standard error');
  const lines = createInterface({ input: child.stderr });
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  let last = '';
  lines.on('line', (line) => (last = line));
  const said = (text: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const listen = (line: string): void => {
        if (!text.test(line)) return;
        lines.off('line', listen);
        resolve();
      };
      lines.on('line', listen);
      void ended.then((status) => reject(new Error(`the worker ended with ${status}: ${last}`)));
    });
  await said(/worker\.ready/);
  return {
    identity: `${child.pid}@${hostname()}`,
    said,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
