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

/** Five cipher blocks: 107 characters of text. */
const TEXT_BYTES = 80;
const TOKEN_FORM = /^@[A-Za-z0-9_-]{107}$/;
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
    const text = `${id}|${resource}|${place}`.padEnd(TEXT_BYTES);
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
    const decipher = createDecipheriv('aes-256-cbc', key, START).setAutoPadding(false);
    const text = decipher.update(token.slice(1), 'base64url', 'utf8') + decipher.final('utf8');
    const [, id = '', resource = ''] = /^(\d+)\|([\w.]+)\|\w+ +$/.exec(text) ?? [];
    return resource === '' ? undefined : { resource, id: Number(id) };
  }

  return { mint, read };
}
