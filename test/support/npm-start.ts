import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Spawned {
  child: ChildProcess;
  /** The first line on standard output; rejects when the process ends before it. */
  firstLine: Promise<string>;
  finished: Promise<Finished>;
  /** SIGKILL to the whole process group, as a machine that loses power would. */
  killGroup(): Promise<void>;
  /** SIGTERM, and the orderly end that follows. */
  stop(): Promise<Finished>;
}

/** Runs one of the project's npm scripts as a user would, in a process group of its own. */
export function npmScript(script: string, args: string[], environment: Record<string, string> = {}): Spawned {
  const child = spawn(process.execPath, ['scripts/run.mjs', script, ...args], {
    cwd: projectFolder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const finished = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    stdout,
    stderr,
  }));
  const firstLine = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    void finished.then((end) => reject(new Error(`${script} ended with ${end.status}: ${end.stderr}`)));
  });
  firstLine.catch(() => undefined);
  return {
    child,
    firstLine,
    finished,
    async killGroup() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL');
      await finished;
    },
    async stop() {
      child.kill('SIGTERM');
      return finished;
    },
  };
}
