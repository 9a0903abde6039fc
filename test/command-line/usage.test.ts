import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { exitStatusOf } from '../../src/command-line/wrong-use.js';
import { starterProgram } from '../../src/starter.js';
import { npmScript } from '../support/npm-start.js';

interface Run {
  status: number;
  stdout: string;
  stderr: string;
}

/** The command line of the starter in this process: used wrongly it connects to nothing. */
async function starter(...argv: string[]): Promise<Run> {
  const printed = { stdout: '', stderr: '' };
  const program = starterProgram((text) => (printed.stdout += text), {});
  const writeErr = (text: string) => (printed.stderr += text);
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return { status: 0, ...printed };
  } catch (error) {
    return { status: exitStatusOf(error), ...printed };
  }
}

const refusal = (fault: string): Run => ({ status: 2, stdout: '', stderr: `error: ${fault}\n` });

/** Those whose entry does much else are asked in a process of their own; a project test asks the others for their options. */
describe.each(['worker', 'starter'])('npm run %s', (script) => {
  test('tells its usage with --help, and does nothing else', async () => {
    const { status, stdout, stderr } = await npmScript(script, ['--help']).finished;
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: /);
  }, 60_000);
});

test.each(['start', 'worker', 'bench'])(
  'npm run %s refuses an unknown option in one message',
  async (script) => {
    expect(await npmScript(script, ['--unheard']).finished).toEqual(refusal("unknown option '--unheard'"));
  },
  60_000,
);

describe.each(starterProgram(() => {}, {}).commands.map((command) => command.name()))(
  'starter %s',
  (name) => {
    test('tells its usage with --help, and stands in the list of commands', async () => {
      const { status, stdout, stderr } = await starter(name, '--help');
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout).toMatch(new RegExp(`^Usage: starter ${name} `));
      expect((await starter('--help')).stdout).toMatch(new RegExp(`^  ${name} `, 'm'));
    });

    test('fits its help into 80 columns, and shows examples that it takes', async () => {
      const { stdout } = await starter(name, '--help');
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
      const examples = [...stdout.matchAll(/^ {2}npm run starter -- (.+)$/gm)].map(([, words = '']) =>
        words.split(' '),
      );
      expect(examples.length).toBeGreaterThan(0);
      for (const words of examples) expect(await refusalsOf(words)).toEqual({ name, refusals: '' });
    });

    test('takes --json', () => {
      expect(commandOf(name).options.map(({ long }) => long)).toContain('--json');
    });

    test('refuses an unknown option in one message', async () => {
      expect(await starter(name, '--unheard')).toEqual(refusal("unknown option '--unheard'"));
    });

    test('refuses to go without each argument that it needs, in one message', async () => {
      const needed = commandOf(name).registeredArguments.filter(({ required }) => required);
      for (const [index, argument] of needed.entries()) {
        const given = needed.slice(0, index).map(() => 'given');
        expect(await starter(name, ...given)).toEqual(
          refusal(`missing required argument '${argument.name()}'`),
        );
      }
    });
  },
);

function commandOf(name: string): Command {
  const found = starterProgram(() => {}, {}).commands.find((command) => command.name() === name);
  if (!found) throw new Error(`no command ${name}`);
  return found;
}

/** What the command line says against these words, which it reads and does not carry out. */
async function refusalsOf(words: string[]): Promise<{ name: string; refusals: string }> {
  let refusals = '';
  let name = '';
  const program = starterProgram(() => {}, {});
  for (const command of program.commands) {
    command.configureOutput({ writeErr: (text) => (refusals += text) });
    command.action(() => void (name = command.name()));
  }
  await program.parseAsync(words, { from: 'user' }).catch(() => undefined);
  return { name, refusals };
}

test('starter refuses a command that it does not have, and an option before the command', async () => {
  expect(await starter('unheard')).toEqual(refusal("unknown command 'unheard'"));
  expect(await starter('--unheard', 'status')).toEqual(refusal("unknown option '--unheard'"));
});
