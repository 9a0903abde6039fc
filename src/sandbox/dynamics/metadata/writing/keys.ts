import type { AlternateKey, Column, ColumnType, Table } from '../../schema.js';
import type { Records } from '../../records.js';
import { readLabel } from '../labels.js';
import {
  duplicateName,
  invalidDefinition,
  newMetadataId,
  requiredSchemaName,
  type Customisation,
  type Definition,
} from './customisation.js';
import { addToSolution, COMPONENT, removeFromSolutions, requireSolution } from './solutions.js';

/** Limits of alternate keys (dataverse.md §4, "Alternate keys"). */
const MOST_KEYS = 10;
const MOST_COLUMNS = 16;
const MOST_BYTES = 900;
const KEY_TYPES: ColumnType[] = ['Decimal', 'Integer', 'String', 'DateTime', 'Lookup', 'Picklist'];
const BYTES: Partial<Record<ColumnType, number>> = {
  Decimal: 13,
  Integer: 4,
  DateTime: 8,
  Lookup: 16,
  Picklist: 4,
};

/** `POST EntityDefinitions(…)/Keys`: the key is Pending until its index is built. */
export function createKey(customisation: Customisation, table: Table, definition: Definition): AlternateKey {
  requireSolution(customisation);
  const schemaName = requiredSchemaName(definition);
  const logicalName = schemaName.toLowerCase();
  const columns = keyColumns(table, definition['KeyAttributes']);
  if (table.keys.some((key) => key.logicalName === logicalName))
    throw duplicateName('entity key', schemaName);
  if (table.keys.length >= MOST_KEYS) {
    throw invalidDefinition(
      `The entity ${table.logicalName} already has ${MOST_KEYS} keys, which is the maximum.`,
    );
  }
  if (table.keys.some((key) => sameColumns(key.columns, columns))) {
    throw invalidDefinition('A key with the same attributes already exists.');
  }
  const { context, schema } = customisation;
  const key: AlternateKey = {
    metadataId: newMetadataId(customisation, 'key', `${table.logicalName}.${schemaName}`),
    logicalName,
    schemaName,
    columns,
    status: 'Pending',
    displayName: readLabel(definition['DisplayName'])?.text ?? schemaName,
    activeFromMs: context.clock.nowMs() + context.limits().dynamics.keyActivationMs,
  };
  schema.saveTable({ ...table, keys: [...table.keys, key] });
  addToSolution(customisation, COMPONENT.entityKey, key.metadataId);
  return key;
}

function keyColumns(table: Table, given: unknown): string[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw invalidDefinition('KeyAttributes must name at least one attribute.');
  }
  if (given.length > MOST_COLUMNS) throw invalidDefinition(`A key has ${MOST_COLUMNS} attributes at most.`);
  const columns = (given as unknown[]).map((name) => keyColumn(table, String(name).toLowerCase()));
  const bytes = columns.reduce((sum, column) => sum + (BYTES[column.type] ?? (column.maxLength ?? 0) * 2), 0);
  if (bytes > MOST_BYTES) {
    throw invalidDefinition(`The size of the key is ${bytes} bytes; the maximum is ${MOST_BYTES} bytes.`);
  }
  return columns.map(({ logicalName }) => logicalName);
}

function keyColumn(table: Table, name: string): Column {
  const column = table.columns[name];
  if (!column) {
    throw invalidDefinition(`Attribute ${name} does not exist on entity ${table.logicalName}.`);
  }
  if (KEY_TYPES.includes(column.type)) return column;
  throw invalidDefinition(`Attributes of type ${column.type}, such as ${name}, cannot be part of a key.`);
}

const sameColumns = (a: string[], b: string[]): boolean =>
  a.length === b.length && a.every((name) => b.includes(name));

/** `DELETE …/Keys(…)`. */
export function deleteKey(customisation: Customisation, table: Table, gone: AlternateKey): void {
  const { schema } = customisation;
  schema.saveTable({ ...table, keys: table.keys.filter(({ metadataId }) => metadataId !== gone.metadataId) });
  schema.noteDeleted('EntityKey', gone.metadataId);
  removeFromSolutions(customisation, gone.metadataId);
}

/** `ReactivateEntityKey`: builds the index of a failed key once more. */
export function reactivateKey({ context, schema }: Customisation, table: Table, key: AlternateKey): void {
  const activeFromMs = context.clock.nowMs() + context.limits().dynamics.keyActivationMs;
  const keys = table.keys.map((other) =>
    other.metadataId === key.metadataId ? { ...other, status: 'Pending' as const, activeFromMs } : other,
  );
  schema.saveTable({ ...table, keys });
}

/** Ends the building of every index whose time has come, or of those named; rows with equal values make it fail. */
export function settleKeys(
  { context, schema, records }: Pick<Customisation, 'context' | 'schema' | 'records'>,
  isDue = ({ activeFromMs = 0 }: AlternateKey): boolean => activeFromMs <= context.clock.nowMs(),
): void {
  for (const table of schema.tables()) {
    for (const key of table.keys) {
      if (key.status !== 'Pending' || !isDue(key)) continue;
      const status = isUnique(records, table.logicalName, key) ? 'Active' : 'Failed';
      schema.settleKey(table.logicalName, key.metadataId, status);
    }
  }
}

function isUnique(records: Records, logicalName: string, key: AlternateKey): boolean {
  const seen = new Set<string>();
  for (const { values } of records.rows(logicalName)) {
    const parts = key.columns.map((name) => values[name]);
    if (parts.some((part) => part === undefined || part === null)) continue;
    const entry = JSON.stringify(parts).toLowerCase();
    if (seen.has(entry)) return false;
    seen.add(entry);
  }
  return true;
}
