// Takes the pictures in docs/images: the Temporal Web UI over what `npm start` runs in a fresh data folder, in a real browser (Debian's
// package `chromium`, or the program that CHROMIUM names). `npm run screenshots`.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));
const imageFolder = join(projectFolder, 'docs', 'images');
const runScript = join(projectFolder, 'scripts', 'run.mjs');
const programs = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
];
const largestBytes = 150 * 1024;

const executablePath = programs.find((path) => path && existsSync(path));
if (!executablePath) {
  process.stderr.write('No browser: install Chromium (apt-get install chromium), or name one in CHROMIUM.\n');
  process.exit(2);
}
await mkdir(imageFolder, { recursive: true });
const folder = await mkdtemp(join(tmpdir(), 'screenshots-'));
// A tick that falls between would leave a run that has nothing to tell.
const mapping = await readFile(join(projectFolder, 'sync.example.yaml'), 'utf8');
const config = join(folder, 'sync.yaml');
await writeFile(config, mapping.replaceAll('every: 1m', 'every: 6h'));
// Ports that are taken, by a service that runs here, are replaced by free ones.
const service = spawn(
  process.execPath,
  [runScript, 'start', '--json', '--contacts', '400', '--data', folder, '--config', config],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const ended = once(service, 'exit');
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-lcd-text'] });
try {
  const [line] = await Promise.race([
    once(createInterface({ input: service.stdout }), 'line'),
    ended.then(() => Promise.reject(new Error('npm start has ended'))),
  ]);
  await takeAll(JSON.parse(line));
} finally {
  await browser.close();
  service.kill('SIGTERM');
  await ended;
  await rm(folder, { recursive: true, force: true });
}

async function takeAll({ temporal, sandbox }) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, timezoneId: 'UTC' });
  const namespace = `${temporal.ui}/namespaces/${temporal.namespace}`;
  const run = (flow) => `${namespace}/workflows/${encodeURIComponent(flow)}`;

  // Once to be in step, and once so that the run has something to tell.
  await starter('sync');
  await page.goto(`${namespace}/schedules`);
  await page.getByRole('link', { name: 'resync/contact' }).waitFor();
  await take(page, 'schedules');

  await starter('resync', 'contact', '--wait');
  await openTab(page, run('ingress/contact'), 'user-metadata');
  await inDetails(page, 'following changes');
  await take(page, 'workflow');
  await openTab(page, run('ingress/contact'), 'timeline');
  await page.getByText('Result', { exact: true }).locator('visible=true').first().waitFor();
  await take(page, 'resync');

  await starter('pause', 'opt-out');
  await page.goto(run('opt-out'));
  await page.locator('button:visible', { hasText: 'More Actions' }).click();
  await page.locator('[role=menuitem]:visible', { hasText: 'Send a Signal' }).click();
  await page
    .locator('button:visible')
    .filter({ has: page.getByTestId('signal-select') })
    .click();
  await page.getByText('Look once more before the run ends').last().waitFor();
  await take(page, 'signal');
  await starter('resume', 'opt-out');

  // The application user has lost its role: the run fails, and says so.
  await faults(sandbox, 'PUT', [
    { system: 'dynamics', path: '/api/', kind: 'status', status: 403, times: 1_000_000 },
  ]);
  await starter('sync', 'ingress/contact').catch(() => undefined);
  await openTab(page, run('ingress/contact'), 'user-metadata');
  await inDetails(page, 'Last error');
  await take(page, 'failed');
  await openTab(page, run('ingress/contact'), 'timeline');
  await page.getByText('Result', { exact: true }).locator('visible=true').first().waitFor();
  await take(page, 'failure');

  const query = 'WorkflowType IN ("ingress", "egress", "optOut") AND ExecutionStatus = "Failed"';
  await page.goto(`${namespace}/workflows?query=${encodeURIComponent(query)}`);
  await page.getByRole('link', { name: 'ingress/contact' }).first().waitFor();
  await take(page, 'saved-view');
  await faults(sandbox, 'DELETE');
}

/** A tab of the flow's last run, to whose address the Web UI leads. */
async function openTab(page, address, tab) {
  await page.goto(address);
  await page.waitForURL(/\/timeline/);
  await page.goto(page.url().replace(/\/timeline.*/, `/${tab}`));
}

/** Markdown is shown in frames of its own. */
async function inDetails(page, text) {
  for (;;) {
    for (const frame of page.frames()) {
      // A frame may be replaced by its next content meanwhile.
      const found = await frame
        .getByText(text)
        .count()
        .catch(() => 0);
      if (found > 0) return;
    }
    await page.waitForTimeout(100);
  }
}

/** As a person sees it once nothing moves any more. */
async function take(page, name) {
  await page.waitForTimeout(1_000);
  const path = join(imageFolder, `${name}.png`);
  // What lies behind a dialog is blurred, which takes more bytes than all the rest.
  const style = '*, *::backdrop { backdrop-filter: none !important }';
  await page.screenshot({ path, style, animations: 'disabled', caret: 'hide' });
  const { size } = await stat(path);
  process.stderr.write(`${path}: ${size} bytes\n`);
  if (size > largestBytes) throw new Error(`${name}.png has more than ${largestBytes} bytes`);
}

function starter(...argv) {
  return promisify(execFile)(process.execPath, [runScript, 'starter', ...argv, '--data', folder]);
}

async function faults(sandbox, method, wanted) {
  const response = await fetch(new URL('/_sandbox/faults', sandbox.dynamics), {
    method,
    ...(wanted && { body: JSON.stringify(wanted), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok) throw new Error(`the sandbox answers ${response.status}`);
}
