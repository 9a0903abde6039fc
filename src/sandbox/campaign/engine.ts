import type { SandboxContext } from '../context.js';
import type { CampaignEndpoint, FieldDefinition, ResourceDefinition } from './definitions.js';
import { invalidPKey, unknownKey } from './engine-errors.js';
import type { CampaignRecord } from './record-table.js';
import type { Resources } from './resources.js';

/** One call to the engine: who asks for what, and through which endpoint. */
export interface EngineCall {
  context: SandboxContext;
  resources: Resources;
  endpoint: CampaignEndpoint;
  definition: ResourceDefinition;
  /** Address of the endpoint's root, e.g. `http://127.0.0.1:4802/sandbox/campaign/profileAndServicesExt`. */
  base: string;
  /** Of a sub-collection: its address, below which its own records lie. */
  collection?: string;
  query: URLSearchParams;
}

/** A record and how the caller addressed it: a change of its key is refused only where the key was the address. */
export interface Addressed {
  record: CampaignRecord;
  by: 'pkey' | 'key';
  key: string;
}

export const isV8 = (call: Pick<EngineCall, 'context'>): boolean =>
  call.context.limits().campaign.edition === 'v8';

/** Custom fields, and on v8 the time zone, show under the extended endpoint only; some are gone on v8. */
export function isVisible(call: EngineCall, name: string, field: FieldDefinition): boolean {
  if (field.standardOnly && isV8(call)) return false;
  if (call.endpoint !== 'profileAndServices') return true;
  if (field.extension) return false;
  return !(name === 'timeZone' && isV8(call));
}

/**
 * The record that a URL's segment names: a PKey, or a value of the key field, where the first of several records
 * wins. Throws the engine's error when there is none.
 */
export function addressed(
  call: EngineCall,
  segment: string,
  keyField = call.resources.identificationKey(call.definition),
): Addressed {
  const { resources, definition } = call;
  if (segment.startsWith('@')) {
    const record = resources.table(definition.name).get(recordId(call, definition, segment));
    if (!record || !isReachable(call, definition, record)) throw unknownKey(segment, definition.name);
    return { record, by: 'pkey', key: segment };
  }
  const table = resources.table(definition.name);
  const id = keyField === undefined ? undefined : table.find(keyField, segment)[0];
  const record = id === undefined ? undefined : table.get(id);
  if (!record || !isReachable(call, definition, record)) throw unknownKey(segment, definition.name);
  return { record, by: 'key', key: segment };
}

/** The id behind a PKey of this resource; throws for any other text. */
export function recordId(call: EngineCall, definition: ResourceDefinition, pkey: string): number {
  const reference = call.resources.pkeys.read(pkey);
  if (reference?.resource === definition.name) return reference.id;
  throw invalidPKey(pkey, call.context.limits().campaign.edition, definition.schema, definition.label);
}

/** A row whose inner-joined link finds no target is invisible, and cannot be changed either (campaign.md §2). */
export function isReachable(
  call: EngineCall,
  definition: ResourceDefinition,
  record: CampaignRecord,
): boolean {
  for (const name in definition.fields) {
    const field = definition.fields[name];
    if (field?.cardinality === '1' && linkedId(call, field, name, record) === undefined) return false;
  }
  return true;
}

/** The id a link leads to now, by its stored target or by its join; undefined when that record does not exist. */
export function linkedId(
  call: EngineCall,
  field: FieldDefinition,
  name: string,
  record: CampaignRecord,
): number | undefined {
  const table = call.resources.table(field.target ?? '');
  if (field.join) return table.find(field.join.targetField, record.values[field.join.field])[0];
  const id = record.values[name];
  return typeof id === 'number' && table.get(id) ? id : undefined;
}
