import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, bundleWorkflowCode } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import { openEmbeddedLedger } from '../../src/ledger/embedded.js';
import { findTemporalCli } from '../../src/temporal/cli.js';
import { startTemporalServer } from '../../src/temporal/server.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { processesMarked, runMark } from './processes.js';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Host and port of the one Temporal server that the suite shares. */
    temporalAddress: string;
    /** Path of the Temporal CLI, for tests that start a server of their own. */
    temporalCli: string;
    /** Path of the workflow bundle, made once: every worker of the suite runs it. */
    workflowBundle: string;
    /** A new embedded ledger, made once: copying it is quicker than making another. */
    newLedger: string;
  }
}

/** One Temporal server in memory for the whole suite; and a run that leaves a process behind fails. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const mark = randomUUID();
  process.env[runMark] = mark;
  const cli = await findTemporalCli({
    environment: process.env,
    log: (line) => process.stderr.write(`${line}\n`),
  });
  const folder = await mkdtemp(join(tmpdir(), 'sync-temporal-'));
  const server = await startTemporalServer({
    cli,
    port: 0,
    logFile: join(folder, 'temporal.log'),
    searchAttributes: Object.values(searchAttributeKeys),
    // Runs continue as new a hundred times sooner than in production, so that every test meets it.
    dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 40 },
  });
  project.provide('temporalAddress', server.address);
  project.provide('temporalCli', cli);
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    logger: new DefaultLogger('ERROR'),
  });
  const workflowBundle = join(folder, 'workflow-bundle.js');
  await writeFile(workflowBundle, code);
  project.provide('workflowBundle', workflowBundle);
  const newLedger = join(folder, 'ledger');
  await (await openEmbeddedLedger({ folder: newLedger, leaseMs: 60_000 })).close();
  project.provide('newLedger', newLedger);

  return async function tearDown() {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
    const left = await processesMarked(mark);
    if (left.length > 0) {
      // vitest only prints what a tear-down throws.
      process.exitCode = 1;
      throw new Error(
        `The suite left processes behind:\n${left.map(({ pid, command }) => `  ${pid} ${command}`).join('\n')}`,
      );
    }
  };
}
