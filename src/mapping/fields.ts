import {
  writerFor,
  converterFor,
  EMPTY,
  heldBy,
  labelOf,
  labelsFor,
  textOf,
  type Converted,
} from './convert.js';
import type {
  Payload,
  PayloadValue,
  SourceColumn,
  SourceRow,
  SourceTable,
  TargetField,
  TargetResource,
} from './model.js';
import { memberOf } from './raw-file.js';
import type { ColumnMapping, ConstantMapping, TableMapping } from './schema.js';

/** One Campaign field of a mapping: where its value comes from, and where it stands in a record. */
export interface CompiledField {
  field: TargetField;
  /** Also sent when a row changes. */
  followsUpdates: boolean;
  valueOf: (row: SourceRow) => Converted;
  put: (payload: Payload, value: PayloadValue) => void;
  /** The value that a record of Campaign holds, in the form in which it would have been sent. */
  heldIn: (record: Record<string, unknown>) => PayloadValue;
}

/** The mapping's fields and constants. `problem` is told what can never be sent. */
export function compileFields(
  mapping: TableMapping,
  source: SourceTable,
  target: TargetResource,
  problem: (text: string) => void,
): CompiledField[] {
  return mapping.fields.map((entry) => ({
    ...placeOf(entry.to, target),
    followsUpdates: entry.applyUpdates,
    valueOf: 'value' in entry ? constant(entry, target, problem) : column(entry, mapping, source, target),
  }));
}

/** Where a field stands in a payload, and in a record of Campaign. */
export function placeOf(
  to: string,
  target: TargetResource,
  held?: (value: unknown) => PayloadValue,
): Pick<CompiledField, 'field' | 'put' | 'heldIn'> {
  const field = fieldOf(to, target);
  return { field, put: setterOf(to), heldIn: getterOf(to, held ?? heldBy(field)) };
}

/** A field that Campaign's metadata does not have is left to Campaign to refuse, row by row. */
export const fieldOf = (path: string, target: TargetResource): TargetField =>
  (Object.hasOwn(target.fields, path) ? target.fields[path] : undefined) ?? {
    path,
    type: 'other',
    readOnly: false,
  };

export const columnOf = (name: string, source: SourceTable): SourceColumn | undefined =>
  Object.hasOwn(source.columns, name) ? source.columns[name] : undefined;

function constant(
  { value, to }: ConstantMapping,
  target: TargetResource,
  problem: (text: string) => void,
): CompiledField['valueOf'] {
  const field = fieldOf(to, target);
  const converted = writerFor(field)(value);
  if (converted.kind === 'fault')
    problem(`the constant for ${to} does not fit its type (${field.type}) or length`);
  return () => converted;
}

function column(
  { from, to, choice }: ColumnMapping,
  { replacements }: TableMapping,
  source: SourceTable,
  target: TargetResource,
): CompiledField['valueOf'] {
  const sourceColumn = columnOf(from, source);
  if (!sourceColumn) return () => EMPTY;
  const { selectName } = sourceColumn;
  const field = fieldOf(to, target);
  const convert = converterFor(sourceColumn, field, choice);
  const replaced = new Map(
    replacements
      .filter((replacement) => replacement.field === from)
      .map((replacement) => [textOf(replacement.from), writerFor(field)(replacement.to)]),
  );
  if (replaced.size === 0) return (row) => convert(memberOf(row, selectName));
  const labels = labelsFor(sourceColumn, field, choice);
  return (row) => {
    const value = memberOf(row, selectName);
    const label = labels && labelOf(value, labels);
    return (
      replaced.get(textOf(value)) ?? (label === undefined ? undefined : replaced.get(label)) ?? convert(value)
    );
  };
}

function setterOf(path: string): CompiledField['put'] {
  const names = path.split('.');
  const last = names.pop() ?? path;
  if (names.length === 0) {
    return (payload, value) => {
      payload[last] = value;
    };
  }
  return (payload, value) => {
    let inner = payload;
    for (const name of names) {
      const held = inner[name];
      const next: Payload = typeof held === 'object' && held !== null ? held : {};
      inner[name] = next;
      inner = next;
    }
    inner[last] = value;
  };
}

function getterOf(path: string, held: (value: unknown) => PayloadValue): CompiledField['heldIn'] {
  const names = path.split('.');
  return (record) => {
    let value: unknown = record;
    for (const name of names) {
      const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
      value = isThere ? (value as Record<string, unknown>)[name] : undefined;
    }
    return held(value);
  };
}
