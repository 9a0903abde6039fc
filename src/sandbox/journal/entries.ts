import type { SandboxContext } from '../context.js';
import { createRandom, type Random } from '../seed/random.js';
import type { EmailEvent } from '../deliveries/email-event.js';

/** What an entry holds: an email event, written out when it is read, or any JSON that was put in by hand. */
export type Content = { email: EmailEvent } | { json: unknown };

export type Entry = Content & {
  /** When it came in, on the sandbox's clock. */
  atMs: number;
};

/** The journal's entries, oldest first, numbered from 1 without a gap. */
export interface Entries {
  /**
   * Adds entries in this order, with the duplicates and the disorder that the limits ask for: the same for the same
   * `seed`. Returns how many were added as duplicates.
   */
  append(contents: readonly Content[], seed: number): number;
  get(sequence: number): Entry | undefined;
  /** Number of the oldest entry that is retained; one more than the newest when there is none. */
  oldest(): number;
  /** Number of the newest entry ever; 0 before the first. */
  newest(): number;
  /** Number of the first entry that came in at that time or later. */
  firstSince(atMs: number): number;
  /** Makes one next page's body this text. */
  spoil(body: string): void;
  /** The text that this page's body is to be, once. */
  takeSpoilt(): string | undefined;
}

const DAY_MS = 86_400_000;
/** A duplicate comes so many entries after its original at most: deliveries are repeated soon. */
const DUPLICATE_WITHIN = 50;
/** A commit is one text, whose length has a limit. */
const ENTRIES_PER_COMMIT = 50_000;

export function createEntries(context: SandboxContext): Entries {
  const entries = context.store.collection<Entry>('journal');
  const bounds = context.store.collection<number>('journal.bounds');
  const spoilt = context.store.collection<string[]>('journal.spoilt');
  const newest = () => bounds.get('newest') ?? 0;

  function append(contents: readonly Content[], seed: number): number {
    const { duplicateShare, shuffleWithin } = context.limits().campaign.journal;
    const random = createRandom(seed);
    const ordered = withDuplicates(random, contents, duplicateShare);
    shuffle(random, ordered, shuffleWithin);
    const atMs = context.clock.nowMs();
    let sequence = newest();
    for (const content of ordered) {
      sequence += 1;
      entries.set(String(sequence), { ...content, atMs });
      if (sequence % ENTRIES_PER_COMMIT !== 0) continue;
      bounds.set('newest', sequence);
      context.store.commit();
    }
    bounds.set('newest', sequence);
    return ordered.length - contents.length;
  }

  function oldest(): number {
    const expiredBeforeMs = context.clock.nowMs() - context.limits().campaign.journal.retentionDays * DAY_MS;
    let sequence = bounds.get('oldest') ?? 1;
    const before = sequence;
    for (; sequence <= newest(); sequence += 1) {
      const entry = entries.get(String(sequence));
      if (entry && entry.atMs >= expiredBeforeMs) break;
      entries.delete(String(sequence));
    }
    if (sequence !== before) bounds.set('oldest', sequence);
    return sequence;
  }

  function firstSince(atMs: number): number {
    let low = oldest();
    let high = newest() + 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries.get(String(middle))?.atMs ?? 0) < atMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function takeSpoilt(): string | undefined {
    const [next, ...rest] = spoilt.get('bodies') ?? [];
    if (next !== undefined) spoilt.set('bodies', rest);
    return next;
  }

  return {
    append,
    get: (sequence) => entries.get(String(sequence)),
    oldest,
    newest,
    firstSince,
    spoil: (body) => spoilt.set('bodies', [...(spoilt.get('bodies') ?? []), body]),
    takeSpoilt,
  };
}

/** A share of the entries comes a second time, a little later: at least once, not exactly once. */
function withDuplicates(random: Random, contents: readonly Content[], share: number): Content[] {
  if (share <= 0) return [...contents];
  const due = new Map<number, Content[]>();
  const result: Content[] = [];
  for (const [place, content] of contents.entries()) {
    result.push(content, ...(due.get(place) ?? []));
    due.delete(place);
    if (random() >= share) continue;
    const later = place + 1 + Math.floor(random() * DUPLICATE_WITHIN);
    due.set(later, [...(due.get(later) ?? []), content]);
  }
  for (const late of due.values()) result.push(...late);
  return result;
}

/** Disorder within windows of that many entries; 0 and 1 leave the order as it is. */
function shuffle(random: Random, contents: Content[], within: number): void {
  if (within < 2) return;
  for (let start = 0; start < contents.length; start += within) {
    const size = Math.min(within, contents.length - start);
    for (let place = size - 1; place > 0; place -= 1) {
      const other = start + Math.floor(random() * (place + 1));
      const mine = start + place;
      [contents[mine], contents[other]] = [contents[other] as Content, contents[mine] as Content];
    }
  }
}
