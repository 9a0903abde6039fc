/** One property of a metadata type: its EDM type for `$metadata`, and its value in a definition. */
export interface Property<Source> {
  name: string;
  type: string;
  value(source: Source): unknown;
  /** What a client may set and has no other place in the schema; kept under the definition's `settings`. */
  setting?: 'plain' | 'managed';
}

interface WithSettings {
  settings?: Record<string, unknown>;
}

/** A type of the metadata model, e.g. `EntityMetadata`, as `$metadata` declares it. */
export interface MetadataType {
  name: string;
  base?: MetadataType;
  abstract?: boolean;
  /** EDM types by property name, without those of the base. */
  properties: Record<string, string>;
  navigation?: Record<string, string>;
}

export const edmTypes = <Source>(properties: Property<Source>[]): Record<string, string> =>
  Object.fromEntries(properties.map(({ name, type }) => [name, type]));

export const render = <Source>(properties: Property<Source>[], source: Source): Record<string, unknown> =>
  Object.fromEntries(properties.map(({ name, value }) => [name, value(source)]));

/** Every property of a type, those of its base included. */
export const allProperties = (type: MetadataType): Record<string, string> => ({
  ...(type.base ? allProperties(type.base) : {}),
  ...type.properties,
});

export const isKindOf = (type: MetadataType, name: string): boolean =>
  type.name === name || (type.base !== undefined && isKindOf(type.base, name));

export const fixed = <Source>(
  name: string,
  type: string,
  value: (source: Source) => unknown,
): Property<Source> => ({ name, type, value });

/** A property that never differs here. */
export const constant = (name: string, type: string, value: unknown): Property<unknown> => ({
  name,
  type,
  value: () => value,
});

/** A property that a client may set, and its value until then. */
export const setting = (name: string, type: string, initial: unknown): Property<WithSettings> => ({
  name,
  type,
  value: ({ settings }) => settings?.[name] ?? initial,
  setting: 'plain',
});

/** A `BooleanManagedProperty`, e.g. `IsCustomizable`. */
export const managed = (
  name: string,
  logicalName: string,
  initial: boolean | ((source: WithSettings) => boolean) = true,
): Property<WithSettings> => ({
  name,
  type: 'mscrm.BooleanManagedProperty',
  value: (source) => ({
    Value: source.settings?.[name] ?? (typeof initial === 'function' ? initial(source) : initial),
    CanBeChanged: true,
    ManagedPropertyLogicalName: logicalName,
  }),
  setting: 'managed',
});

/** Picks from a client's definition what is kept as settings. */
export function settingsIn<Source>(
  properties: Property<Source>[],
  definition: Record<string, unknown>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, setting: kind } of properties) {
    const given = definition[name];
    if (kind === undefined || given === undefined || given === null) continue;
    const value = kind === 'managed' ? (given as { Value?: unknown }).Value : given;
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** Stamps as the metadata writes them; base metadata is older than the organisation. */
export const stampOf = (ms: number | undefined): string =>
  ms === undefined ? '1900-01-01T00:00:00Z' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
