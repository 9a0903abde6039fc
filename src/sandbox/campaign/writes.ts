import { randomUUID } from 'node:crypto';
import type { FieldDefinition } from './definitions.js';
import { addressed, isV8, isVisible, recordId, type Addressed, type EngineCall } from './engine.js';
import {
  duplicateKey,
  engineError,
  keyChange,
  mandatoryField,
  unknownField,
  unknownKey,
} from './engine-errors.js';
import { formatDatetime, readBody, type FieldChanges } from './field-values.js';
import type { CampaignRecord } from './record-table.js';
import { recordHref, renderRecord } from './render.js';

/** A new record's `lastModified` is that much before `created`, as in the real system (campaign.md §2). */
export const STAMP_LAG_MS = 3;

export interface EngineAnswer {
  status: number;
  body?: unknown;
}

/** POST to a collection: 201 and the whole record. `preset` are links that the address already says. */
export function createRecord(
  call: EngineCall,
  body: Record<string, unknown>,
  preset: FieldChanges = {},
): EngineAnswer {
  const { definition, resources, context } = call;
  const changes = { ...readBody(definition, body, rules(call, false)), ...preset };
  for (const name in definition.fields) {
    if (definition.fields[name]?.mandatory && changes[name] === undefined) throw mandatoryField(name);
  }
  refuseDuplicates(call, changes);
  const nowMs = context.clock.nowMs();
  const values = merged({}, changes);
  stampFlags(call, {}, values, nowMs);
  values['created'] = formatDatetime(nowMs);
  if (definition.fields['lastModified']) values['lastModified'] = formatDatetime(nowMs - STAMP_LAG_MS);
  countDuplicate(call, values);
  if (definition.fields['acsId'] && context.limits().campaign.automaticId) values['acsId'] = randomUUID();
  const record = resources.table(definition.name).insert(values);
  return { status: 201, body: renderRecord(call, record, 'created') };
}

/** PATCH by PKey or key: 200 and the record's address. What changes nothing is not written and not stamped. */
export function updateRecord(
  call: EngineCall,
  target: Addressed,
  body: Record<string, unknown>,
): EngineAnswer {
  const { definition, resources, context } = call;
  const { record } = target;
  const changes = readBody(definition, body, rules(call, isV8(call)));
  refuseKeyChange(call, target, changes);
  if (isV8(call) && Object.keys(body).length === 0) return { status: 204 };
  refuseDuplicates(call, changes, record.id);
  const values = merged(record.values, changes);
  if (!sameValues(record.values, values)) {
    const nowMs = context.clock.nowMs();
    stampFlags(call, record.values, values, nowMs);
    if (definition.fields['lastModified']) values['lastModified'] = formatDatetime(nowMs);
    resources.table(definition.name).replace(record.id, values);
  }
  return {
    status: 200,
    body: {
      PKey: resources.pkeys.mint(definition.name, record.id),
      href: recordHref(call, definition, record.id),
    },
  };
}

/** PATCH of a collection: updates the record whose key stands in the body, and is no upsert (campaign.md §2). */
export function updateByBodyKey(call: EngineCall, body: Record<string, unknown>): EngineAnswer {
  const keyField = call.resources.identificationKey(call.definition);
  const key = keyField === undefined ? undefined : body[keyField];
  if (typeof key !== 'string' || key === '') throw unknownKey('', call.definition.name);
  return updateRecord(call, addressed(call, key), body);
}

export function deleteRecord(call: EngineCall, record: CampaignRecord, status: number): EngineAnswer {
  const { definition, resources } = call;
  for (const field of Object.values(definition.fields)) {
    if (field.type !== 'collection' || !field.target || !field.mappedBy) continue;
    const owned = resources.table(field.target);
    for (const id of owned.find(field.mappedBy, record.id)) owned.remove(id);
  }
  resources.table(definition.name).remove(record.id);
  return { status };
}

function rules(call: EngineCall, refuseObjects: boolean) {
  return {
    visible: (name: string, field: FieldDefinition) => isVisible(call, name, field),
    resolveLink: (field: FieldDefinition, name: string, value: unknown) =>
      resolveLink(call, field, name, value),
    refuseObjects,
  };
}

