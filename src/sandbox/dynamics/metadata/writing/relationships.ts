import { badPayload, dataverseError } from '../../errors.js';
import { intersectColumns } from '../../navigation.js';
import type { Column, Relationship, Schema, Table } from '../../schema.js';
import { relationshipPropertiesOf } from '../definitions/relationship.js';
import { settingsIn } from '../definitions/property.js';
import { column, numbered, primaryIdColumn, versionColumn } from '../standard-columns.js';
import { newColumn } from './column-definitions.js';
import { dropColumns, withColumns } from './columns.js';
import {
  duplicateName,
  invalidDefinition,
  listOf,
  newMetadataId,
  notCustom,
  requiredSchemaName,
  requiredText,
  requirePrefixed,
  type Customisation,
  type Definition,
} from './customisation.js';
import { addToSolution, COMPONENT, removeFromSolutions, requireSolution } from './solutions.js';

const CASCADES: Relationship['cascadeDelete'][] = ['NoCascade', 'RemoveLink', 'Restrict', 'Cascade'];

/** `POST RelationshipDefinitions`: one to many with an inner `Lookup`, or many to many. */
export function createRelationship(customisation: Customisation, definition: Definition): Relationship {
  const odataType = String(definition['@odata.type'] ?? '');
  const isManyToMany =
    odataType.endsWith('ManyToManyRelationshipMetadata') ||
    (odataType === '' && definition['Entity1LogicalName'] !== undefined);
  if (isManyToMany) return createManyToMany(customisation, definition);
  if (odataType !== '' && !odataType.endsWith('OneToManyRelationshipMetadata')) {
    throw badPayload(
      `A type named '${odataType}' could not be resolved by the model. When a model is available, each type name must resolve to a valid type.`,
    );
  }
  return createOneToMany(customisation, definition);
}

/** Adds the lookup column to the referencing table, and the relationship over it. */
export function createOneToMany(customisation: Customisation, definition: Definition): Relationship {
  requireSolution(customisation);
  const { schema } = customisation;
  const schemaName = requireFreeName(schema, definition);
  const referenced = requiredTable(schema, requiredText(definition, 'ReferencedEntity'));
  const referencing = requiredTable(schema, requiredText(definition, 'ReferencingEntity'));
  const lookup = definition['Lookup'] as Definition | undefined;
  if (!lookup) throw badPayload("Required field 'Lookup' is missing for request");
  const lookupName = requiredText(lookup, 'SchemaName');
  requirePrefixed(lookupName);
  const made: Column = {
    ...newColumn(customisation, referencing.logicalName, 'Lookup', lookup),
    targets: [referenced.logicalName],
  };
  const relationship = oneToMany(
    customisation,
    definition,
    schemaName,
    referenced,
    referencing,
    made,
    lookupName,
  );
  requireFreeNavigation(schema, referencing, relationship.referencingNavigation);
  requireFreeNavigation(schema, referenced, relationship.referencedNavigation);
  schema.saveTable(withColumns(referencing, [made]));
  schema.saveRelationship(relationship);
  addToSolution(customisation, COMPONENT.relationship, relationship.metadataId);
  return relationship;
}

function oneToMany(
  customisation: Customisation,
  definition: Definition,
  schemaName: string,
  referenced: Table,
  referencing: Table,
  lookup: Column,
  referencingNavigation: string,
): Relationship {
  const made: Relationship = {
    metadataId: newMetadataId(customisation, 'relationship', schemaName),
    schemaName,
    kind: 'OneToMany',
    referenced: referenced.logicalName,
    referencing: referencing.logicalName,
    referencingAttribute: lookup.logicalName,
    referencingNavigation: textOf(
      definition,
      'ReferencingEntityNavigationPropertyName',
      referencingNavigation,
    ),
    referencedNavigation: textOf(definition, 'ReferencedEntityNavigationPropertyName', schemaName),
    cascadeDelete: readCascade(definition) ?? 'RemoveLink',
    isCustom: true,
  };
  return { ...made, settings: settingsIn(relationshipPropertiesOf(made), definition) };
}

