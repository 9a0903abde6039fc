// The series of checks behind `npm test`, `npm run test:full`, `npm run check` and `npm run build`.
import { spawn } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const tool = (name) => join(projectFolder, 'node_modules', '.bin', name);

const format = ['format', () => execute(tool('prettier'), ['--check', '--log-level', 'warn', '.'])];
const lint = ['lint', () => execute(tool('oxlint'), ['--type-aware', 'src', 'test', 'bench', 'scripts'])];
const types = ['types', () => execute(tool('tsc'), ['-p', 'tsconfig.test.json', '--noEmit'])];
const temporalCli = ['Temporal CLI', findTemporalCli];
const compile = ['compile', compileSources];
const bundle = ['workflow bundle', bundleWorkflows];
const suite = (config) => ['tests', (argv) => execute(tool('vitest'), ['run', '--config', config, ...argv])];

const series = {
  check: [format, lint, types],
  test: [temporalCli, format, lint, types, suite('vitest.config.ts')],
  'test:full': [temporalCli, suite('vitest.full.config.ts')],
  build: [compile, bundle],
};

/** Runs the steps of `name` until one fails, tells how long each took, and returns the exit status. */
export async function runChecks(name, argv) {
  for (const [title, step] of series[name]) {
    const startedMs = Date.now();
    const status = await step(argv);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    process.stderr.write(`${status === 0 ? '✓' : '✗'} ${title} (${seconds} s)\n`);
    if (status !== 0) return status;
  }
  return 0;
}

function execute(program, argv) {
  return new Promise((resolve) => {
    const child = spawn(program, argv, { stdio: 'inherit', cwd: projectFolder });
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(1);
    });
    child.once('exit', (status, signal) => resolve(status ?? (signal ? 1 : 0)));
  });
}

/** Found once here, so that nothing in the suite downloads anything. */
async function findTemporalCli() {
  const { tsImport } = await import('tsx/esm/api');
  const cli = await tsImport('../src/temporal/cli.ts', import.meta.url);
  try {
    process.env.TEMPORAL_CLI = await cli.findTemporalCli({
      environment: process.env,
      log: (line) => process.stderr.write(`${line}\n`),
    });
    return 0;
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    return 1;
  }
}

async function compileSources() {
  await rm(join(projectFolder, 'dist'), { recursive: true, force: true });
  return execute(tool('tsc'), ['-p', 'tsconfig.json']);
}

/** One bundle for workers without PAYLOAD_KEYS and one for those with: how failures are written is part of it. */
async function bundleWorkflows() {
  const { bundleWorkflowCode } = await import('@temporalio/worker');
  const compiled = (name) => join(projectFolder, 'dist', name);
  const workflowsPath = compiled('workflows/index.js');
  const failureConverterPath = compiled('temporal/failure-converter.js');
  const plain = await bundleWorkflowCode({ workflowsPath });
  const encrypted = await bundleWorkflowCode({ workflowsPath, failureConverterPath });
  await writeFile(compiled('workflow-bundle.js'), plain.code);
  await writeFile(compiled('workflow-bundle-encrypted.js'), encrypted.code);
  return 0;
}
