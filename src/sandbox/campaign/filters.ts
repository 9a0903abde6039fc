import type { FieldDefinition, FilterCondition, FilterDefinition } from './definitions.js';
import type { EngineCall } from './engine.js';
import { engineError } from './engine-errors.js';
import { formatDatetime, parseDatetime } from './field-values.js';
import type { CampaignRecord } from './record-table.js';
import { renderField } from './render.js';

/** The records a list works on: either all, or those that an index named, and the test they must pass. */
export interface Selection {
  /** Ids from an index, oldest first; undefined when every record has to be looked at. */
  ids: readonly number[] | undefined;
  accepts(record: CampaignRecord): boolean;
}

/** Combines the filters of a path with the query's parameters. */
export function select(call: EngineCall, filters: FilterDefinition[]): Selection {
  const conditions = filters
    .flatMap((filter) => filter.conditions)
    .flatMap((condition) => bind(call, condition) ?? []);
  const indexed = conditions.find((condition) => condition.indexedField !== undefined);
  const ids =
    indexed?.indexedField === undefined
      ? undefined
      : call.resources.table(call.definition.name).find(indexed.indexedField, indexed.operand);
  return { ids, accepts: (record) => conditions.every((condition) => condition.accepts(record)) };
}

interface BoundCondition {
  operand: unknown;
  indexedField?: string;
  accepts(record: CampaignRecord): boolean;
}

function bind(call: EngineCall, condition: FilterCondition): BoundCondition | undefined {
  const given = call.query.get(condition.parameter);
  if (given === null) return condition.optional ? undefined : { operand: undefined, accepts: () => false };
  const names = fieldNames(call, condition);
  const tests = names.map((name) => test(call, name, condition.operator, given));
  const first = names[0];
  const indexable =
    names.length === 1 &&
    condition.operator === '=' &&
    given !== '' &&
    first !== undefined &&
    !first.includes('.');
  const operand = first === undefined ? given : operandOf(fieldAt(call, first), given);
  return {
    operand,
    ...(indexable ? { indexedField: first } : {}),
    accepts: (record) => tests.some((accepts) => accepts(record)),
  };
}

function fieldNames(call: EngineCall, condition: FilterCondition): string[] {
  const chosen = condition.fieldParameter === undefined ? null : call.query.get(condition.fieldParameter);
  return chosen === null ? condition.fields : [chosen];
}

function test(
  call: EngineCall,
  name: string,
  operator: FilterCondition['operator'],
  given: string,
): (record: CampaignRecord) => boolean {
  const field = fieldAt(call, name);
  const operand = operandOf(field, given);
  const read = (record: CampaignRecord) => fieldValue(call, record, name);
  switch (operator) {
    case '=':
      return (record) => read(record) === operand;
    case '<>':
      return (record) => read(record) !== operand;
    case 'startsWith':
      return (record) => String(read(record)).startsWith(given);
    case '>':
      return (record) => compare(read(record), operand) > 0;
    case '>=':
      return (record) => compare(read(record), operand) >= 0;
    case '<':
      return (record) => compare(read(record), operand) < 0;
    case '<=':
      return (record) => compare(read(record), operand) <= 0;
  }
}

function fieldAt(call: EngineCall, name: string): FieldDefinition {
  const [top = '', member] = name.split('.');
  const field = call.definition.fields[top];
  const found = member === undefined ? field : field?.fields?.[member];
  if (!found) throw engineError(`XTK-170036 Unable to parse expression '@${name}'.`);
  return found;
}

function operandOf(field: FieldDefinition, given: string): unknown {
  switch (field.type) {
    case 'boolean':
      return given === 'true' || given === '1';
    case 'long':
    case 'double':
      return Number(given);
    case 'datetime': {
      const milliseconds = parseDatetime(given);
      if (milliseconds === undefined)
        throw engineError(`XTK-170036 Unable to parse expression '#${given}#'.`);
      return formatDatetime(milliseconds);
    }
    case 'string':
    case 'date':
    case 'enum':
    case 'uuid':
    case 'object':
    case 'link':
    case 'collection':
      return given;
  }
}

/** A field as it is shown, which is also what filters and sorting compare; `location.city` reaches into an object. */
export function fieldValue(call: EngineCall, record: CampaignRecord, name: string): unknown {
  const [top = '', member] = name.split('.');
  const field = call.definition.fields[top];
  if (!field) return undefined;
  const stored = member === undefined ? record.values[top] : undefined;
  // Most comparisons are of stored values: rendering is only for defaults and computed fields.
  if (stored !== undefined && field.type !== 'link') return stored;
  const shown = renderField(call, record, top, field);
  return member === undefined ? shown : (shown as Record<string, unknown> | null)?.[member];
}

/** Datetimes and dates compare as text, since their form is fixed. */
export function compare(left: unknown, right: unknown): number {
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  const [leftText, rightText] = [String(left), String(right)];
  return leftText < rightText ? -1 : leftText > rightText ? 1 : 0;
}
