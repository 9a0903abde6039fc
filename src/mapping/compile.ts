import { SyncError } from '../errors.js';
import { writerFor } from './convert.js';
import { columnOf, compileFields, fieldOf, type CompiledField } from './fields.js';
import { compileLinks, readAddressBy } from './links.js';
import { compileFilter } from './filter.js';
import { hashOf } from './hash.js';
import type {
  CompiledMapping,
  Mapped,
  OptOutColumn,
  Payload,
  SourceColumn,
  SourceRow,
  SourceTable,
  TargetResource,
} from './model.js';
import { memberOf } from './raw-file.js';
import type { TableMapping } from './schema.js';

/**
 * Compiles one table's mapping against both sides' metadata into pure functions. Throws MAPPING_INVALID with everything
 * that can never work: columns that Dynamics does not have, constants that do not fit, comparisons with another type. A
 * field that Campaign does not have is no such fault: its rows are refused by Campaign, one by one. Faults of rows name
 * the Campaign field, as Campaign's own refusals do. A payload must not be changed: `insert`, `full` and `following` are one
 * object where they are alike. `optOuts`: flags that a new record is created with.
 */
export function compile(
  mapping: TableMapping,
  source: SourceTable,
  target: TargetResource,
  optOuts: OptOutColumn[] = [],
): CompiledMapping {
  const problems: string[] = [];
  const problem = (text: string): void => {
    problems.push(text);
  };
  const columns = columnsOf(mapping, optOuts, source, problem);
  const keyTo = mapping.key.to;
  const keyField = fieldOf(keyTo, target);
  const writeKey = writerFor(keyField);
  const links = compileLinks(mapping, source, target, problem);
  const fields = [...compileFields(mapping, source, target, problem), ...links.fields];
  const passes = mapping.filters ? compileFilter(mapping.filters, source, problem) : () => true;
  if (problems.length > 0) {
    throw new SyncError('MAPPING_INVALID', {
      subject: `${mapping.dynamics} ${[...new Set(problems)].join('; ')}`,
    });
  }
  const isUpdatable = ({ field }: CompiledField): boolean => field.insertOnly !== true;
  const allUpdatable = fields.every(isUpdatable);
  const updatable = fields.filter(isUpdatable);
  const allFollow = updatable.every(({ followsUpdates }) => followsUpdates);

  function toCampaign(row: SourceRow): Mapped {
    if (!passes(row)) return { kind: 'filtered' };
    const id = memberOf(row, source.primaryId);
    if (typeof id !== 'string' || id === '') return { kind: 'fault', code: 'KEY_MISSING', field: keyTo };
    const key = id.toLowerCase();
    const held = writeKey(key);
    if (held.kind === 'fault') return { kind: 'fault', code: held.code, field: keyTo };
    if (links.lacksParent(row)) return { kind: 'filtered', hidden: true };
    const insert: Payload = { [keyTo]: key };
    const full: Payload = allUpdatable ? insert : { [keyTo]: key };
    const following: Payload = allFollow ? full : { [keyTo]: key };
    for (const compiled of fields) {
      const { field, valueOf, put, followsUpdates } = compiled;
      const converted = valueOf(row);
      if (converted.kind === 'fault') return { kind: 'fault', code: converted.code, field: field.path };
      put(insert, converted.value);
      if (!isUpdatable(compiled)) continue;
      if (!allUpdatable) put(full, converted.value);
      if (followsUpdates && !allFollow) put(following, converted.value);
    }
    const flags = optOutsOf(row);
    const parents = links.parentsOf(row);
    return { kind: 'payload', key, insert, full, following, parents, ...(flags && { optOuts: flags }) };
  }

  function optOutsOf(row: SourceRow): Record<string, boolean> | undefined {
    if (optOuts.length === 0) return undefined;
    return Object.fromEntries(
      optOuts.map(({ dynamics, campaign, inverse }) => [
        campaign,
        (memberOf(row, dynamics) === true) !== inverse,
      ]),
    );
  }

  function fromCampaign(record: Record<string, unknown>): { key: string; full: Payload; following: Payload } {
    const held = Object.hasOwn(record, keyTo) ? record[keyTo] : undefined;
    const key = typeof held === 'string' || typeof held === 'number' ? String(held).toLowerCase() : '';
    const full: Payload = { [keyTo]: key };
    const following: Payload = allFollow ? full : { [keyTo]: key };
    for (const { heldIn, put, followsUpdates } of updatable) {
      const value = heldIn(record);
      put(full, value);
      if (followsUpdates && !allFollow) put(following, value);
    }
    return { key, full, following };
  }

  return {
    table: mapping.dynamics,
    resource: mapping.campaign,
    keyField: keyTo,
    addressBy: readAddressBy(mapping.key.addressBy),
    pkeyLinks: links.pkeyLinks,
    parentTables: links.parentTables,
    hasTies: links.hasTies,
    select: selectOf(columns, source),
    hash: hashOf(mapping, columns, [keyField, ...fields.map(({ field }) => field)]),
    applyDeletes: mapping.applyDeletes,
    deleteFilteredOut: mapping.filters?.deleteFilteredOut ?? false,
    deletionBrake: mapping.deletionBrake,
    toCampaign,
    fromCampaign,
  };
}

/** The columns that the mapping reads, each once. */
function columnsOf(
  mapping: TableMapping,
  optOuts: OptOutColumn[],
  source: SourceTable,
  problem: (text: string) => void,
): SourceColumn[] {
  const names = new Set([
    ...mapping.fields.flatMap((field) => ('from' in field ? [field.from] : [])),
    ...mapping.links.flatMap((link) => ('from' in link ? [link.from] : [])),
    ...(mapping.filters?.where.map((condition) => condition.field) ?? []),
    ...optOuts.map(({ dynamics }) => dynamics),
  ]);
  const missing = [...names].filter((name) => !columnOf(name, source));
  if (missing.length > 0) problem(`has no column ${missing.join(', ')}`);
  return [...names].flatMap((name) => columnOf(name, source) ?? []);
}

/** Without what the reader always adds. */
function selectOf(columns: SourceColumn[], { primaryId }: SourceTable): string[] {
  const names = new Set(columns.map((column) => column.selectName));
  return [...names].filter((name) => name !== primaryId && name !== 'versionnumber');
}
