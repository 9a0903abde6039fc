import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Answer, Question } from './parent-channel.js';

const projectFolder = fileURLToPath(new URL('..', import.meta.url));
/** A worker may take its grace time to shut down. */
const endsWithinMs = 30_000;

/** A process of the benchmark's stack, on its own so that its processor time and memory are its own. */
export interface BenchProcess {
  /** Rejects with the process's own error, or when it ends before it has answered. */
  ask<Reply>(question: string, argument?: unknown): Promise<Reply>;
  /** The first line on its standard output; rejects when it ends before that. */
  firstLine: Promise<string>;
  /** Rejects when the process ends without being asked to; never resolves. */
  died: Promise<never>;
  /** SIGTERM, then SIGKILL for one that does not follow. Repeatable. */
  stop(): Promise<void>;
}

export interface ProcessOptions {
  /** Below the project folder. */
  file: string;
  argv?: string[];
  environment: Record<string, string | undefined>;
  /** Where a processor profile is written when the process ends. */
  profileFolder?: string | undefined;
}

/**
 * Starts a program of this project with a channel to it. It is in a process group of its own, so that Ctrl-C reaches
 * the benchmark alone, which ends the others in order; without the benchmark they end by the loss of the channel.
 */
export function startProcess({ file, argv = [], environment, profileFolder }: ProcessOptions): BenchProcess {
  const child = fork(file, argv, {
    cwd: projectFolder,
    env: environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [
      '--import',
      'tsx',
      '--expose-gc',
      ...(profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`]),
    ],
  });
  let stopping = false;
  const gone = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const ending = gone.then(([status, signal]): never => {
    throw new Error(`${file} ended with ${signal ?? `exit status ${status}`}`);
  });
  const died = new Promise<never>((_resolve, reject) => {
    ending.catch((error: Error) => {
      if (!stopping) reject(error);
    });
  });
  died.catch(() => undefined);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const firstLine = Promise.race([once(lines, 'line').then(([line]) => String(line)), ending]);
  firstLine.catch(() => undefined);

  const waiting = new Map<number, (answer: Answer) => void>();
  let asked = 0;
  child.on('message', (answer: Answer) => {
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });

  return {
    firstLine,
    died,
    async ask<Reply>(question: string, argument?: unknown): Promise<Reply> {
      const id = (asked += 1);
      const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
      child.send({ id, ask: question, argument } satisfies Question);
      const answer = await Promise.race([answered, ending]);
      if ('error' in answer) throw new Error(`${file}: ${answer.error}`);
      return answer.answer as Reply;
    },
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      const inTime = await Promise.race([gone.then(() => true), delay(endsWithinMs, false, { ref: false })]);
      if (!inTime) child.kill('SIGKILL');
      await gone;
    },
  };
}
