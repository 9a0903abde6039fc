import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { applyMapping } from './command-line/apply.js';
import { check } from './command-line/check.js';
import { deletions, deletionsText, isDeletionsAction } from './command-line/deletions.js';
import {
  signalFlow,
  signalOpenFlow,
  waitForFlows,
  type FlowEnd,
  type FlowStarter,
} from './command-line/flows.js';
import { consentFormats, consentLines, consentLog } from './command-line/consent.js';
import { explain, explainedText } from './command-line/explain.js';
import { inspect } from './command-line/inspect.js';
import { folded, WIDTH } from './command-line/layout.js';
import { wholeNumberOf } from './command-line/options.js';
import { allParked } from './command-line/parked.js';
import { plan, planText, type PlanOptions } from './command-line/plan.js';
import { optOutPlanText, planOptOut } from './command-line/plan-opt-out.js';
import { progressLine, progressText, whileTicking, type ProgressLine } from './command-line/progress.js';
import { resyncRequest, type ResyncOptions } from './command-line/resync.js';
import { readSummary } from './command-line/summary.js';
import { findingsTable, parkedTable, summaryTable } from './command-line/tables.js';
import { exitStatusOfEnds, runMain, WrongUse } from './command-line/wrong-use.js';
import {
  EGRESS,
  ingressFlow,
  OPT_OUT,
  type ConsentEntryView,
  type FlowId,
  type HeldSetName,
} from './contracts.js';
import { readInstance } from './instance.js';
import { connectTemporal, type ConnectedClient } from './temporal/client.js';

const WATCH_MS = 2_000;

interface CommonOptions {
  data: string;
  json?: boolean;
}

/**
 * The command line of CONTRACT "starter". It talks to Temporal only; with `--json` standard output is one document. `progress` is told
 * how far long work is.
 */
