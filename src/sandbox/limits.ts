import type { Limits } from './context.js';
import type { LimitsPatch } from './limits-schema.js';
import type { Store } from './store.js';

/** The limits in force, kept in the store as what was merged into the defaults. */
export interface LimitSettings {
  current(): Limits;
  /** Merges a partial document: objects are merged, anything else replaces. */
  merge(patch: LimitsPatch): void;
  restore(): void;
}

/** What the real systems do by default (dataverse.md §3, §5, §6; campaign.md §1 to §3). */
export function defaultLimits(): Limits {
  return {
    dynamics: {
      requests: 6000,
      executionMs: 1_200_000,
      concurrency: 52,
      windowSeconds: 300,
      webServers: 1,
      executionMsPerRow: 5,
      maxPageSize: 5000,
      deltaRetentionDays: 7,
      deltaTokenFrom: 'last-page',
      expireDeltaOnSchemaChange: true,
      batchMaxOperations: 1000,
      batchRefused: [],
      bulkActions: {},
      keyActivationMs: 2000,
      globalReadMissing: [],
      tokenSeconds: 3599,
      nonMember: false,
    },
    campaign: {
      edition: 'standard',
      bigTableThreshold: 100_000,
      defaultLineCount: 25,
      maxLineCount: 1000,
      deleteStatus: 200,
      identificationKeys: { profile: 'externalId', service: 'name' },
      uniqueKeys: { service: ['name'] },
      requestsPerSecond: 0,
      tokenSeconds: 86_399,
      nonMember: false,
      automaticId: false,
      journal: {
        duplicateShare: 0,
        shuffleWithin: 0,
        retentionDays: 7,
        pageBytes: 1_500_000,
        retryAfterSeconds: 10,
        mirrorPageId: true,
      },
      exports: {
        separator: 'tab',
        quote: 'none',
        encoding: 'utf-8',
        lineEnd: 'lf',
        gzip: false,
        header: true,
        optOutEvery: 'off',
      },
    },
  };
}

export function createLimits(store: Store): LimitSettings {
  const kept = store.collection<JsonObject>('limits');
  let current = mergedWith(kept.get('overrides') ?? {});

  function merge(patch: LimitsPatch): void {
    const overrides = mergeObjects(kept.get('overrides') ?? {}, patch);
    kept.set('overrides', overrides);
    current = mergedWith(overrides);
  }

  function restore(): void {
    kept.delete('overrides');
    current = defaultLimits();
  }

  return { current: () => current, merge, restore };
}

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function mergedWith(overrides: JsonObject): Limits {
  return mergeObjects(defaultLimits() as unknown as JsonObject, overrides) as unknown as Limits;
}

function mergeObjects(base: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...base };
  for (const [name, value] of Object.entries(patch)) {
    const before = merged[name];
    merged[name] = isObject(value) && isObject(before) ? mergeObjects(before, value) : value;
  }
  return merged;
}
