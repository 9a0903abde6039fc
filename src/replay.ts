import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type ReplayResult } from '@temporalio/worker';
import { Command } from 'commander';
import { pino } from 'pino';
import { z } from 'zod';
import { runMain, WrongUse } from './command-line/wrong-use.js';
import { readPayloadKeys, type Environment } from './config.js';
import { dataConverterOf } from './temporal/data-converter.js';
import { endRuntime, installRuntime } from './temporal/runtime.js';
import { workflowSource } from './worker.js';

/** One run as `temporal workflow show --output json` has written it. */
interface Download {
  file: string;
  workflowId: string;
  runId: string;
  history: ReturnType<typeof historyFromJSON>;
}

/** What is read of a history here; the SDK reads the rest. */
const downloaded = z.object({
  events: z.tuple(
    [
      z.object({
        workflowExecutionStartedEventAttributes: z.object({
          workflowId: z.string().optional(),
          originalExecutionRunId: z.string(),
        }),
      }),
    ],
    z.unknown(),
  ),
});

/** The entry of `npm run replay`: whether runs that were downloaded from Temporal go on under the workflows of this version. */
export const main = (argv: string[], environment: Environment): Promise<void> =>
  runMain(async () => {
    const program = new Command('npm run replay --')
      .description(
        'Replays runs that `temporal workflow show --output json` has written against the workflows of this version. ' +
          'Ends with 1 when one of them could not go on under it.',
      )
      .argument('<path...>', 'files, or folders of .json files')
      .addHelpText(
        'after',
        '\nExample:\n' +
          '  temporal workflow show --workflow-id ingress/contact --output json >contact.json\n' +
          '  npm run replay -- contact.json',
      )
      .exitOverride()
      .parse(argv, { from: 'user' });
    const payloadKeys = readPayloadKeys(environment);
    const downloads = readDownloads(program.args);
    installRuntime(pino({ level: 'silent' }));
    const source = workflowSource(undefined, payloadKeys.length > 0);
    const results = Worker.runReplayHistories(
      { ...source, dataConverter: dataConverterOf(payloadKeys) },
      downloads,
    );
    try {
      let failed = 0;
      let at = 0;
      for await (const { error } of results) {
        process.stdout.write(`${sentenceOn(downloads[at], error)}\n`);
        if (error) failed += 1;
        at += 1;
      }
      return failed > 0 ? 1 : 0;
    } finally {
      await endRuntime();
    }
  });

function sentenceOn(download: Download | undefined, error: ReplayResult['error']): string {
  const run = `${download?.workflowId}, run ${download?.runId} (${download?.file})`;
  return error ? `${run} does not replay: ${error.message}` : `${run} replays`;
}

/** Throws WrongUse with every file that is no history, and when there is none at all. */
function readDownloads(paths: string[]): Download[] {
  const faults: string[] = [];
  const downloads = paths.flatMap(filesAt).flatMap((file) => {
    try {
      return [readDownload(file)];
    } catch (error) {
      faults.push(`${file}: ${faultOf(error)}`);
      return [];
    }
  });
  if (downloads.length === 0 && faults.length === 0) faults.push(`no .json file in ${paths.join(', ')}`);
  if (faults.length > 0) throw new WrongUse(faults);
  return downloads;
}

function filesAt(path: string): string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder) return [path];
  const names = readdirSync(path).filter((name) => name.endsWith('.json'));
  return names.toSorted().map((name) => join(path, name));
}

function readDownload(file: string): Download {
  const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
  const [started] = downloaded.parse(json).events;
  const { workflowId, originalExecutionRunId } = started.workflowExecutionStartedEventAttributes;
  return {
    file,
    workflowId: workflowId ?? basename(file, '.json'),
    runId: originalExecutionRunId,
    history: historyFromJSON(json),
  };
}

/** Without what the file holds: parsers quote it. */
function faultOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string'
    ? `cannot be read (${code})`
    : 'is no history: write it with `temporal workflow show --output json`';
}
