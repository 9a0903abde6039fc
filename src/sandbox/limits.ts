import type { Limits } from './context.js';
import type { Store } from './store.js';

/** The limits in force, kept in the store as what was merged into the defaults. */
export interface LimitSettings {
  current(): Limits;
  /**
   * Merges a partial document: objects are merged, anything else replaces.
   * Returns what is wrong with it, and then changes nothing.
   */
  merge(patch: unknown): string[];
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
      },
    },
  };
}

export function createLimits(store: Store): LimitSettings {
  const kept = store.collection<JsonObject>('limits');
  let current = mergedWith(kept.get('overrides') ?? {});

  function merge(patch: unknown): string[] {
    if (!isObject(patch)) return ['limits: a JSON object is expected'];
    const problems = unknownNames(patch, defaultLimits() as unknown as JsonObject, '');
    if (problems.length > 0) return problems;
    const overrides = mergeObjects(kept.get('overrides') ?? {}, patch);
    kept.set('overrides', overrides);
    current = mergedWith(overrides);
    return [];
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

/** A misspelt limit would silently test nothing. Objects that are empty or open by default take any name. */
function unknownNames(patch: JsonObject, known: JsonObject, path: string): string[] {
  return Object.entries(patch).flatMap(([name, value]) => {
    const fullName = path === '' ? name : `${path}.${name}`;
    const expected = known[name];
    if (expected === undefined) return [`limits: ${fullName} is unknown`];
    if (OPEN.has(name)) return isObject(value) ? [] : [`limits: ${fullName} must be an object`];
    if (isObject(expected)) {
      return isObject(value)
        ? unknownNames(value, expected, fullName)
        : [`limits: ${fullName} must be an object`];
    }
    if (Array.isArray(expected) !== Array.isArray(value) || typeof expected !== typeof value) {
      return [`limits: ${fullName} must be of the type of ${JSON.stringify(expected)}`];
    }
    const choices = CHOICES[fullName];
    if (choices && !choices.includes(value as string)) {
      return [`limits: ${fullName} must be one of ${choices.join(', ')}`];
    }
    return [];
  });
}

/** Words that mean something: any other would be taken for one of them. */
const CHOICES: Record<string, readonly string[]> = {
  'campaign.exports.separator': ['tab', 'semicolon', 'comma'],
  'campaign.exports.quote': ['none', 'double'],
  'campaign.exports.encoding': ['utf-8', 'latin1'],
  'campaign.exports.lineEnd': ['lf', 'crlf'],
};

const OPEN = new Set(['bulkActions', 'identificationKeys', 'uniqueKeys']);
