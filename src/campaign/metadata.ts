import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { Rest } from './rest.js';

export interface FieldMetadata {
  /** Dotted for nested fields: `location.city`. */
  path: string;
  type:
    | 'string'
    | 'integer'
    | 'boolean'
    | 'float'
    | 'double'
    | 'date'
    | 'datetime'
    | 'enumeration'
    | 'link'
    | 'other';
  length?: number;
  readOnly: boolean;
  /** Names of an enumeration's values. */
  values?: string[];
}
export interface FilterMetadata {
  name: string;
  /** URL template with `$value`, as Campaign gives it. */
  template?: string;
}
export interface ResourceMetadata {
  name: string;
  /** Below the base: `profileAndServicesExt/profile`. */
  path: string;
  fields: Record<string, FieldMetadata>;
  filters: Record<string, FilterMetadata>;
}

const ROOTS = ['profileAndServicesExt', 'profileAndServices', 'customResources'];

/**
 * A resource's fields, from the first endpoint that offers it: the extended one has the custom fields (campaign.md §2, §3). Throws
 * CAMPAIGN_RESOURCE_UNKNOWN when none does.
 */
export async function readResource(
  rest: Rest,
  name: string,
  options?: CallOptions,
): Promise<ResourceMetadata> {
  for (const root of ROOTS) {
    const answer = await rest.read(`${root}/resourceType/${encodeURIComponent(name)}`, options);
    if (answer.kind !== 'ok' || typeof answer.body.content !== 'object' || answer.body.content === null)
      continue;
    const fields: Record<string, FieldMetadata> = {};
    addFields(fields, answer.body.content as Record<string, unknown>, '');
    return {
      name,
      path: `${root}/${name}`,
      fields,
      filters: await readFilters(rest, answer.body.filters, options),
    };
  }
  throw new SyncError('CAMPAIGN_RESOURCE_UNKNOWN', { system: 'campaign', subject: name });
}

function addFields(
  fields: Record<string, FieldMetadata>,
  content: Record<string, unknown>,
  prefix: string,
): void {
  for (const [name, described] of Object.entries(content)) {
    if (typeof described !== 'object' || described === null) continue;
    const field = described as Record<string, unknown>;
    const path = prefix + name;
    const nested = field.content ?? field.fields;
    if (typeof nested === 'object' && nested !== null) {
      addFields(fields, nested as Record<string, unknown>, `${path}.`);
      continue;
    }
    const length = Number(field.length);
    const values = valuesOf(field.values);
    fields[path] = {
      path,
      type: values ? 'enumeration' : typeOf(String(field.type ?? '')),
      readOnly: field.readOnly === true || field.readOnly === 'true',
      ...(Number.isSafeInteger(length) && length > 0 && { length }),
      ...(values && { values }),
    };
  }
}

const TYPES: Record<string, FieldMetadata['type']> = {
  string: 'string',
  memo: 'string',
  text: 'string',
  byte: 'integer',
  short: 'integer',
  long: 'integer',
  int64: 'integer',
  integer: 'integer',
  number: 'double',
  boolean: 'boolean',
  float: 'float',
  double: 'double',
  date: 'date',
  datetime: 'datetime',
  enumeration: 'enumeration',
  enum: 'enumeration',
  link: 'link',
};
const typeOf = (type: string): FieldMetadata['type'] => TYPES[type.toLowerCase()] ?? 'other';

/** Enumeration values come as a list or as a map of names (campaign.md §3 gives no sample). */
function valuesOf(values: unknown): string[] | undefined {
  if (Array.isArray(values)) {
    return values.map((value) =>
      typeof value === 'object' && value !== null
        ? String((value as { name?: unknown }).name)
        : String(value),
    );
  }
  if (typeof values === 'object' && values !== null) return Object.keys(values);
  return undefined;
}

async function readFilters(
  rest: Rest,
  filters: unknown,
  options?: CallOptions,
): Promise<Record<string, FilterMetadata>> {
  const href = (filters as { href?: unknown } | undefined)?.href;
  if (typeof href !== 'string') return {};
  const answer = await rest.read(href, options);
  if (answer.kind !== 'ok') return {};
  return Object.fromEntries(
    Object.entries(answer.body).flatMap(([name, described]) => {
      if (typeof described !== 'object' || described === null) return [];
      const template = (described as { data?: unknown }).data;
      return [[name, { name, ...(typeof template === 'string' && { template }) }]];
    }),
  );
}