/**
 * `CreateCustomerRelationships` and `CreatePolymorphicLookupAttribute`: one lookup column that points to several
 * tables, with a relationship and a navigation property for each.
 */
export function createPolymorphicLookup(
  customisation: Customisation,
  type: 'Customer' | 'Lookup',
  definition: Definition,
): { column: Column; relationships: Relationship[] } {
  requireSolution(customisation);
  const { schema } = customisation;
  const lookup = definition['Lookup'] as Definition | undefined;
  if (!lookup) throw badPayload("Required field 'Lookup' is missing for request");
  const lookupName = requiredText(lookup, 'SchemaName');
  requirePrefixed(lookupName);
  const definitions = listOf(definition, 'OneToManyRelationships');
  const [first] = definitions;
  if (!first) throw invalidDefinition('OneToManyRelationships must hold at least one relationship.');
  const referencing = requiredTable(schema, requiredText(first, 'ReferencingEntity'));
  const targets = definitions.map((entry) => requiredTable(schema, requiredText(entry, 'ReferencedEntity')));
  const made: Column = {
    ...newColumn(customisation, referencing.logicalName, type, lookup),
    targets: targets.map(({ logicalName }) => logicalName),
  };
  const relationships = definitions.map((entry, index) => {
    const referenced = targets[index] as Table;
    const schemaName = requireFreeName(schema, entry);
    const navigation = `${lookupName}_${referenced.logicalName}`;
    const found = oneToMany(customisation, entry, schemaName, referenced, referencing, made, navigation);
    requireFreeNavigation(schema, referencing, found.referencingNavigation);
    return found;
  });
  schema.saveTable(withColumns(referencing, [made]));
  for (const relationship of relationships) {
    schema.saveRelationship(relationship);
    addToSolution(customisation, COMPONENT.relationship, relationship.metadataId);
  }
  return { column: made, relationships };
}

/** Adds a relationship with its hidden intersect table. */
export function createManyToMany(customisation: Customisation, definition: Definition): Relationship {
  requireSolution(customisation);
  const { schema } = customisation;
  const schemaName = requireFreeName(schema, definition);
  const first = requiredTable(schema, requiredText(definition, 'Entity1LogicalName'));
  const second = requiredTable(schema, requiredText(definition, 'Entity2LogicalName'));
  const intersectName = textOf(definition, 'IntersectEntityName', schemaName);
  requirePrefixed(intersectName);
  if (schema.table(intersectName.toLowerCase())) throw duplicateName('entity', intersectName.toLowerCase());
  const isSelf = first.logicalName === second.logicalName;
  const made: Relationship = {
    metadataId: newMetadataId(customisation, 'relationship', schemaName),
    schemaName,
    kind: 'ManyToMany',
    referenced: first.logicalName,
    referencing: second.logicalName,
    referencedNavigation: textOf(definition, 'Entity1NavigationPropertyName', schemaName),
    referencingNavigation: textOf(
      definition,
      'Entity2NavigationPropertyName',
      isSelf ? `${schemaName}_referencing` : schemaName,
    ),
    intersect: intersectName.toLowerCase(),
    cascadeDelete: 'NoCascade',
    isCustom: true,
  };
  requireFreeNavigation(schema, first, made.referencedNavigation);
  requireFreeNavigation(schema, second, made.referencingNavigation);
  const relationship = { ...made, settings: settingsIn(relationshipPropertiesOf(made), definition) };
  schema.saveTable(intersectTable(customisation, intersectName, relationship));
  schema.saveRelationship(relationship);
  addToSolution(customisation, COMPONENT.relationship, relationship.metadataId);
  return relationship;
}

