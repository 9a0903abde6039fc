import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeEach, expect, inject, onTestFinished, test } from 'vitest';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript, type Finished } from '../support/npm-start.js';
import { flow, startStack } from '../support/stack.js';

const run = promisify(execFile);
const histories = fileURLToPath(new URL('./histories/', import.meta.url));
const replay = (environment: Record<string, string>, ...paths: string[]): Promise<Finished> =>
  npmScript('replay', paths, environment).finished;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'replay-'));
  return () => rm(folder, { recursive: true, force: true });
});

test('a run that the Temporal CLI has downloaded replays, and an encrypted one under its key only', async () => {
  const keys = { PAYLOAD_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}` };
  const stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 5,
    document: exampleDocument,
    settings: keys,
  });
  onTestFinished(() => stack.stop());
  await stack.sync();
  const server = ['--address', inject('temporalAddress'), '--namespace', stack.namespace];
  const show = ['workflow', 'show', '--workflow-id', flow, '--output', 'json'];
  const { stdout } = await run(inject('temporalCli'), [...show, ...server]);
  const file = join(folder, 'contact.json');
  await writeFile(file, stdout);

  const { status, stdout: said, stderr } = await replay(keys, file);
  expect(stderr).toBe('');
  expect(said).toMatch(/^ingress\/contact, run [\w-]+ \(.*contact\.json\) replays\n$/);
  expect(status).toBe(0);
  const without = await replay({}, file);
  expect(without.stdout).toMatch(/^ingress\/contact, run [\w-]+ \(.*\) does not replay: .*/);
  expect(without.status).toBe(1);
}, 120_000);

test('of a folder, the run that would do other things now is named, and the others are replayed all the same', async () => {
  await cp(histories, folder, { recursive: true });
  const file = join(folder, 'ingress.first-load.json');
  const history = await readFile(file, 'utf8');
  const [, runId] = /"originalExecutionRunId": ?"([\w-]+)"/.exec(history) ?? [];
  await writeFile(file, history.replaceAll('syncSlice', 'syncSlices'));
  const { status, stdout } = await replay({}, folder);
  expect(status).toBe(1);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.length).toBeGreaterThan(10);
  const broken = lines.filter((line) => !line.endsWith(' replays'));
  expect(broken).toHaveLength(1);
  expect(broken[0]).toContain(`ingress/contact, run ${runId} (${file}) does not replay: `);
  expect(broken[0]).toContain('syncSlices');
}, 60_000);

test('what is no history, or is not there, is wrong use, all at once and without its content', async () => {
  await writeFile(join(folder, 'broken.json'), '{ "a person": ');
  await writeFile(join(folder, 'other.json'), '{ "events": [] }');
  const { status, stderr, stdout } = await replay({}, folder, join(folder, 'nothing'));
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/broken\.json: is no history/);
  expect(stderr).toMatch(/other\.json: is no history/);
  expect(stderr).toMatch(/nothing: cannot be read \(ENOENT\)/);
  expect(stderr).not.toContain('a person');
}, 30_000);
