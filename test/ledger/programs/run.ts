import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

export interface Program {
  process: ChildProcessWithoutNullStreams;
  /** The next line of its output; throws with what it complained of when it ends without one. */
  line(): Promise<string>;
  /** Gives it a line of input. */
  tell(line: string): void;
  /** Kills it without a chance to clear up, and waits for its end. */
  kill(): Promise<void>;
}

/** Starts one of this folder's programs in a process of its own, which ends with the test. */
export function run(name: string, ...programArguments: string[]): Program {
  const path = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', path, ...programArguments]);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => (complaints += text.toString()));
  const ended = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  onTestFinished(kill);
  return {
    process: child,
    async line() {
      const next = await lines.next();
      if (next.done) throw new Error(`${name} ended: ${complaints}`);
      return next.value;
    },
    tell: (line) => void child.stdin.write(`${line}\n`),
    kill,
  };
}
