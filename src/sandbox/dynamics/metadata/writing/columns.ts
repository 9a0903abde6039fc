import type { Column, Relationship, Table } from '../../schema.js';
import { column, lookupRelationship, numbered, readOnly } from '../standard-columns.js';
import { changedColumn, readColumnType, readNewColumn } from './column-definitions.js';
import {
  duplicateName,
  invalidDefinition,
  notCustom,
  requiredSchemaName,
  stillReferenced,
  type Customisation,
  type Definition,
} from './customisation.js';
import { addToSolution, COMPONENT, removeFromSolutions, requireSolution } from './solutions.js';

/** `POST EntityDefinitions(…)/Attributes`: adds a column, and what comes with it. Returns the new column. */
export function createColumn(customisation: Customisation, table: Table, definition: Definition): Column {
  requireSolution(customisation);
  requiredSchemaName(definition);
  const made = readNewColumn(customisation, table.logicalName, definition);
  customisation.schema.saveTable(withColumns(table, [made]));
  addCurrencyRelationship(customisation, table.logicalName);
  addToSolution(customisation, COMPONENT.attribute, made.metadataId);
  return made;
}

/** The table with new columns and their companions; refuses a name that is taken. */
export function withColumns(table: Table, added: Column[]): Table {
  let columns = table.columns;
  for (const entry of added) {
    if (columns[entry.logicalName]) throw duplicateName('attribute', entry.logicalName);
    const companions = companionsOf(table, entry).filter(({ logicalName }) => !columns[logicalName]);
    columns = numbered([...Object.values(columns), entry, ...companions]);
  }
  return { ...table, columns };
}

/** Columns that the service makes along: the base-currency twin of money, the parts of an image or file. */
function companionsOf({ logicalName: table }: Table, { type, schemaName, displayName }: Column): Column[] {
  if (type === 'Money') {
    return [
      column(table, `${schemaName}_Base`, 'Money', {
        displayName: `${displayName} (Base)`,
        precision: 4,
        ...readOnly,
      }),
      column(table, 'TransactionCurrencyId', 'Lookup', {
        displayName: 'Currency',
        targets: ['transactioncurrency'],
      }),
      column(table, 'ExchangeRate', 'Decimal', {
        min: 0.000_000_000_001,
        max: 100_000_000_000,
        precision: 12,
        ...readOnly,
      }),
    ];
  }
  if (type === 'Image') {
    return [
      column(table, `${schemaName}Id`, 'Uniqueidentifier', { ...readOnly }),
      column(table, `${schemaName}_Timestamp`, 'BigInt', { ...readOnly }),
      column(table, `${schemaName}_URL`, 'String', { maxLength: 200, format: 'Url', ...readOnly }),
    ];
  }
  return type === 'File'
    ? [column(table, `${schemaName}_Name`, 'String', { maxLength: 200, ...readOnly })]
    : [];
}

/** The first money column brings the currency lookup along, which has a relationship like any other. */
export function addCurrencyRelationship({ schema }: Customisation, logicalName: string): void {
  const table = schema.table(logicalName);
  if (!table?.columns['transactioncurrencyid']) return;
  const known = schema
    .relationships()
    .some(
      ({ referencing, referencingAttribute }) =>
        referencing === logicalName && referencingAttribute === 'transactioncurrencyid',
    );
  if (known) return;
  schema.saveRelationship(
    lookupRelationship(
      `TransactionCurrency_${logicalName}`,
      'transactioncurrency',
      logicalName,
      'transactioncurrencyid',
      'transactioncurrencyid',
    ),
  );
}

/** `PUT …/Attributes(…)`: replaces what can be changed of a column. */
export function updateColumn(
  customisation: Customisation,
  table: Table,
  before: Column,
  definition: Definition,
): void {
  const typed = definition['@odata.type'] !== undefined || definition['AttributeType'] !== undefined;
  if (typed && !sameType(before, definition)) {
    throw invalidDefinition(`The type of the attribute ${before.logicalName} cannot be changed.`);
  }
  const after = changedColumn(customisation, before, definition);
  customisation.schema.saveTable({
    ...table,
    columns: { ...table.columns, [before.logicalName]: after },
  });
}

function sameType(before: Column, definition: Definition): boolean {
  const asked = readColumnType(definition);
  return asked === before.type || (asked === 'Lookup' && (before.targets?.length ?? 0) > 0);
}

/** `DELETE …/Attributes(…)`: drops a custom column with its values, and the relationship of a lookup. */
export function deleteColumn(customisation: Customisation, table: Table, gone: Column): void {
  const { schema } = customisation;
  if (!gone.isCustom || gone.logicalName === table.primaryName)
    throw notCustom('attribute', gone.logicalName);
  const keys = table.keys.filter(({ columns }) => columns.includes(gone.logicalName));
  if (keys.length > 0) throw stillReferenced('Attribute', gone.metadataId, keys.length);
  for (const relationship of schema.relationships()) {
    if (isOver(relationship, table, gone)) schema.deleteRelationship(relationship.schemaName);
  }
  dropColumns(customisation, table, [gone, ...ownCompanions(table, gone)]);
}

const isOver = ({ referencing, referencingAttribute }: Relationship, table: Table, { logicalName }: Column) =>
  referencing === table.logicalName && referencingAttribute === logicalName;

function ownCompanions(table: Table, gone: Column): Column[] {
  return companionsOf(table, gone).flatMap(({ logicalName }) =>
    logicalName.startsWith(gone.logicalName) && table.columns[logicalName]
      ? [table.columns[logicalName]]
      : [],
  );
}

/** Takes columns out of a table, and their values out of its rows, so that a later namesake starts empty. */
export function dropColumns(customisation: Customisation, table: Table, gone: Column[]): void {
  const { schema, records } = customisation;
  const columns = { ...table.columns };
  for (const { logicalName } of gone) delete columns[logicalName];
  schema.saveTable({ ...table, columns });
  for (const { metadataId } of gone) {
    schema.noteDeleted('Attribute', metadataId);
    removeFromSolutions(customisation, metadataId);
  }
  for (const { id, values } of records.rows(table.logicalName)) {
    const emptied = gone.filter(({ logicalName }) => values[logicalName] !== undefined);
    if (emptied.length === 0) continue;
    const cleared = Object.fromEntries(emptied.map(({ logicalName }) => [logicalName, null]));
    // Nobody edited the row: its time of change stays.
    records.update(table.logicalName, id, { ...cleared, modifiedon: values['modifiedon'] });
  }
}