function intersectTable(customisation: Customisation, schemaName: string, relationship: Relationship): Table {
  const logicalName = schemaName.toLowerCase();
  const sides = intersectColumns(customisation.schema, relationship);
  return {
    metadataId: newMetadataId(customisation, 'table', logicalName),
    logicalName,
    schemaName,
    entitySetName: `${logicalName}set`,
    primaryId: `${logicalName}id`,
    primaryName: '',
    objectTypeCode: 0,
    displayName: schemaName,
    displayCollectionName: schemaName,
    ownership: 'None',
    isActivity: false,
    isIntersect: true,
    isCustom: true,
    changeTracking: false,
    canChangeTrackingBeEnabled: false,
    elastic: false,
    columns: numbered([
      primaryIdColumn(logicalName, `${logicalName}id`, schemaName),
      ...sides.map((side) => column(logicalName, side, 'Uniqueidentifier')),
      versionColumn(logicalName),
    ]),
    keys: [],
    bulkActions: [],
    createdOnMs: customisation.context.clock.nowMs(),
  };
}

/** `PUT RelationshipDefinitions(…)`: cascades and menu settings; tables and names stay. */
export function updateRelationship(
  { schema }: Customisation,
  before: Relationship,
  definition: Definition,
): void {
  schema.saveRelationship({
    ...before,
    cascadeDelete: readCascade(definition) ?? before.cascadeDelete,
    settings: { ...before.settings, ...settingsIn(relationshipPropertiesOf(before), definition) },
  });
}

/** `DELETE RelationshipDefinitions(…)`: takes the lookup column, or the intersect table, along. */
export function deleteRelationship(customisation: Customisation, gone: Relationship): void {
  const { schema, records } = customisation;
  if (gone.isCustom !== true) throw notCustom('relationship', gone.schemaName);
  schema.deleteRelationship(gone.schemaName);
  removeFromSolutions(customisation, gone.metadataId);
  if (gone.intersect !== undefined) {
    schema.deleteTable(gone.intersect);
    records.dropTable(gone.intersect);
    return;
  }
  const table = schema.table(gone.referencing);
  const lookup = table?.columns[gone.referencingAttribute ?? ''];
  if (!table || !lookup?.isCustom) return;
  const targets = (lookup.targets ?? []).filter((target) => target !== gone.referenced);
  if (targets.length === 0) return dropColumns(customisation, table, [lookup]);
  schema.saveTable({
    ...table,
    columns: { ...table.columns, [lookup.logicalName]: { ...lookup, targets } },
  });
}

function requireFreeName(schema: Schema, definition: Definition): string {
  const schemaName = requiredSchemaName(definition);
  const wanted = schemaName.toLowerCase();
  if (schema.relationships().some((known) => known.schemaName.toLowerCase() === wanted)) {
    throw duplicateName('entity relationship', schemaName);
  }
  return schemaName;
}

function requiredTable(schema: Schema, logicalName: string): Table {
  const table = schema.table(logicalName.toLowerCase());
  if (!table)
    throw invalidDefinition(`The entity with a name = '${logicalName}' was not found in the MetadataCache.`);
  if (table.isIntersect)
    throw invalidDefinition(`The entity ${logicalName} cannot be part of a relationship.`);
  return table;
}

function requireFreeNavigation(schema: Schema, { logicalName }: Table, navigation: string): void {
  const taken = schema
    .relationships()
    .some(
      ({ referencing, referenced, referencingNavigation, referencedNavigation }) =>
        (referencing === logicalName && referencingNavigation === navigation) ||
        (referenced === logicalName && referencedNavigation === navigation),
    );
  if (!taken) return;
  throw dataverseError(
    400,
    '0x80072551',
    `NavigationPropertyName ${navigation} is not unique within an entity`,
  );
}

function readCascade(definition: Definition): Relationship['cascadeDelete'] | undefined {
  const given = (definition['CascadeConfiguration'] as Definition | undefined)?.['Delete'];
  if (given === undefined || given === null) return undefined;
  const cascade = CASCADES.find((known) => known === given);
  if (!cascade) throw badPayload(`'${String(given)}' is no cascade for Delete.`);
  return cascade;
}

function textOf(definition: Definition, property: string, fallback: string): string {
  const value = definition[property];
  return typeof value === 'string' && value !== '' ? value : fallback;
}
