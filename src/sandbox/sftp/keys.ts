import { createHash, generateKeyPair } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import ssh2, { type ParsedKey } from 'ssh2';

const RSA_BITS = 2048;

/**
 * The private key in that file, as PEM, which is made at the first start: RSA of 2,048 bits, the kind that Campaign
 * takes (campaign.md §7), in a form that OpenSSH reads as well.
 */
export async function ensureRsaKey(file: string): Promise<string> {
  if (!existsSync(file)) {
    const { privateKey } = await promisify(generateKeyPair)('rsa', {
      modulusLength: RSA_BITS,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    });
    writeWhole(file, privateKey);
  }
  // OpenSSH refuses a private key that others may read.
  chmodSync(file, 0o600);
  return readFileSync(file, 'utf8');
}

/** The host key in that file, which is made at the first start. */
export function ensureHostKey(file: string): string {
  if (!existsSync(file)) writeWhole(file, newHostKey());
  return readFileSync(file, 'utf8');
}

/** One in some hundred keys that ssh2 makes cannot be read, by itself either: another one is made then. */
export function newHostKey(): string {
  for (;;) {
    const { private: key } = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(key) instanceof Error)) return key;
  }
}

/** `SHA256:…`, as `ssh-keygen -l` prints it. */
export const fingerprintOf = (privateKey: string): string =>
  `SHA256:${createHash('sha256').update(parsed(privateKey).getPublicSSH()).digest('base64').replace(/=+$/, '')}`;

export function parsed(privateKey: string): ParsedKey {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  return key;
}

/** A kill in between leaves no half of a key. */
function writeWhole(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.part`;
  writeFileSync(unfinished, text, { mode: 0o600 });
  renameSync(unfinished, file);
}