export function starterProgram(
  print: (text: string) => void,
  environment: Record<string, string | undefined>,
  progress: ProgressLine = progressLine({ write: () => undefined }),
): Command {
  const program = new Command('starter')
    .description('Applies mappings, runs and watches flows, and mends what was set aside.')
    .addHelpText('after', exampleText(['status', 'resync --help']))
    .exitOverride()
    .configureOutput({ writeOut: print, getOutHelpWidth: () => WIDTH, getErrHelpWidth: () => WIDTH });

  const command = (usage: string, description: string, examples: string[]): Command =>
    program
      .command(usage)
      .description(description)
      .addHelpText('after', exampleText(examples))
      .option('--data <dir>', 'data folder of a running `npm start`', environment.SYNC_DATA || '.data')
      .option('--json', 'one JSON document on standard output')
      .exitOverride();

  command('apply', 'validate the mapping file, publish it as a new version, bring the schedules in line', [
    'apply --config sync.yaml',
  ])
    .option('--config <file>', 'mapping file', environment.SYNC_CONFIG || undefined)
    .action((options: CommonOptions & { config?: string }) =>
      connected(options, async ({ client, heartbeatSeconds }) => {
        const file = options.config ?? (existsSync('sync.yaml') ? 'sync.yaml' : 'sync.example.yaml');
        const applied = await applyMapping(client, file, heartbeatSeconds);
        const said = applied.changed
          ? `Version ${applied.version} is in force.`
          : `Version ${applied.version} is in force already.`;
        output(options, applied, said);
      }),
    );

  command('sync', 'run flows now and wait until nothing is left to read', [
    'sync',
    'sync ingress/contact egress',
  ])
    .argument('[flows...]', 'ingress/<table>, egress or opt-out; all when left out')
    .option('--no-wait', 'do not wait for the end')
    .action((flows: FlowId[], options: CommonOptions & { wait: boolean }) =>
      connected(options, async (connection) => {
        const wanted = await knownFlows(connection, flows);
        for (const flow of wanted) await signalFlow(connection, flow, 'poll');
        if (!options.wait) return output(options, { started: wanted }, `Started ${wanted.join(', ')}.`);
        await reportEnds(options, connection, await waitedFor(connection, wanted));
      }),
    );

  command('resync', 'read a table wholly again and write what differs, or events, or compare all opt-outs', [
    'resync contact --wait',
    'resync egress --since 2026-05-02T08:00:00Z',
  ])
    .argument('<what>', 'the Dynamics table, e.g. contact, or egress, or opt-out')
    .option('--rewrite', 'of a table: write every row, whether it differs or not')
    .option(
      '--since <time>',
      'of egress: read events from this time on, ISO 8601; all that are there when left out',
    )
    .option('--reason <text>', 'kept in the history of the run')
    .option('--wait', 'wait for the end')
    .action((what: string, options: CommonOptions & ResyncOptions) =>
      connected(options, async (connection) => {
        const named = what === EGRESS || what === OPT_OUT ? what : ingressFlow(what);
        const [flow = ''] = await knownFlows(connection, [named]);
        const request = resyncRequest(flow, options);
        await signalFlow(connection, flow, 'resync', request);
        if (options.wait) return reportEnds(options, connection, await waitedFor(connection, [flow]));
        const { mode, since } = request;
        const asked = mode ?? (since === undefined ? 'all that is there' : `since ${since}`);
        output(options, { flow, ...request, signalled: true }, `${flow}: resync (${asked}) signalled.`);
      }),
    );

  command('pause', 'pause a flow: it stays paused through ticks and restarts until it is resumed', [
    'pause ingress/contact',
  ])
    .argument('<flow>')
    .action((flow: FlowId, options: CommonOptions) =>
      connected(options, async (connection) => {
        const [known = ''] = await knownFlows(connection, [flow]);
        await signalFlow(connection, known, 'pause');
        output(options, { flow: known, paused: true }, `${known} is paused.`);
      }),
    );

  command('resume', 'let a paused flow go on', ['resume ingress/contact'])
    .argument('<flow>')
    .action((flow: FlowId, options: CommonOptions) =>
      connected(options, async (connection) => {
        const [known = ''] = await knownFlows(connection, [flow]);
        const resumed = await signalOpenFlow(connection, known, 'resume');
        output(options, { flow: known, resumed }, resumed ? `${known} goes on.` : `${known} was not paused.`);
      }),
    );

  command('status', 'what is in sync, what waits, what failed', ['status', 'status --watch'])
    .option('--watch', 'again every two seconds, until Ctrl-C')
    .action((options: CommonOptions & { watch?: boolean }) =>
      connected(options, async (connection) => {
        if (options.watch && options.json)
          throw new WrongUse(['--watch shows tables; --json is one document: take one of them']);
        const stop = options.watch ? stopSignal() : undefined;
        do {
          const summary = await readSummary(connection.client, connection.temporal);
          output(options, summary, summaryTable(summary));
          process.exitCode = summary.ok ? 0 : 1;
          if (stop) await sleep(WATCH_MS, undefined, { signal: stop }).catch(() => undefined);
        } while (stop && !stop.aborted);
      }),
    );

  command('check', "the mapping against both live systems and the accounts' rights, and what to do", [
    'check',
    'check --config sync.yaml',
  ])
    .option('--config <file>', 'check this mapping file instead of the one in force; it is not published')
    .action((options: CommonOptions & { config?: string }) =>
      connected(options, async ({ client }) => {
        const checked = await whileTicking(progress, 'check', () => check(client, options));
        output(options, checked, findingsTable(checked.findings));
        if (!checked.ok) process.exitCode = 1;
      }),
    );

  command('plan', 'what a sync would do now, without a write', [
    'plan contact --config sync.yaml',
    'plan opt-out',
  ])
    .argument('<what>', 'the Dynamics table, e.g. contact, or opt-out')
    .option('--config <file>', 'plan with this mapping file instead of the one in force; it is not published')
    .option('--limit <n>', 'compare at most so many rows, field by field', wholeNumberOf('--limit'), 200)
    .action((table: string, options: CommonOptions & PlanOptions) =>
      connected(options, async ({ client }) => {
        if (table === OPT_OUT) {
          const compared = await whileTicking(progress, 'plan opt-out', () => planOptOut(client, options));
          return output(options, compared, optOutPlanText(compared));
        }
        const planned = await whileTicking(progress, `plan ${table}`, () => plan(client, table, options));
        output(options, planned, planText(planned));
      }),
    );

  command('explain', "one record's story: where it stands on both sides, and why", [
    'explain 015b1d31-2989-426a-88c2-a69494064544',
  ])
    .argument('<id>', 'id of the row in Dynamics')
    .option('--table <table>', 'only this Dynamics table; all mapped ones when left out')
    .action((id: string, options: CommonOptions & { table?: string }) =>
      connected(options, async ({ client }) => {
        const explained = await explain(client, id, options.table);
        output(options, explained, explainedText(explained));
        if (explained.stories.length === 0) process.exitCode = 1;
      }),
    );

  command('parked', 'rows set aside, and why', ['parked', 'parked ingress/contact --code TEXT_TOO_LONG'])
    .argument('[flow]')
    .option('--code <code>', 'only this error code')
    .option('--limit <n>', 'at most so many rows', wholeNumberOf('--limit'), 500)
    .action((flow: FlowId | undefined, options: CommonOptions & { code?: string; limit: number }) =>
      connected(options, async (connection) => {
        if (flow) await knownFlows(connection, [flow]);
        const rows = await allParked(
          connection.client,
          { ...(flow && { flow }), ...(options.code && { code: options.code }) },
          options.limit,
        );
        output(options, { parked: rows }, parkedTable(rows));
      }),
    );

  command('redrive', 'try rows that were set aside again, now', [
    'redrive --flow ingress/contact --code TEXT_TOO_LONG',
  ])
    .option('--code <code>', 'only rows with this error code')
    .option('--id <id>', 'only the row of this id')
    .option('--flow <flow>', 'only rows of this flow')
    .action((options: CommonOptions & { code?: string; id?: string; flow?: FlowId }) =>
      connected(options, async (connection) => {
        const { code, id, flow } = options;
        if (flow) await knownFlows(connection, [flow]);
        const filter = { ...(code && { code }), ...(id && { id }), ...(flow && { flow }) };
        const { redriven, flows } = await inspect(connection.client, { kind: 'redrive', ...filter });
        for (const touched of flows) await signalFlow(connection, touched, 'poll');
        output(options, { redriven, flows }, `${redriven} rows are tried again.`);
      }),
    );

  command('provision', 'make our event tables in Dynamics, where they are missing', ['provision']).action(
    (options: CommonOptions) =>
      connected(options, async ({ client }) => {
        const provisioned = () => inspect(client, { kind: 'provision' });
        const { made, present } = await whileTicking(progress, 'provision', provisioned);
        const said = made.length > 0 ? `Made: ${made.join(', ')}.` : 'Nothing is missing.';
        output(options, { made, present }, said);
      }),
  );

  command('consent', 'the decisions on opt-outs, with their evidence', ['consent export --format csv'])
    .argument('<action>', 'export')
    .option('--id <id>', 'only those on this contact, by its id in Dynamics')
    .option('--format <format>', 'jsonl (a JSON document on each line) or csv', 'jsonl')
    .action((action: string, options: CommonOptions & { id?: string; format: string }) =>
      connected(options, async ({ client }) => {
        const { id, json } = options;
        const format = consentFormats.find((each) => each === options.format);
        if (action !== 'export') throw new WrongUse([`consent takes export, not ${action}`]);
        if (!format) throw new WrongUse([`--format takes jsonl or csv, not ${options.format}`]);
        const entries: ConsentEntryView[] = [];
        let isFirst = true;
        for await (const page of consentLog(client, id)) {
          if (json) entries.push(...page);
          else print(consentLines(page, format, isFirst));
          isFirst = false;
        }
        if (json) print(`${JSON.stringify({ decisions: entries })}\n`);
        else if (isFirst && format === 'csv') print(consentLines([], format, true));
      }),
    );

  command('deletions', 'deletions that wait for a person: show, approve or discard them', [
    'deletions show contact',
    'deletions approve contact --version 3 --count 120',
  ])
    .argument(
      '<action>',
      'show, approve (delete them in Campaign), discard (keep and forget the Campaign records)',
    )
    .argument('<table>', 'the Dynamics table, e.g. contact')
    .option(
      '--version <n>',
      'only if the set still has this version, as show told it',
      wholeNumberOf('--version'),
    )
    .option('--count <n>', 'only if the set still has so many rows', wholeNumberOf('--count'))
    .action((action: string, table: string, options: CommonOptions & Partial<HeldSetName>) =>
      connected(options, async (connection) => {
        if (!isDeletionsAction(action))
          throw new WrongUse([`deletions takes show, approve or discard, not ${action}`]);
        await knownFlows(connection, [ingressFlow(table)]);
        const done = await deletions(connection, action, table, options);
        output(options, done, deletionsText(done));
      }),
    );

  return program;

  interface StarterConnection extends FlowStarter {
    temporal: { address: string; namespace: string; ui?: string };
  }

  async function connected(
    options: CommonOptions,
    work: (connection: StarterConnection) => Promise<void>,
  ): Promise<void> {
    const instance = readInstance(options.data);
    const connection: ConnectedClient = await connectTemporal(instance, environment);
    try {
      await work({
        client: connection.client,
        temporal: {
          address: connection.address,
          namespace: connection.namespace,
          ...(instance && { ui: instance.temporal.ui }),
        },
        ...(instance && { heartbeatSeconds: instance.heartbeatSeconds }),
      });
    } finally {
      await connection.close();
    }
  }

  function output(options: CommonOptions, result: unknown, text: string): void {
    print(options.json ? `${JSON.stringify(result)}\n` : `${folded(text)}\n`);
  }

  async function waitedFor({ client }: StarterConnection, flows: FlowId[]): Promise<FlowEnd[]> {
    try {
      return await waitForFlows(client, flows, (flow, seen) => progress.show(progressText(flow, seen)));
    } finally {
      progress.clear();
    }
  }

  async function reportEnds(
    options: CommonOptions,
    connection: StarterConnection,
    ends: FlowEnd[],
  ): Promise<void> {
    const summary = await readSummary(connection.client, connection.temporal, ends);
    output(options, summary, summaryTable(summary));
    for (const { flow, error } of ends) if (error) process.stderr.write(`${flow}: ${error.message}\n`);
    process.exitCode = exitStatusOfEnds(ends);
  }

  /** The flows of the mapping in force; those that were named, if they are among them. */
  async function knownFlows({ client }: FlowStarter, named: FlowId[]): Promise<FlowId[]> {
    const { flows } = await inspect(client, { kind: 'status' });
    const known = flows.map(({ flow }) => flow);
    const unknown = named.filter((flow) => !known.includes(flow));
    if (unknown.length > 0) {
      throw new WrongUse(
        unknown.map((flow) => `${flow} is no flow of the mapping in force; there are: ${known.join(', ')}`),
      );
    }
    return named.length > 0 ? named : known;
  }
}

const exampleText = (examples: string[]): string =>
  `\n${examples.length > 1 ? 'Examples' : 'Example'}:\n${examples.map((example) => `  npm run starter -- ${example}`).join('\n')}`;

/** Aborted by Ctrl-C or SIGTERM. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** The entry of `npm run starter`. */
export const main = (argv: string[], environment: Record<string, string | undefined>): Promise<void> =>
  runMain(async () => {
    const print = (text: string): boolean => process.stdout.write(text);
    await starterProgram(print, environment, progressLine(process.stderr)).parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  });
