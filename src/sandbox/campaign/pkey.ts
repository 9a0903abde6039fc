import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Store } from '../store.js';

/** What a PKey stands for. */
export interface RecordReference {
  resource: string;
  id: number;
}

/**
 * PKeys: opaque, specific to this instance, about 110 characters. One record has several valid ones, since
 * the token in a collection's address differs from the record's own (campaign.md §2, "PKey and keys").
 */
export interface PKeys {
  /** @param place where the token stands, e.g. `record` or `collection`: the same place, the same token. */
  mint(resource: string, id: number, place?: string): string;
  /** Undefined for anything that this instance has not minted. */
  read(token: string): RecordReference | undefined;
}

const BLOCK_BYTES = 16;
/** Five cipher blocks, 107 characters of text; more for a resource with a very long name. */
const TEXT_BYTES = 5 * BLOCK_BYTES;
const TOKEN_FORM = /^@[A-Za-z0-9_-]{107,400}$/;
/** Fixed, so that the same place yields the same token. */
const START = Buffer.alloc(16);
const REMEMBERED = 5000;

export function createPKeys(store: Store): PKeys {
  const instance = store.collection<string>('campaign.instance');
  const key = Buffer.from(instance.get('pkeyKey') ?? newKey(), 'hex');

  function newKey(): string {
    const made = randomBytes(32).toString('hex');
    instance.set('pkeyKey', made);
    return made;
  }

  // One answer names the same record in several addresses.
  const minted = new Map<string, string>();

  function mint(resource: string, id: number, place = 'record'): string {
    const text = padded(`${id}|${resource}|${place}`);
    let token = minted.get(text);
    if (token !== undefined) return token;
    if (minted.size >= REMEMBERED) minted.clear();
    token = encrypted(text);
    minted.set(text, token);
    return token;
  }

  function encrypted(text: string): string {
    const cipher = createCipheriv('aes-256-cbc', key, START).setAutoPadding(false);
    return `@${cipher.update(text, 'utf8', 'base64url')}${cipher.final('base64url')}`;
  }

  function read(token: string): RecordReference | undefined {
    if (!TOKEN_FORM.test(token)) return undefined;
    const bytes = Buffer.from(token.slice(1), 'base64url');
    if (bytes.length % BLOCK_BYTES !== 0) return undefined;
    const decipher = createDecipheriv('aes-256-cbc', key, START).setAutoPadding(false);
    const text = Buffer.concat([decipher.update(bytes), decipher.final()]).toString('utf8');
    const [, id = '', resource = ''] = /^(\d+)\|([\w.]+)\|\w+ +$/.exec(text) ?? [];
    return resource === '' ? undefined : { resource, id: Number(id) };
  }

  return { mint, read };
}

/** To whole cipher blocks, with a blank at least. */
const padded = (text: string): string =>
  text.padEnd(Math.max(TEXT_BYTES, (Math.floor(text.length / BLOCK_BYTES) + 1) * BLOCK_BYTES));
