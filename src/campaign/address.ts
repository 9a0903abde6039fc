import type { ResourceMetadata } from './metadata.js';

/**
 * How a record is addressed by its key: in the URL, or through a named filter (campaign.md §2 "PKey and keys"); one of a few, such as
 * a unit, in the list of all; one that has just been listed, by the address that Campaign gave.
 */
export interface Address {
  keyField: string;
  key: string;
  by: { kind: 'url' } | { kind: 'filter'; name: string } | { kind: 'list' } | { kind: 'href'; href: string };
}

/** Segments that mean something else below a resource, besides its fields and filters. */
const RESERVED = new Set(['', '.', '..', 'metadata', '_count']);

/**
 * The address of the record with this key. Undefined for a key that no URL can carry: a character that Campaign's paths cannot take,
 * however it is encoded; what it would read as a PKey, a field, a filter, or an ending of its own.
 */
export function keyUrl({ path, fields, filters }: ResourceMetadata, key: string): string | undefined {
  const means = RESERVED.has(key) || Object.hasOwn(fields, key) || Object.hasOwn(filters, key);
  if (means || /[/\\\p{Cc}\p{Cs}]|^@|\.json$/u.test(key)) return undefined;
  return `${path}/${encodeURIComponent(key)}`;
}

/** Half of a surrogate pair, which has no encoding: no record's key holds it. */
const HALF_CHARACTER = /\p{Cs}/gu;

/** A filter's parameter, as the metadata's template names it; by `<field>_parameter` otherwise (campaign.md §3). */
export function filterParameter({ filters }: ResourceMetadata, name: string, field = 'lm'): string {
  const template = Object.hasOwn(filters, name) ? filters[name]?.template : undefined;
  const named = template === undefined ? undefined : /[?&]([^=&?]+)=\$value/.exec(template)?.[1];
  return named ?? `${field}_parameter`;
}

/** The filter's list of records. */
export function filterUrl(resource: ResourceMetadata, name: string, { keyField, key }: Address): string {
  const parameter = filterParameter(resource, name, keyField);
  return `${resource.path}/${encodeURIComponent(name)}?${parameter}=${encodeURIComponent(key.replace(HALF_CHARACTER, '\uFFFD'))}`;
}

/** Campaign gives the address of a record it has found; one page of its documentation leaves it out. */
export const hrefOf = ({ path }: ResourceMetadata, record: Record<string, unknown>): string | undefined => {
  if (typeof record.href === 'string' && record.href !== '') return record.href;
  return typeof record.PKey === 'string' ? `${path}/${encodeURIComponent(record.PKey)}` : undefined;
};
