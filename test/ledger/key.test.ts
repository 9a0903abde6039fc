import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readOrMakeKey } from '../../src/ledger/key.js';

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'key-test-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

test('a key is made once, readable by its owner only, and kept', async () => {
  const folder = join(await freshFolder(), 'not yet there');
  const key = await readOrMakeKey(folder);
  expect(key).toMatch(/^[0-9a-f]{64}$/);
  expect(await readOrMakeKey(folder)).toBe(key);
  expect((await stat(join(folder, 'ledger.key'))).mode & 0o777).toBe(0o600);
  expect(await readOrMakeKey(await freshFolder())).not.toBe(key);
});

test('many that make the key at once get the same, and leave nothing else', async () => {
  const folder = await freshFolder();
  const keys = await Promise.all(Array.from({ length: 10 }, () => readOrMakeKey(folder)));
  expect(new Set(keys).size).toBe(1);
  expect(await readdir(folder)).toEqual(['ledger.key']);
});

test('a key file that holds no key is refused, not replaced', async () => {
  const folder = await freshFolder();
  await writeFile(join(folder, 'ledger.key'), 'half a k');
  await expect(readOrMakeKey(folder)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
});