/** What an answer shows of a link, and a client may send back as it came. */
const LINK_MEMBERS = ['PKey', 'href', 'title'];

/** A link is set by its target's PKey, or by a raw key where a PKey is expected. */
function resolveLink(
  call: EngineCall,
  field: FieldDefinition,
  name: string,
  value: unknown,
): number | null | undefined {
  if (value === null || value === '') return null;
  const definition = call.resources.definition(field.target ?? '');
  if (!definition) throw engineError(`The '${name}' link has no target.`);
  const pkey = typeof value === 'string' ? value : (value as Record<string, unknown>)['PKey'];
  // Ordinary attributes inside a link: ignored by the older engine, an error in v8.
  if (typeof value === 'object' && isV8(call)) {
    const attribute = Object.keys(value).find((each) => !LINK_MEMBERS.includes(each));
    if (attribute !== undefined) throw unknownField(attribute, definition.name);
  }
  if (typeof pkey !== 'string') return undefined;
  if (pkey.startsWith('@')) {
    const id = recordId(call, definition, pkey);
    if (!call.resources.table(definition.name).get(id)) throw unknownKey(pkey, definition.name);
    return id;
  }
  // A body may name a key that no address can: those are for profiles only (campaign.md §2).
  const { identificationKey, uniqueKeys } = call.resources;
  const keyField = identificationKey(definition) ?? uniqueKeys(definition)[0];
  return addressed({ ...call, definition }, pkey, keyField).record.id;
}

/** New values without those that were put back to their defaults; members of objects are merged. */
function merged(before: Record<string, unknown>, changes: FieldChanges): Record<string, unknown> {
  const values: Record<string, unknown> = { ...before };
  for (const name in changes) {
    const change = changes[name];
    if (typeof change === 'object' && change !== null) {
      const members = merged((before[name] ?? {}) as Record<string, unknown>, change as FieldChanges);
      if (Object.keys(members).length > 0) values[name] = members;
      else delete values[name];
    } else if (change === undefined) delete values[name];
    else values[name] = change;
  }
  return values;
}

function sameValues(before: Record<string, unknown>, after: Record<string, unknown>): boolean {
  const names = Object.keys(after);
  if (names.length !== Object.keys(before).length) return false;
  return names.every((name) => {
    const [left, right] = [before[name], after[name]];
    if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return left === right;
    return sameValues(left as Record<string, unknown>, right as Record<string, unknown>);
  });
}

function stampFlags(
  call: EngineCall,
  before: Record<string, unknown>,
  after: Record<string, unknown>,
  nowMs: number,
): void {
  const { fields } = call.definition;
  for (const name in fields) {
    const flag = fields[name]?.stampOf;
    if (flag !== undefined && before[flag] !== after[flag]) after[name] = formatDatetime(nowMs);
  }
}

function refuseKeyChange(call: EngineCall, target: Addressed, changes: FieldChanges): void {
  const keyField = call.resources.identificationKey(call.definition);
  if (target.by !== 'key' || keyField === undefined || !(keyField in changes)) return;
  if (changes[keyField] !== target.key)
    throw keyChange(call.definition.name, target.key, String(changes[keyField] ?? ''));
}

function refuseDuplicates(call: EngineCall, changes: FieldChanges, ownId?: number): void {
  const { definition, resources } = call;
  for (const field of resources.uniqueKeys(definition)) {
    const taken = resources.table(definition.name).find(field, changes[field]);
    if (taken.some((id) => id !== ownId))
      throw duplicateKey(definition.name, definition.schema, field, String(changes[field]));
  }
}

/**
 * The damage a client does that creates without looking first; the statistics show it. Custom resources come here
 * where the limits have lifted the uniqueness of their key.
 */
function countDuplicate(
  { definition, resources, context }: EngineCall,
  values: Record<string, unknown>,
): void {
  const keys = definition.name === 'profile' ? ['externalId'] : (definition.keys ?? []);
  const table = resources.table(definition.name);
  if (keys.some((field) => table.find(field, values[field]).length > 0))
    context.stats.add('campaign', 'duplicates');
}
