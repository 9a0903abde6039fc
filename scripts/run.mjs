// The front door behind every npm script: brings node_modules in step with package-lock.json, then runs the wanted
// entry in this very process, so that a signal reaches it and no wrapper stands in between.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestNode = [20, 19];

/** TypeScript entries, each exporting `main(argv, environment)`. */
const entries = {
  start: 'src/embedded.ts',
  sandbox: 'src/sandbox/main.ts',
  worker: 'src/worker.ts',
  starter: 'src/starter.ts',
  'codec-server': 'src/codec-server/main.ts',
  replay: 'src/replay.ts',
  bench: 'bench/main.ts',
};
/** Series of checks, in `checks.mjs`. */
const checks = ['test', 'test:full', 'check', 'build'];

const [command, ...argv] = process.argv.slice(2);
process.chdir(projectFolder);
refuseOldNode();
if (command in entries) {
  await bringInStep();
  await runEntry(entries[command], argv);
} else if (checks.includes(command)) {
  await bringInStep();
  const { runChecks } = await import('./checks.mjs');
  process.exitCode = await runChecks(command, argv);
} else {
  refuse(
    `Unknown command ${command ?? '(none)'}: one of ${[...Object.keys(entries), ...checks].join(', ')}.`,
  );
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  refuse(`Node.js ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

async function runEntry(file, argv) {
  const { register } = await import('tsx/esm/api');
  register();
  try {
    const { main } = await import(pathToFileURL(join(projectFolder, file)));
    await main(argv, process.env);
  } catch (error) {
    process.stderr.write(`${error.exitStatus === undefined ? error.stack : error.message}\n`);
    process.exit(error.exitStatus ?? 1);
  }
}

/** Several commands may be started at once on a fresh clone: one installs, the others wait for it. */
async function bringInStep() {
  if (inStep()) return;
  const release = await takeInstallLock();
  try {
    if (!inStep()) install();
  } finally {
    release();
  }
}

/**
 * npm writes what it installed into node_modules/.package-lock.json. Optional packages may be missing there, being
 * for other platforms; everything else has to be the very package that the lock file names.
 */
function inStep() {
  const wanted = readJson('package-lock.json').packages;
  const installed = readJson('node_modules/.package-lock.json')?.packages;
  if (!installed) return false;
  const same = Object.entries(wanted).every(([path, { version, integrity, optional, devOptional, peer }]) => {
    if (path === '') return true;
    const found = installed[path];
    if (!found) return Boolean(optional || devOptional || peer);
    return found.version === version && found.integrity === integrity;
  });
  return same && Object.keys(installed).every((path) => path in wanted);
}

function install() {
  process.stderr.write('Installing packages (npm ci) …\n');
  // npm says where its own program is; without npm around us, the one on PATH has to do.
  const npm = process.env.npm_execpath;
  const [program, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : [npm ?? 'npm'];
  const { status, error } = spawnSync(
    program,
    [...before, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: projectFolder,
      // Standard output belongs to the command's own result; `npm run`'s --silent must not hide a failure here.
      stdio: ['ignore', 2, 2],
      env: { ...process.env, npm_config_loglevel: 'error' },
    },
  );
  if (error) refuse(`npm could not be started: ${error.message}`);
  if (status !== 0) refuse('npm ci failed: see above. Packages could not be installed.', 1);
}

async function takeInstallLock() {
  const lock = join(projectFolder, '.data', 'install.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let said = false; ; said = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = Number(readText(lock));
    if (owner && !isRunning(owner)) rmSync(lock, { force: true });
    else {
      if (!said) process.stderr.write(`Waiting for another installation to end (its lock: ${lock}) …\n`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function readJson(path) {
  const text = readText(join(projectFolder, path));
  return text === undefined ? undefined : JSON.parse(text);
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function refuse(message, status = 2) {
  process.stderr.write(`${message}\n`);
  process.exit(status);
}
