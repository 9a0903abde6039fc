import { createHash } from 'node:crypto';
import { SyncError } from '../errors.js';
import { constantFor, converterFor, type Converted } from './convert.js';
import { compileFilter } from './filter.js';
import type {
  CompiledMapping,
  Mapped,
  Payload,
  PayloadValue,
  SourceColumn,
  SourceRow,
  SourceTable,
  TargetField,
  TargetResource,
} from './model.js';
import type { TableMapping } from './schema.js';

/** One target field and where its value comes from. */
interface CompiledField {
  field: TargetField;
  path: string[];
  /** Named in a fault: a person looks for the column in Dynamics, for the field of a constant in Campaign. */
  named: string;
  followsUpdates: boolean;
  valueOf(row: SourceRow): Converted;
}

/**
 * Compiles one table's mapping against both sides' metadata into pure functions. A column that Dynamics does not have throws
 * MAPPING_INVALID, naming all of them; a field that Campaign does not have is left to Campaign to refuse, row by row.
 */
export function compile(mapping: TableMapping, source: SourceTable, target: TargetResource): CompiledMapping {
  const columns = columnsOf(mapping, source);
  const keyField = fieldOf(mapping.key.to, target);
  const fields = [...fieldsOf(mapping, source, target), ...linksOf(mapping, source, target)];
  const passes = mapping.filters ? compileFilter(mapping.filters, source) : () => true;

  function toCampaign(row: SourceRow): Mapped {
    if (!passes(row)) return { kind: 'filtered' };
    const id = row[source.primaryId];
    if (typeof id !== 'string' || id === '')
      return { kind: 'fault', code: 'KEY_MISSING', field: source.primaryId };
    const key = id.toLowerCase();
    const full: Payload = { [mapping.key.to]: key };
    const following: Payload = { [mapping.key.to]: key };
    for (const { path, named, followsUpdates, valueOf } of fields) {
      const converted = valueOf(row);
      if (converted.kind === 'fault') return { kind: 'fault', code: converted.code, field: named };
      put(full, path, converted.value);
      if (followsUpdates) put(following, path, converted.value);
    }
    return { kind: 'payload', key, full, following };
  }

  function fromCampaign(record: Record<string, unknown>): { key: string; full: Payload; following: Payload } {
    const held = record[mapping.key.to];
    const key = typeof held === 'string' || typeof held === 'number' ? String(held).toLowerCase() : '';
    const full: Payload = { [mapping.key.to]: key };
    const following: Payload = { [mapping.key.to]: key };
    for (const { path, field, followsUpdates } of fields) {
      const value = asSent(valueAt(record, path), field);
      put(full, path, value);
      if (followsUpdates) put(following, path, value);
    }
    return { key, full, following };
  }

  return {
    table: mapping.dynamics,
    resource: mapping.campaign,
    keyField: mapping.key.to,
    addressBy:
      mapping.key.addressBy === 'url'
        ? { kind: 'url' }
        : { kind: 'filter', name: mapping.key.addressBy.slice('filter:'.length) },
    select: [...new Set(columns.map((column) => column.selectName))].filter(
      (name) => name !== source.primaryId,
    ),
    hash: hashOf(mapping, columns, [keyField, ...fields.map(({ field }) => field)]),
    applyDeletes: mapping.applyDeletes,
    deleteFilteredOut: mapping.filters?.deleteFilteredOut ?? false,
    deletionBrake: mapping.deletionBrake,
    toCampaign,
    fromCampaign,
  };
}

function columnsOf(mapping: TableMapping, source: SourceTable): SourceColumn[] {
  const names = [
    ...mapping.fields.flatMap((field) => ('from' in field ? [field.from] : [])),
    ...mapping.links.map((link) => link.from),
    ...mapping.replacements.map((replacement) => replacement.field),
    ...(mapping.filters?.where.map((condition) => condition.field) ?? []),
  ];
  const missing = [...new Set(names.filter((name) => !Object.hasOwn(source.columns, name)))];
  if (missing.length > 0) {
    throw new SyncError('MAPPING_INVALID', {
      subject: `${mapping.dynamics} has no column ${missing.join(', ')}`,
    });
  }
  return names.map((name) => columnOf(source, name));
}

