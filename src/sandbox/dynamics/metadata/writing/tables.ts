import { dataverseError } from '../../errors.js';
import type { Table } from '../../schema.js';
import { activityRelationships, regardingRelationship } from '../activity-columns.js';
import { entityProperties } from '../definitions/entity.js';
import { settingsIn } from '../definitions/property.js';
import { readLabel } from '../labels.js';
import { systemRelationships } from '../standard-columns.js';
import { addCurrencyRelationship } from './columns.js';
import {
  changedLabel,
  duplicateName,
  invalidDefinition,
  listOf,
  managedValue,
  notCustom,
  stillReferenced,
  type Customisation,
  type Definition,
} from './customisation.js';
import { createOneToMany, createManyToMany, deleteRelationship } from './relationships.js';
import { addToSolution, COMPONENT, removeFromSolutions, requireSolution } from './solutions.js';
import { newTable } from './table-definitions.js';

/** `POST EntityDefinitions`: makes a table or an activity with its standard columns and relationships. */
export function createTable(customisation: Customisation, definition: Definition): Table {
  const table = preparedTable(customisation, definition);
  install(customisation, table);
  return table;
}

/** `POST CreateEntities`: several tables at once, then their relationships; a fault in one refuses all tables. */
export function createTables(customisation: Customisation, definition: Definition): Table[] {
  const definitions = listOf(definition, 'Entities');
  if (definitions.length === 0) throw invalidDefinition('Entities must hold at least one entity.');
  const tables = definitions.map((entity) => preparedTable(customisation, entity));
  for (const [index, { logicalName }] of tables.entries()) {
    if (tables.findIndex((other) => other.logicalName === logicalName) !== index) {
      throw duplicateName('entity', logicalName);
    }
  }
  for (const table of tables) install(customisation, table);
  for (const entity of definitions) {
    for (const relationship of listOf(entity, 'OneToManyRelationships')) {
      createOneToMany(customisation, relationship);
    }
    for (const relationship of listOf(entity, 'ManyToManyRelationships')) {
      createManyToMany(customisation, relationship);
    }
  }
  return tables;
}

/** The table as it will be, after everything that could refuse it. */
function preparedTable(customisation: Customisation, definition: Definition): Table {
  requireSolution(customisation);
  const { schema } = customisation;
  const table = newTable(customisation, definition);
  if (schema.table(table.logicalName)) throw duplicateName('entity', table.logicalName);
  if (schema.tableByEntitySet(table.entitySetName)) {
    throw invalidDefinition(`The entity set name ${table.entitySetName} is already in use.`);
  }
  return table;
}

function install(customisation: Customisation, table: Table): void {
  const { schema } = customisation;
  schema.saveTable(table);
  for (const relationship of systemRelationships(table)) schema.saveRelationship(relationship);
  addCurrencyRelationship(customisation, table.logicalName);
  if (table.isActivity) connectActivity(customisation, table);
  else if (table.settings?.['HasActivities'] === true) offerActivities(customisation, table);
  addToSolution(customisation, COMPONENT.entity, table.metadataId);
}

function connectActivity({ schema }: Customisation, activity: Table): void {
  for (const relationship of activityRelationships(activity)) schema.saveRelationship(relationship);
  const parties = schema.table('activityparty');
  if (parties) addTarget(schema, parties, 'activityid', activity.logicalName);
}

/** Lets every activity be about a table that has activities. */
function offerActivities({ schema }: Customisation, target: Table): void {
  for (const activity of schema.tables().filter(({ isActivity }) => isActivity)) {
    addTarget(schema, activity, 'regardingobjectid', target.logicalName);
    schema.saveRelationship({ ...regardingRelationship(activity, target.logicalName), isCustom: true });
  }
}

function addTarget(schema: Customisation['schema'], table: Table, columnName: string, target: string): void {
  const column = table.columns[columnName];
  if (!column) return;
  const targets = [...(column.targets ?? []), target];
  schema.saveTable({ ...table, columns: { ...table.columns, [columnName]: { ...column, targets } } });
}

/**
 * `PUT EntityDefinitions(…)`: replaces what can be changed of a table. Change tracking can be switched on, and
 * never off again (dataverse.md §3, "Eligibility").
 */
