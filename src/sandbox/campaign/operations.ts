import { addressed, type EngineCall } from './engine.js';
import { malformedPath, unknownField, unknownKey } from './engine-errors.js';
import { historyOf } from './history.js';
import { countRecords, listRecords, type ListRequest } from './lists.js';
import { describeFilters, describeResource } from './metadata.js';
import { recordHref, renderField, renderRecord } from './render.js';
import { createRecord, deleteRecord, updateByBodyKey, updateRecord, type EngineAnswer } from './writes.js';
import type { FilterDefinition } from './definitions.js';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** Carries out one call on a resource. `rest` are the address's segments behind the resource's name. */
export function operate(
  call: EngineCall,
  method: Method,
  rest: string[],
  body: Record<string, unknown>,
): EngineAnswer {
  const [first] = rest;
  if (first === undefined) return onCollection(call, method, body);
  if (method === 'GET') {
    if (call.definition.name === 'history') return historyOf(call, rest);
    if (first === 'metadata' && rest.length === 1) return { status: 200, body: describeResource(call) };
    const list = listRequest(call, rest);
    if (list) return list;
  }
  return onRecord(call, method, first, rest.slice(1), body);
}

/** `resourceType/<resource>` and `resourceType/<resource>/filters`. */
export function metadata(call: EngineCall, rest: string[]): EngineAnswer {
  if (rest.length === 0) return { status: 200, body: describeResource(call) };
  if (rest.length === 1 && rest[0] === 'filters') return { status: 200, body: describeFilters(call) };
  throw malformedPath();
}

function onCollection(call: EngineCall, method: Method, body: Record<string, unknown>): EngineAnswer {
  switch (method) {
    case 'GET':
      return { status: 200, body: listRecords(call, { filters: [], address: collectionAddress(call, []) }) };
    case 'POST':
      return createRecord(call, body);
    case 'PATCH':
      return updateByBodyKey(call, body);
    case 'DELETE':
      throw malformedPath();
  }
}

/** A list with filters, a count or a projection; undefined when the first segment is none of these, so a key. */
function listRequest(call: EngineCall, rest: string[]): EngineAnswer | undefined {
  const known = call.resources.filters(call.definition.name);
  const filters: FilterDefinition[] = [];
  let position = 0;
  for (; position < rest.length; position += 1) {
    const found = known.find((filter) => filter.name === rest[position]);
    if (!found) break;
    filters.push(found);
  }
  const last = rest[position];
  const request: ListRequest = { filters, address: collectionAddress(call, rest.slice(0, position)) };
  if (last === undefined) return { status: 200, body: listRecords(call, request) };
  if (rest.length === position + 1) {
    if (last === '_count') return { status: 200, body: countRecords(call, request) };
    if (last === 'PKey' || last === 'href' || call.definition.fields[last]) {
      return { status: 200, body: listRecords(call, { ...request, projection: last }) };
    }
  }
  if (filters.length === 0) return undefined;
  throw malformedPath();
}

function onRecord(
  call: EngineCall,
  method: Method,
  key: string,
  rest: string[],
  body: Record<string, unknown>,
): EngineAnswer {
  const target = addressed(call, key);
  const [fieldName] = rest;
  if (fieldName !== undefined) return onField(call, method, target.record.id, fieldName, rest.slice(1), body);
  switch (method) {
    case 'GET':
      return { status: 200, body: renderRecord(call, target.record, 'single') };
    case 'PATCH':
      return updateRecord(call, target, body);
    case 'DELETE':
      return deleteRecord(call, target.record, call.context.limits().campaign.deleteStatus);
    case 'POST':
      throw malformedPath();
  }
}

/** Below a record: one field's value, or a collection such as `subscriptions`. */
function onField(
  call: EngineCall,
  method: Method,
  ownerId: number,
  name: string,
  rest: string[],
  body: Record<string, unknown>,
): EngineAnswer {
  const field = call.definition.fields[name];
  if (!field) throw unknownField(name, call.definition.name);
  const target = call.resources.definition(field.target ?? '');
  if (field.type !== 'collection' || !target || field.mappedBy === undefined) {
    const record = call.resources.table(call.definition.name).get(ownerId);
    if (method !== 'GET' || rest.length > 0 || !record) throw malformedPath();
    return { status: 200, body: { [name]: renderField(call, record, name, field) } };
  }
  const owner = recordHref(call, call.definition, ownerId);
  const inner: EngineCall = { ...call, definition: target, collection: `${owner}/${name}` };
  const within = call.resources.table(target.name).find(field.mappedBy, ownerId);
  const [key, ...further] = rest;
  if (further.length > 0) throw malformedPath();
  const request: ListRequest = { filters: [], within, address: `${owner}/${name}` };
  if (key === undefined && method === 'GET') return { status: 200, body: listRecords(inner, request) };
  if (key === undefined && method === 'POST') return createRecord(inner, body, { [field.mappedBy]: ownerId });
  if (key === '_count' && method === 'GET') return { status: 200, body: countRecords(inner, request) };
  if (key === undefined) throw malformedPath();
  const { record } = addressed(inner, key);
  if (!within.includes(record.id)) throw unknownKey(key, target.name);
  if (method === 'GET') return { status: 200, body: renderRecord(inner, record, 'single') };
  if (method === 'DELETE') return deleteRecord(inner, record, 204);
  throw malformedPath();
}

function collectionAddress(call: EngineCall, filters: string[]): string {
  return [call.base, call.definition.name, ...filters].join('/');
}
