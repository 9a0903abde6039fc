import { randomBytes } from 'node:crypto';
import type { Store } from '../store.js';

/** A place in the journal: behind the entry of that number, as it stood at that time. */
export interface Position {
  sequence: number;
  /** When the entry came in; of a position at the end of an empty journal, when it was handed out. */
  atMs: number;
}

/** Positions as clients see them: opaque, in the form `<word>:<part>:<part>` (campaign.md §6). */
export interface Positions {
  write(position: Position): string;
  /** `foreign` for a position of another journal, such as one from before a reset; undefined for anything else. */
  read(text: string): Position | 'foreign' | undefined;
}

const FORM = /^lynx:([0-9a-f]{16}):([0-9a-z]+)-([0-9a-z]+)$/;

export function createPositions(store: Store): Positions {
  const kept = store.collection<string>('journal.instance');
  const instance = kept.get('id') ?? newInstance();

  function newInstance(): string {
    const made = randomBytes(8).toString('hex');
    kept.set('id', made);
    return made;
  }

  function read(text: string): Position | 'foreign' | undefined {
    const [, of = '', sequence = '', at = ''] = FORM.exec(text) ?? [];
    if (of === '') return undefined;
    if (of !== instance) return 'foreign';
    return { sequence: Number.parseInt(sequence, 36), atMs: Number.parseInt(at, 36) };
  }

  return {
    write: ({ sequence, atMs }) => `lynx:${instance}:${sequence.toString(36)}-${atMs.toString(36)}`,
    read,
  };
}
