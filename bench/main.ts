import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { runMain, WrongUse } from '../src/command-line/wrong-use.js';
import { findTemporalCli } from '../src/temporal/cli.js';
import { createClosers, type Closers } from './closers.js';
import { measureChanges } from './changes.js';
import { measureEvents } from './events.js';
import {
  changesFigures,
  eventsFigures,
  firstLoadFigures,
  idleFigures,
  optOutFigures,
  measurements,
  type Figure,
  type Measurement,
} from './figures.js';
import { loadFirst, measureFirstLoad } from './first-load.js';
import { measureIdle } from './idle.js';
import { measureOptOuts } from './opt-outs.js';
import type { Product, ProductOptions } from './product.js';
import { reportText, type Report } from './report.js';
import { startSystems } from './systems.js';

/** Contacts of the larger first load, and of changes when they are measured alone. */
const FIRST_LOAD_CONTACTS = 20_000;
const CHANGES_CONTACTS = 100_000;

type Environment = Record<string, string | undefined>;

interface Options {
  wanted: readonly Measurement[];
  contacts: number;
  latency: number;
  concurrency: number;
  json: boolean;
  profile?: string;
}

/**
 * `npm run bench`: measures the product against the sandbox and against a bare axios loop that makes the same calls
 * (DESIGN §12). Exit status 0 whatever the speed, since a benchmark measures; 1 when a count is wrong.
 */
export async function main(argv: string[], environment: Environment): Promise<void> {
  await runMain(() => run(argv, environment));
  // All that was started has ended; what a stop has left half done in this process must not hold it up.
  process.exit();
}

async function run(argv: string[], environment: Environment): Promise<number> {
  const options = parseOptions(argv);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const closers = createClosers();
  const stopped = stopSignal();
  try {
    const report = await Promise.race([measure(options, environment, say, closers), stopped]);
    if (!report) return 130;
    await print(options.json ? JSON.stringify(report) : reportText(report));
    return report.ok ? 0 : 1;
  } finally {
    await closers.close();
  }
}

async function measure(
  { wanted, contacts, latency, concurrency, profile }: Options,
  environment: Environment,
  say: (line: string) => void,
  closers: Closers,
): Promise<Report> {
  const cli = await findTemporalCli({ environment, log: say });
  const clean = withoutSettings(environment);
  const systems = await startSystems({ latencyMs: latency, environment: clean }, closers);
  const productOptions: ProductOptions = {
    systems,
    concurrency,
    cli,
    environment: clean,
    closers,
    ...(profile !== undefined && { profileFolder: resolve(profile) }),
  };
  const figures: Figure[] = [];
  const faults: string[] = [];
  let product: Product;

  if (wanted.includes('first-load')) {
    const small = await measureFirstLoad(productOptions, Math.ceil(contacts / 4), say);
    await small.product.stop();
    const full = await measureFirstLoad(productOptions, contacts, say);
    product = full.product;
    figures.push(...firstLoadFigures(small.measured, full.measured, { latencyMs: latency, concurrency }));
    faults.push(...small.measured.faults, ...full.measured.faults);
  } else {
    say(`loading ${contacts} contacts first`);
    product = await loadFirst(productOptions, contacts);
  }
  if (wanted.includes('changes')) {
    const changes = await measureChanges(systems, product, say);
    figures.push(...changesFigures(changes));
    faults.push(...changes.faults);
  }
  if (wanted.includes('idle')) figures.push(...idleFigures(await measureIdle(systems, product, say)));
  if (wanted.includes('events')) {
    const events = await measureEvents(systems, product, contacts, say);
    figures.push(...eventsFigures(events));
    faults.push(...events.faults);
  }
  if (wanted.includes('opt-out')) {
    const optOuts = await measureOptOuts(productOptions, product, say);
    figures.push(...optOutFigures(optOuts));
    faults.push(...optOuts.faults);
  }

  return {
    ok: faults.length === 0,
    contacts,
    latencyMs: latency,
    concurrency,
    machine: { node: process.versions.node, processors: availableParallelism() },
    figures,
    faults,
  };
}

function parseOptions(argv: string[]): Options {
  const faults: string[] = [];
  const whole = (name: string, least: number, most: number) => (text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      faults.push(`${name} takes a whole number from ${least} to ${most}, not ${text}`);
    return value;
  };
  const program = new Command('npm run bench --')
    .description(
      'Measures the product against the sandbox, and against a bare axios loop that makes the same calls.',
    )
    .argument('[measurement]', `${measurements.join(', ')}; all of them when left out`)
    .option(
      '--contacts <n>',
      `contacts that are loaded (${FIRST_LOAD_CONTACTS}; of changes or opt-out alone ${CHANGES_CONTACTS})`,
      whole('--contacts', 20, 10_000_000),
    )
    .option('--latency <ms>', "the sandbox's answer time", whole('--latency', 0, 60_000), 50)
    .option('--concurrency <n>', 'calls at once', whole('--concurrency', 1, 1000), 20)
    .option('--profile <dir>', 'write processor profiles of worker and loop there')
    .option('--json', 'one JSON document on standard output', false)
    .exitOverride();
  program.parse(argv, { from: 'user' });
  const [measurement] = program.args;
  const wanted = measurements.filter((each) => measurement === undefined || each === measurement);
  if (wanted.length === 0)
    faults.push(`${measurement} is none of the measurements ${measurements.join(', ')}`);
  if (faults.length > 0) throw new WrongUse(faults);
  const { contacts, ...options } = program.opts<
    Omit<Options, 'wanted' | 'contacts'> & { contacts?: number }
  >();
  const isOfChanges = measurement === 'changes' || measurement === 'opt-out';
  return { ...options, contacts: contacts ?? (isOfChanges ? CHANGES_CONTACTS : FIRST_LOAD_CONTACTS), wanted };
}

/** A real pair's settings that happen to be set here must reach neither worker nor sandbox. */
function withoutSettings(environment: Environment): Environment {
  const ours = /^(DYNAMICS|CAMPAIGN|ADOBE|LEDGER|TEMPORAL|SFTP|PAYLOAD|METRICS|HEALTH|LEASE|CALL)_/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !ours.test(name)));
}

function stopSignal(): Promise<undefined> {
  return new Promise((resolvePromise) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const)
      process.once(signal, () => resolvePromise(undefined));
  });
}

const print = (text: string): Promise<void> =>
  new Promise((done) => process.stdout.write(`${text}\n`, () => done()));