function columnOf(source: SourceTable, name: string): SourceColumn {
  const column = source.columns[name];
  if (!column)
    throw new SyncError('MAPPING_INVALID', { subject: `${source.logicalName} has no column ${name}` });
  return column;
}

const fieldOf = (path: string, target: TargetResource): TargetField =>
  (Object.hasOwn(target.fields, path) ? target.fields[path] : undefined) ?? {
    path,
    type: 'other',
    readOnly: false,
  };

function fieldsOf(mapping: TableMapping, source: SourceTable, target: TargetResource): CompiledField[] {
  return mapping.fields.map((entry): CompiledField => {
    const field = fieldOf(entry.to, target);
    const common = { field, path: entry.to.split('.'), followsUpdates: entry.applyUpdates };
    if ('value' in entry) {
      const constant = sent(constantFor(entry.value, field), field);
      return { ...common, named: entry.to, valueOf: () => constant };
    }
    const column = columnOf(source, entry.from);
    const convert = converterFor(column, field, entry.choice);
    const replacements = new Map(
      mapping.replacements
        .filter((replacement) => replacement.field === entry.from)
        .map(({ from, to }) => [String(from), sent(constantFor(to, field), field)]),
    );
    return {
      ...common,
      named: entry.from,
      valueOf(row) {
        const value = row[column.selectName];
        const replaced = value === null || value === undefined ? undefined : replacements.get(String(value));
        return replaced ?? sent(convert(value), field);
      },
    };
  });
}

/** A link on a key writes the parent's id into the foreign-key field; then the order of writing does not matter (campaign.md §2). */
function linksOf(mapping: TableMapping, source: SourceTable, target: TargetResource): CompiledField[] {
  return mapping.links.map((link) => {
    if (link.by === 'pkey')
      throw new SyncError('MAPPING_INVALID', {
        subject: `${mapping.dynamics}: links by pkey are not supported yet`,
      });
    const field = fieldOf(link.to, target);
    const column = columnOf(source, link.from);
    const convert = converterFor(column, field, 'technical');
    return {
      field,
      path: link.to.split('.'),
      named: link.from,
      followsUpdates: true,
      valueOf: (row) => convert(row[column.selectName]),
    };
  });
}

/** Names under which Campaign reads an empty enumeration (campaign.md §2): to send one of them is to send nothing. */
const EMPTY_ENUMERATION = new Set(['unknown', 'none', '']);

function sent(converted: Converted, field: TargetField): Converted {
  const isEmpty =
    converted.kind === 'value' &&
    field.type === 'enumeration' &&
    EMPTY_ENUMERATION.has(String(converted.value));
  return isEmpty ? { kind: 'value', value: null } : converted;
}

/** A value that Campaign answered, in the form in which it would have been sent. */
function asSent(value: unknown, field: TargetField): PayloadValue {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return null;
  if (value === '') return null;
  // Lengths are Campaign's business here: what it holds, it has accepted.
  const { length: _length, ...unbounded } = field;
  const converted = sent(constantFor(value, unbounded), field);
  return converted.kind === 'value' ? converted.value : value;
}

function put(payload: Payload, path: string[], value: PayloadValue): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    payload[name] = value;
    return;
  }
  const inner = payload[name];
  const nested: Payload = typeof inner === 'object' && inner !== null ? inner : {};
  payload[name] = nested;
  put(nested, rest, value);
}

const valueAt = (record: Record<string, unknown>, path: string[]): unknown =>
  path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as Record<string, unknown>)[name]
        : undefined,
    record,
  );

/** How often and how fast is no part of what is sent. */
function hashOf(
  { every: _every, deletionBrake: _brake, ...mapping }: TableMapping,
  columns: SourceColumn[],
  fields: TargetField[],
): string {
  return createHash('sha256').update(JSON.stringify({ mapping, columns, fields })).digest('hex').slice(0, 32);
}
