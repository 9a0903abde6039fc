import { readDefault, type FieldDefinition, type ResourceDefinition } from './definitions.js';
import { badEnumeration, badValue, readOnlyField, tooLong, unknownField } from './engine-errors.js';

/** Changes of a record, by field. Undefined puts a field back to its read default. Links hold an id. */
export type FieldChanges = Record<string, unknown>;

export interface BodyRules {
  /** Whether this field can be seen through the endpoint that was called. */
  visible(name: string, field: FieldDefinition): boolean;
  /** The id a link's value stands for; undefined leaves the link as it is. */
  resolveLink(field: FieldDefinition, name: string, value: unknown): number | null | undefined;
  /** v8 refuses a PATCH of the `location` object (campaign.md §1). */
  refuseObjects: boolean;
}

/** Turns a request's body into changes. Throws the engine's error for the first field that is wrong. */
export function readBody(
  definition: ResourceDefinition,
  body: Record<string, unknown>,
  rules: BodyRules,
): FieldChanges {
  const changes: FieldChanges = {};
  for (const name in body) {
    const field = definition.fields[name];
    if (name === 'PKey' || name === 'href') throw readOnlyField(name);
    if (!field || !rules.visible(name, field)) throw unknownField(name, definition.name);
    if (field.readOnly || field.type === 'collection') throw readOnlyField(name);
    const value = body[name];
    if (field.type === 'link') {
      const target = rules.resolveLink(field, name, value);
      if (target !== undefined) changes[name] = target ?? undefined;
    } else if (field.type === 'object') {
      changes[name] = readObject(definition, name, field, value, rules);
    } else {
      changes[name] = readValue(definition, name, field, value);
    }
  }
  return changes;
}

/** The members given; those not given stay as they are, so the caller merges. */
function readObject(
  definition: ResourceDefinition,
  name: string,
  field: FieldDefinition,
  value: unknown,
  rules: BodyRules,
): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  if (value === null || value === '') {
    for (const member of Object.keys(field.fields ?? {})) changes[member] = undefined;
    return changes;
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw badValue(name, 'object');
  for (const [member, memberValue] of Object.entries(value)) {
    const memberField = field.fields?.[member];
    if (!memberField || rules.refuseObjects) throw unknownField(member, definition.name);
    if (memberField.readOnly) throw readOnlyField(member);
    changes[member] = readValue(definition, member, memberField, memberValue);
  }
  return changes;
}

/** The value as stored; undefined when it is the read default, which is not stored. */
function readValue(
  definition: ResourceDefinition,
  name: string,
  field: FieldDefinition,
  value: unknown,
): unknown {
  const stored =
    value === null || value === undefined ? undefined : converted(definition, name, field, value);
  return stored === readDefault(field) ? undefined : stored;
}

function converted(
  definition: ResourceDefinition,
  name: string,
  field: FieldDefinition,
  value: unknown,
): unknown {
  if (typeof value === 'object') throw badValue(name, field.type);
  switch (field.type) {
    case 'string':
    case 'uuid': {
      const text = String(value);
      // The database counts characters, not the UTF-16 units of a JavaScript string.
      if (field.length !== undefined && text.length > field.length && Array.from(text).length > field.length)
        throw tooLong(name, field.length);
      return text;
    }
    case 'boolean':
      if (value === true || value === 'true' || value === 1 || value === '1') return true;
      if (value === false || value === 'false' || value === 0 || value === '0' || value === '') return false;
      throw badValue(name, 'boolean');
    case 'long':
    case 'double': {
      const number = value === '' ? 0 : Number(value);
      if (!Number.isFinite(number) || typeof value === 'boolean') throw badValue(name, field.type);
      if (field.type === 'long' && (!Number.isInteger(number) || Math.abs(number) > 2_147_483_647))
        throw badValue(name, 'long');
      return number;
    }
    case 'enum': {
      if (value === '') return undefined;
      if (field.values?.some((each) => each.name === value)) return value;
      throw badEnumeration(String(value), field.enumeration ?? `${definition.schema}:${name}`, `@${name}`);
    }
    case 'date':
      return value === '' ? '' : readDate(name, value);
    case 'datetime':
      return value === '' ? '' : readDatetime(name, value);
    case 'object':
    case 'link':
    case 'collection':
      throw badValue(name, field.type);
  }
}

function readDate(name: string, value: unknown): string {
  const day = /^(\d{4}-\d{2}-\d{2})(?:[T ].*)?$/.exec(String(value))?.[1];
  if (day === undefined || !isDay(day)) throw badValue(name, 'date');
  return day;
}

function readDatetime(name: string, value: unknown): string {
  const milliseconds = parseDatetime(String(value));
  if (milliseconds === undefined) throw badValue(name, 'datetime');
  return formatDatetime(milliseconds);
}

function isDay(day: string): boolean {
  const parsed = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(day);
}

/** Milliseconds since 1970 of Campaign's own form or ISO 8601; a text without an offset is UTC. */
export function parseDatetime(text: string): number | undefined {
  const iso = text.trim().replace(/^#|#$/g, '').replace(' ', 'T');
  if (!/^\d{4}-\d{2}-\d{2}/.test(iso)) return undefined;
  const zoned = /T.*(Z|[+-]\d{2}:?\d{2})$/i.test(iso)
    ? iso
    : iso.includes('T')
      ? `${iso}Z`
      : `${iso}T00:00:00Z`;
  const milliseconds = Date.parse(zoned);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

/** `2019-09-25 23:20:35.000Z`: a space, milliseconds, Z. */
export const formatDatetime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace('T', ' ');
