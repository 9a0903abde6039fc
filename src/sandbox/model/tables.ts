import type { Customisation } from '../dynamics/metadata/writing/customisation.js';
import { createColumn } from '../dynamics/metadata/writing/columns.js';
import { createKey, settleKeys } from '../dynamics/metadata/writing/keys.js';
import { createGlobalOptionSet, insertOption } from '../dynamics/metadata/writing/option-sets.js';
import {
  createManyToMany,
  createOneToMany,
  createPolymorphicLookup,
} from '../dynamics/metadata/writing/relationships.js';
import { createTable } from '../dynamics/metadata/writing/tables.js';
import type { Table } from '../dynamics/schema.js';
import type { ModelFaults } from './faults.js';
import type { InstalledParts } from './installed-parts.js';
import type { Model, ModelColumn, ModelTable } from './model-schema.js';
import {
  columnDefinition,
  labelDefinition,
  manyToManyDefinition,
  optionDefinitions,
  polymorphicDefinition,
  relationshipDefinition,
  tableDefinition,
} from './web-api-definitions.js';

/** What was made, and waits for its rows: names as in the model. */
export interface NewTables {
  tables: string[];
  manyToMany: string[];
  /** Metadata ids of the alternate keys. */
  keys: string[];
}

interface Extension {
  name: string;
  table: ModelTable;
  columns: [string, ModelColumn][];
}

/**
 * Makes what a model has for Dynamics and this organisation was never given, through the metadata protocol's own
 * operations. A table that somebody else made under the same name stays as it is; one that every organisation has
 * (`contact`, `account` …) gets the columns and keys.
 */
export function installTables(
  customisation: Customisation,
  { dynamics }: Model,
  installed: InstalledParts,
  faults: ModelFaults,
): NewTables {
  const { schema } = customisation;
  for (const [name, { label, options }] of Object.entries(dynamics.choices)) {
    if (!installed.take('choice', name)) continue;
    if (schema.globalOptionSets().some((known) => known.name === name.toLowerCase())) continue;
    faults.attempt(`dynamics.choices.${name}`, () =>
      createGlobalOptionSet(customisation, {
        Name: name,
        DisplayName: labelDefinition(label, name),
        Options: optionDefinitions(options),
      }),
    );
  }
  const tables: string[] = [];
  const extensions: Extension[] = [];
  for (const [name, table] of Object.entries(dynamics.tables)) {
    const columns = columnsToMake(customisation, name, table, installed, faults);
    if (!columns) continue;
    extensions.push({ name, table, columns });
    if (schema.table(name.toLowerCase())?.isCustom) tables.push(name);
  }
  for (const extension of extensions) addPlainColumns(customisation, extension, faults);
  // Lookups come when all tables are there, keys when all columns are.
  for (const extension of extensions) addLookups(customisation, extension, faults);
  const keys = extensions.flatMap((extension) => addKeys(customisation, extension, installed, faults));
  const manyToMany = Object.entries(dynamics.manyToMany).flatMap(([name, { tables: sides }]) => {
    if (!installed.take('relationship', name) || schema.table(name.toLowerCase())) return [];
    const path = `dynamics.manyToMany.${name}`;
    return faults.attempt(path, () => createManyToMany(customisation, manyToManyDefinition(name, sides)))
      ? [name]
      : [];
  });
  return { tables, manyToMany, keys };
}

/** Makes the table if it is to be made; undefined when there is nothing to do with it. */
function columnsToMake(
  customisation: Customisation,
  name: string,
  table: ModelTable,
  installed: InstalledParts,
  faults: ModelFaults,
): [string, ModelColumn][] | undefined {
  const existing = customisation.schema.table(name.toLowerCase());
  const columns = Object.entries(table.columns);
  if (existing && !existing.isCustom) {
    if (table.rows !== 0) faults.add(`dynamics.tables.${name}.rows`, 'rows are made for new tables only');
    const missing = columns.filter(
      ([column]) => installed.take('column', `${name}.${column}`) && !existing.columns[column.toLowerCase()],
    );
    return missing.length > 0 || Object.keys(table.keys).length > 0 ? missing : undefined;
  }
  if (!installed.take('table', name) || existing) return undefined;
  const path = `dynamics.tables.${name}`;
  return faults.attempt(path, () => createTable(customisation, tableDefinition(name, table)))
    ? columns
    : undefined;
}

function addPlainColumns(
  customisation: Customisation,
  { name, table, columns }: Extension,
  faults: ModelFaults,
): void {
  for (const [columnName, column] of columns) {
    if (column.type === 'Lookup' || column.type === 'Customer') continue;
    faults.attempt(`dynamics.tables.${name}.columns.${columnName}`, () =>
      createColumn(customisation, tableOf(customisation, name), columnDefinition(columnName, column)),
    );
  }
  for (const [value, { label, state }] of Object.entries(table.statusReasons)) {
    faults.attempt(`dynamics.tables.${name}.statusReasons.${value}`, () =>
      insertOption(customisation, {
        EntityLogicalName: name.toLowerCase(),
        AttributeLogicalName: 'statuscode',
        Value: Number(value),
        Label: labelDefinition(label, value),
        StateCode: state,
      }),
    );
  }
}

function addLookups(customisation: Customisation, { name, columns }: Extension, faults: ModelFaults): void {
  const table = name.toLowerCase();
  for (const [columnName, column] of columns) {
    const path = `dynamics.tables.${name}.columns.${columnName}`;
    if (column.type === 'Customer') {
      faults.attempt(path, () =>
        createPolymorphicLookup(
          customisation,
          'Customer',
          polymorphicDefinition(table, columnName, ['account', 'contact'], column.label),
        ),
      );
    } else if (column.type === 'Lookup') {
      const targets = typeof column.to === 'string' ? [column.to] : column.to;
      const [first = '', ...others] = targets;
      faults.attempt(path, () =>
        others.length === 0
          ? createOneToMany(customisation, relationshipDefinition(table, columnName, first, column))
          : createPolymorphicLookup(
              customisation,
              'Lookup',
              polymorphicDefinition(table, columnName, targets, column.label, column.onDelete),
            ),
      );
    }
  }
}

/** Metadata ids of the keys made. */
function addKeys(
  customisation: Customisation,
  { name, table }: Extension,
  installed: InstalledParts,
  faults: ModelFaults,
): string[] {
  const made: string[] = [];
  for (const [keyName, keyColumns] of Object.entries(table.keys)) {
    if (!installed.take('key', `${name}.${keyName}`)) continue;
    faults.attempt(`dynamics.tables.${name}.keys.${keyName}`, () => {
      const definition = {
        SchemaName: keyName,
        KeyAttributes: keyColumns,
        DisplayName: labelDefinition(undefined, keyName),
      };
      made.push(createKey(customisation, tableOf(customisation, name), definition).metadataId);
    });
  }
  return made;
}

/** Ends the building of the new keys' indexes now: the customiser was here long ago. */
export const activateKeys = (customisation: Customisation, { keys }: NewTables): void =>
  settleKeys(customisation, ({ metadataId }) => keys.includes(metadataId));

function tableOf({ schema }: Customisation, name: string): Table {
  const table = schema.table(name.toLowerCase());
  if (!table) throw new Error(`the table ${name} was not made`);
  return table;
}
