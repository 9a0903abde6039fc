import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { NotDone, Rest } from './rest.js';

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
  /** No record without it. */
  mandatory?: boolean;
  /** Names of an enumeration's values. */
  values?: string[];
  /** Taken by a POST, refused by a PATCH. */
  insertOnly?: boolean;
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
 * CAMPAIGN_RESOURCE_UNKNOWN when none does, and CAMPAIGN_TENANT_WRONG when the gateway knows no such tenant.
 */
export async function readResource(
  rest: Rest,
  name: string,
  edition: 'standard' | 'v8',
  options?: CallOptions,
): Promise<ResourceMetadata> {
  const segment = encodeURIComponent(name);
  for (const root of ROOTS) {
    const answer = await rest.read(`${root}/resourceType/${segment}`, hasContent, options);
    if (answer.kind === 'address' || answer.kind === 'absent') continue;
    if (answer.kind !== 'ok') throw notRead(answer, name);
    const fields: Record<string, FieldMetadata> = {};
    addFields(fields, answer.body.content as Record<string, unknown>, '');
    const filters = await readFilters(rest, answer.body.filters, name, options);
    if (edition === 'v8') markInsertOnly(fields);
    return { name, path: `${root}/${segment}`, fields, filters };
  }
  throw new SyncError('CAMPAIGN_RESOURCE_UNKNOWN', { system: 'campaign', subject: name });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const hasContent = ({ content }: Record<string, unknown>): boolean => isObject(content);

/** Why metadata or a list cannot be read: a fault of the request or of the settings, not of a record. */
export function notRead({ kind, status }: NotDone, subject: string): SyncError {
  const code = kind === 'oops' ? 'CAMPAIGN_TENANT_WRONG' : 'CAMPAIGN_RESOURCE_UNKNOWN';
  return new SyncError(code, { system: 'campaign', subject, status });
}

function addFields(
  fields: Record<string, FieldMetadata>,
  content: Record<string, unknown>,
  prefix: string,
): void {
  for (const [name, described] of Object.entries(content)) {
    if (!isObject(described)) continue;
    const field = described;
    const path = prefix + name;
    const nested = field.content ?? field.fields;
    if (isObject(nested)) {
      addFields(fields, nested, `${path}.`);
      continue;
    }
    const length = Number(field.length);
    const values = valuesOf(field.values);
    fields[path] = {
      path,
      type: values ? 'enumeration' : typeOf(field),
      readOnly: isTrue(field.readOnly),
      ...(isTrue(field.mandatory) && { mandatory: true }),
      ...(Number.isSafeInteger(length) && length > 0 && { length }),
      ...(values && { values }),
    };
  }
}

const isTrue = (flag: unknown): boolean => flag === true || flag === 'true';

/** Of a profile's `location` v8 takes a PATCH for a fault of the whole record (campaign.md §1). */
function markInsertOnly(fields: Record<string, FieldMetadata>): void {
  for (const field of Object.values(fields)) if (field.path.startsWith('location.')) field.insertOnly = true;
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
/** Only links and collections have a target; a collection cannot be written, whatever its type is called. */
function typeOf({ type, resTarget }: Record<string, unknown>): FieldMetadata['type'] {
  const known = typeof type === 'string' ? TYPES[type.toLowerCase()] : undefined;
  return known ?? (resTarget !== undefined && type !== 'collection' ? 'link' : 'other');
}

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

/** A map of filters by name; one form of it wraps the map in `content`. */
async function readFilters(
  rest: Rest,
  filters: unknown,
  resource: string,
  options?: CallOptions,
): Promise<Record<string, FilterMetadata>> {
  const href = isObject(filters) ? filters.href : undefined;
  if (typeof href !== 'string' || href === '') return {};
  const answer = await rest.read(href, () => true, options);
  if (answer.kind === 'address' || answer.kind === 'absent') return {};
  if (answer.kind !== 'ok') throw notRead(answer, `${resource}: filters`);
  const described = isObject(answer.body.content) ? answer.body.content : answer.body;
  return Object.fromEntries(
    Object.entries(described).flatMap(([name, filter]) => {
      if (!isObject(filter)) return [];
      const { data: template } = filter;
      return [[name, { name, ...(typeof template === 'string' && { template }) }]];
    }),
  );
}
