import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedLedger } from '../../src/ledger/embedded.js';
import { lockFolder } from '../../src/ledger/folder-lock.js';
import { run } from './programs/run.js';

const inUse = { code: 'DATA_FOLDER_IN_USE', class: 'stop' };

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lock-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

async function holder(folder: string) {
  const program = run('hold-folder', folder);
  await program.line();
  program.tell('go');
  return { program, answer: await program.line() };
}

test('a folder that a living process holds is refused, and free at once after a kill', async () => {
  const folder = await freshFolder();
  const { program, answer } = await holder(folder);
  expect(answer).toBe('held');
  await expect(lockFolder(folder)).rejects.toMatchObject(inUse);
  await program.kill();
  const lock = await lockFolder(folder);
  expect((await holder(folder)).answer).toBe('DATA_FOLDER_IN_USE');
  await lock.release();
  expect((await holder(folder)).answer).toBe('held');
});

test('a folder whose holder is stopped is still held', async () => {
  const folder = await freshFolder();
  const { program } = await holder(folder);
  program.process.kill('SIGSTOP');
  await expect(lockFolder(folder)).rejects.toMatchObject(inUse);
});

test('of several processes that follow a killed one at once, exactly one gets the folder', async () => {
  const folder = await freshFolder();
  const { program } = await holder(folder);
  await program.kill();
  const racers = Array.from({ length: 5 }, () => run('hold-folder', folder));
  await Promise.all(racers.map((racer) => racer.line()));
  for (const racer of racers) racer.tell('go');
  const answers = await Promise.all(racers.map((racer) => racer.line()));
  expect(answers.filter((answer) => answer === 'held')).toHaveLength(1);
  expect(answers.filter((answer) => answer === inUse.code)).toHaveLength(4);
});

test('of many that ask at once in one process, exactly one gets the folder, time and again', async () => {
  const folder = await freshFolder();
  for (let round = 0; round < 20; round += 1) {
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => lockFolder(folder)));
    const locks = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    expect(locks).toHaveLength(1);
    await locks[0]?.release();
  }
  expect((await readdir(folder)).length).toBeLessThanOrEqual(1);
});

test('a folder with a path longer than a socket may have is locked like any other', async () => {
  const folder = join(await freshFolder(), 'x'.repeat(120), 'y'.repeat(120));
  const lock = await lockFolder(folder);
  expect((await holder(folder)).answer).toBe('DATA_FOLDER_IN_USE');
  await lock.release();
  expect((await holder(folder)).answer).toBe('held');
});

test('a ledger is opened once, makes its key, and is free for the next when it is closed', async () => {
  const folder = await freshFolder();
  const ledger = await openEmbeddedLedger({ folder, leaseMs: 60_000 });
  await expect(openEmbeddedLedger({ folder, leaseMs: 60_000 })).rejects.toMatchObject(inUse);
  const hash = ledger.fingerprint('text');
  await ledger.mappings.publish('document');
  await ledger.close();
  const reopened = await openEmbeddedLedger({ folder, leaseMs: 60_000 });
  expect(reopened.fingerprint('text')).toBe(hash);
  expect(await reopened.mappings.inForce()).toEqual({ version: 1, document: 'document' });
  await reopened.close();
});
