import { createHmac, randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SyncError } from '../errors.js';

/**
 * The LEDGER_KEY of an embedded ledger: read from `ledger.key` in the data folder, made there (readable by its owner
 * only) when there is none. Of several that make it at once, all get the same. Throws CONFIG_INVALID when the file
 * does not hold a key.
 */
export async function readOrMakeKey(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'ledger.key');
  const key = (await readIfThere(path)) ?? (await make(folder, path));
  if (!/^[0-9a-f]{64}$/.test(key)) throw new SyncError('CONFIG_INVALID', { subject: path });
  return key;
}

async function make(folder: string, path: string): Promise<string> {
  const draft = join(folder, `ledger.key.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    await file.writeFile(`${randomBytes(32).toString('hex')}\n`);
    await file.sync();
    await file.close();
    // A link appears whole or not at all, and only if the name is free.
    await link(draft, path).catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  return (await readFile(path, 'utf8')).trim();
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Keyed hash of a canonical text: the first 32 hex digits of HMAC-SHA-256. */
export function createFingerprint(key: string): (canonicalText: string) => string {
  return (canonicalText) => createHmac('sha256', key).update(canonicalText).digest('hex').slice(0, 32);
}
