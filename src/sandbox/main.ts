import { pathToFileURL } from 'node:url';
import { Command, CommanderError } from 'commander';
import { FolderInUse } from './folder-claim.js';
import {
  DEFAULT_CONTACTS,
  DEFAULT_SEED,
  FaultyModel,
  startSandbox,
  type Sandbox,
  type SandboxOptions,
} from './index.js';

/** Wrong use of the command line: exit status 2, every fault listed. */
class WrongUse extends Error {
  readonly exitStatus = 2;

  constructor(faults: string[]) {
    super(faults.join('\n'));
  }
}

interface RawOptions {
  dynamicsPort: string;
  campaignPort: string;
  sftpPort: string;
  contacts: string;
  seed: string;
  latency: string;
  host: string;
  model?: string;
  data?: string;
  memory?: boolean;
}

/**
 * `npm run sandbox`: both simulated systems alone (CONTRACT, "Sandbox"). Prints one JSON line on standard output
 * when they are ready, and runs until SIGTERM, SIGINT, or the end of a parent that holds an IPC channel to it.
 */
export async function main(argv: string[]): Promise<void> {
  const options = readOptions(argv);
  if (!options) return;
  const sandbox = await start(options);
  const { seeded } = sandbox;
  if (seeded.contacts !== options.contacts || seeded.seed !== options.seed) {
    const { contacts, seed } = seeded;
    process.stderr.write(
      `${options.folder} is not new: it was seeded with --contacts ${contacts} --seed ${seed}\n`,
    );
  }
  closeWithParent(sandbox);
  process.stdout.write(`${JSON.stringify(sandbox.ready)}\n`);
}

/** Undefined after `--help`, which has printed all there is. */
function readOptions(argv: string[]): SandboxOptions | undefined {
  const program = new Command('npm run sandbox --')
    .description(
      'Simulates Microsoft Dataverse, Entra ID, Adobe Campaign Standard with its event journal and SFTP area, and Adobe IMS on this machine.',
    )
    .option('--dynamics-port <port>', 'port of Dataverse and Entra ID; 0 for a free one', '4801')
    .option('--campaign-port <port>', 'port of Campaign and IMS; 0 for a free one', '4802')
    .option('--sftp-port <port>', 'port of the SFTP area; 0 for a free one', '4822')
    .option('--contacts <number>', 'contacts of the first seed', String(DEFAULT_CONTACTS))
    .option('--seed <number>', 'the same number makes the same people', String(DEFAULT_SEED))
    .option('--latency <ms>', 'added to the answer time of every API call', '0')
    .option('--model <file>', 'YAML or JSON: further tables and resources (docs/guides/sandbox.md)')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--data <folder>', 'keep the state there; it survives a restart', '.data/sandbox')
    .option('--memory', 'keep nothing on disk')
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw new WrongUse([error.message]);
  }
  const isGiven = (name: string) => program.getOptionValueSource(name) === 'cli';
  return checked(program.opts<RawOptions>(), isGiven('data'), isGiven('sftpPort'));
}

function checked(raw: RawOptions, dataGiven: boolean, sftpPortGiven: boolean): SandboxOptions {
  const faults: string[] = [];
  const number = (flag: string, text: string, most: number): number => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value <= most) return value;
    faults.push(`--${flag}: a whole number from 0 to ${most} is expected, not '${text}'`);
    return 0;
  };
  const options = {
    dynamicsPort: number('dynamics-port', raw.dynamicsPort, 65_535),
    campaignPort: number('campaign-port', raw.campaignPort, 65_535),
    sftpPort: number('sftp-port', raw.sftpPort, 65_535),
    contacts: number('contacts', raw.contacts, 10_000_000),
    seed: number('seed', raw.seed, 4_294_967_295),
    latencyMs: number('latency', raw.latency, 600_000),
  };
  if (raw.memory && dataGiven) faults.push('--memory and --data exclude each other');
  if (options.dynamicsPort !== 0 && options.dynamicsPort === options.campaignPort) {
    faults.push('--dynamics-port and --campaign-port must differ');
  }
  if (faults.length > 0) throw new WrongUse(faults);
  return {
    ...options,
    host: raw.host,
    ...(raw.model !== undefined && { model: raw.model }),
    portsMustBeFree: true,
    sftpPortMustBeFree: sftpPortGiven,
    ...(raw.memory || raw.data === undefined ? { memory: true } : { folder: raw.data }),
  };
}

async function start(options: SandboxOptions): Promise<Sandbox> {
  try {
    return await startSandbox(options);
  } catch (error) {
    if (error instanceof FolderInUse || error instanceof FaultyModel) throw new WrongUse([error.message]);
    const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
    if (code === 'EADDRINUSE')
      throw new WrongUse([`port ${port} is taken: name another, or 0 for a free one`]);
    if (code === 'EACCES' || code === 'ENOTDIR' || code === 'EADDRNOTAVAIL') throw new WrongUse([message]);
    throw error;
  }
}

/** Signals, and the end of a parent that started this process with an IPC channel, end the sandbox. */
function closeWithParent(sandbox: Sandbox): void {
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= sandbox.close().then(() => {
      if (process.connected) process.disconnect();
    });
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  process.on('disconnect', close);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  main(process.argv.slice(2)).catch((error: Error & { exitStatus?: number }) => {
    process.stderr.write(`${error.exitStatus === undefined ? error.stack : error.message}\n`);
    process.exitCode = error.exitStatus ?? 1;
  });
}