export function updateTable(customisation: Customisation, before: Table, definition: Definition): Table {
  requireUnchanged(before, definition);
  const tracking = definition['ChangeTrackingEnabled'];
  if (tracking === false && before.changeTracking) {
    throw invalidDefinition(`Change tracking cannot be disabled for the entity ${before.logicalName}.`);
  }
  if (tracking === true && !before.canChangeTrackingBeEnabled) {
    throw dataverseError(
      400,
      '0x80072491',
      `Entity ${before.logicalName} isn't enabled for change tracking.`,
    );
  }
  const collection = changedLabel(
    customisation,
    {
      displayName: before.displayCollectionName,
      ...(before.collectionLabels ? { labels: before.collectionLabels } : {}),
    },
    definition,
    'DisplayCollectionName',
  );
  const description = readLabel(definition['Description'])?.text ?? before.description;
  const after: Table = {
    ...before,
    ...changedLabel(customisation, before, definition),
    displayCollectionName: collection.displayName,
    collectionLabels: collection.labels,
    ...(description === undefined ? {} : { description }),
    changeTracking: before.changeTracking || tracking === true,
    settings: { ...before.settings, ...settingsIn(entityProperties, definition) },
    modifiedOnMs: customisation.context.clock.nowMs(),
  };
  customisation.schema.saveTable(after);
  const hadActivities = before.settings?.['HasActivities'] === true;
  if (!before.isActivity && !hadActivities && after.settings?.['HasActivities'] === true) {
    offerActivities(customisation, after);
  }
  return after;
}

/** What is settled when a table is made, and how the definition calls it. */
function requireUnchanged(table: Table, definition: Definition): void {
  const settled: [string, unknown][] = [
    ['LogicalName', table.logicalName],
    ['SchemaName', table.schemaName],
    ['OwnershipType', table.ownership],
    ['IsActivity', table.isActivity],
    ['ObjectTypeCode', table.objectTypeCode],
    ['PrimaryIdAttribute', table.primaryId],
    ['ActivityTypeMask', table.settings?.['ActivityTypeMask'] ?? 0],
  ];
  for (const [property, value] of settled) {
    const given = definition[property];
    if (given !== undefined && given !== null && given !== value) {
      throw invalidDefinition(`${property} of the entity ${table.logicalName} cannot be changed.`);
    }
  }
  if (table.isActivity && managedValue(definition, 'IsMailMergeEnabled') === true) {
    throw dataverseError(400, '0x8004F124', 'A custom activity cannot be enabled for mail merge.');
  }
}

/** `DELETE EntityDefinitions(…)`: drops a custom table with its rows, unless another table's lookup needs it. */
export function deleteTable(customisation: Customisation, gone: Table): void {
  const { schema, records } = customisation;
  if (!gone.isCustom || gone.isIntersect) throw notCustom('entity', gone.logicalName);
  const lookups = schema
    .relationships()
    .filter(
      ({ kind, referenced, referencing, referencingAttribute }) =>
        kind === 'OneToMany' &&
        referenced === gone.logicalName &&
        referencing !== gone.logicalName &&
        schema.table(referencing)?.columns[referencingAttribute ?? '']?.isCustom === true,
    );
  if (lookups.length > 0) throw stillReferenced('Entity', gone.metadataId, lookups.length);
  for (const relationship of schema.relationships()) {
    const { referenced, referencing, kind, schemaName, referencingAttribute } = relationship;
    if (referenced !== gone.logicalName && referencing !== gone.logicalName) continue;
    if (kind === 'ManyToMany') {
      deleteRelationship(customisation, relationship);
      continue;
    }
    schema.deleteRelationship(schemaName);
    const other = referenced === gone.logicalName ? schema.table(referencing) : undefined;
    if (other && referencingAttribute !== undefined) removeTarget(schema, other, referencingAttribute, gone);
  }
  schema.deleteTable(gone.logicalName);
  records.dropTable(gone.logicalName);
  removeFromSolutions(customisation, gone.metadataId);
}

function removeTarget(schema: Customisation['schema'], table: Table, columnName: string, gone: Table): void {
  const column = table.columns[columnName];
  if (!column?.targets?.includes(gone.logicalName)) return;
  const targets = column.targets.filter((target) => target !== gone.logicalName);
  schema.saveTable({ ...table, columns: { ...table.columns, [columnName]: { ...column, targets } } });
}
