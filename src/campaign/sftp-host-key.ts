import { createHash, timingSafeEqual } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';

/** A server has a key of each kind, and shows one: the pinned one may be of a kind that was not asked for. */
export const KEY_KINDS: Readonly<Record<string, ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};

const isFingerprint = (hostKey: string): boolean => hostKey.trim().startsWith('SHA256:');

/** A pinned key tells its kind, a fingerprint does not. */
export function kindsFor(hostKey: string): string[] {
  const all = Object.keys(KEY_KINDS);
  const [kind = ''] = hostKey.trim().split(/\s+/);
  return isFingerprint(hostKey) || !all.includes(kind) ? all : [kind];
}

export function isPinned(key: Buffer, hostKey: string): boolean {
  const pinned = isFingerprint(hostKey)
    ? Buffer.from(hostKey.trim().slice('SHA256:'.length), 'base64')
    : sha256(Buffer.from(hostKey.trim().split(/\s+/)[1] ?? '', 'base64'));
  const shown = sha256(key);
  return pinned.length === shown.length && timingSafeEqual(pinned, shown);
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** As `ssh-keygen -l` prints it. */
export const fingerprintOf = (key: Buffer): string =>
  `SHA256:${sha256(key).toString('base64').replace(/=+$/, '')}`;

/** The first text of a key in SSH's form is its kind (RFC 4253 §6.6). */
export const kindOf = (key: Buffer): string =>
  key.length > 4 ? key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1') : '';
