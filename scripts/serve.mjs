// Runs a compiled entry, as the image does: nothing is installed, checked or compiled here.
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

const entries = {
  worker: '../dist/worker.js',
  starter: '../dist/starter.js',
  'codec-server': '../dist/codec-server/main.js',
  sandbox: '../dist/sandbox/main.js',
  replay: '../dist/replay.js',
};

const [command, ...argv] = process.argv.slice(2);
if (!(command in entries)) {
  process.stderr.write(
    `Unknown command ${command ?? '(none)'}: one of ${Object.keys(entries).join(', ')}.\n`,
  );
  process.exit(2);
}
try {
  const { main } = await import(entries[command]);
  await main(argv, command === 'worker' ? await workerEnvironment() : process.env);
} catch (error) {
  process.stderr.write(`${error.exitStatus === undefined ? error.stack : error.message}\n`);
  process.exit(error.exitStatus ?? 1);
}

/** A worker that is told of neither system works on the sandbox beside it, if there is to be one. */
async function workerEnvironment() {
  const { DYNAMICS_URL, CAMPAIGN_URL, SANDBOX_READY_FILE } = process.env;
  if (DYNAMICS_URL || CAMPAIGN_URL || !SANDBOX_READY_FILE) return process.env;
  const { sandboxSettings } = await import('../dist/sandbox-settings.js');
  return { ...process.env, ...sandboxSettings(await readyLine(SANDBOX_READY_FILE)) };
}

async function readyLine(file) {
  for (let said = false; ; said = true) {
    try {
      return JSON.parse(await readFile(file, 'utf8'));
    } catch (error) {
      if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
      if (!said)
        process.stderr.write('DYNAMICS_URL and CAMPAIGN_URL are not set: waiting for the sandbox.\n');
      await delay(1000);
    }
  }
}
