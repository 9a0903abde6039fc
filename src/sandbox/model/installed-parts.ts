import type { Store } from '../store.js';

/**
 * Which parts of a model this world has been given. What a user deletes afterwards does not come back at the next
 * start; what a newer model adds does come.
 */
export interface InstalledParts {
  /** Marks a part as given; false when it was already. */
  take(
    kind: 'choice' | 'table' | 'column' | 'key' | 'relationship' | 'resource' | 'field' | 'filter',
    name: string,
  ): boolean;
}

export function createInstalledParts(store: Store): InstalledParts {
  const given = store.collection<true>('model/installed');
  return {
    take(kind, name) {
      const key = `${kind} ${name}`;
      if (given.has(key)) return false;
      given.set(key, true);
      return true;
    },
  };
}
