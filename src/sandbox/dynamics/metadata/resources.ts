import type { AlternateKey, Column, GlobalOptionSet, Relationship, Schema, Table } from '../schema.js';
import { attributeDefinition, attributeMetadataType } from './definitions/attribute-types.js';
import { entityProperties, entityType } from './definitions/entity.js';
import { keyDefinition, keyType } from './definitions/key.js';
import {
  columnOptionSetSource,
  globalOptionSetSource,
  optionSetDefinition,
  optionSetMetadataType,
  type OptionSetSource,
} from './definitions/option-set.js';
import { render, type MetadataType } from './definitions/property.js';
import { relationshipDefinition, relationshipMetadataType } from './definitions/relationship.js';

/** One addressable piece of metadata. Its definition is built when first asked for. */
export interface Resource {
  type: MetadataType;
  /** What it can be addressed by: `MetadataId`, and `LogicalName`, `SchemaName` or `Name`. */
  keys: Record<string, string>;
  definition(): Record<string, unknown>;
  navigation: Record<string, () => Resource[] | Resource | null>;
}

export function tableResource(schema: Schema, table: Table): Resource {
  const named = (matches: (relationship: Relationship) => boolean) =>
    schema
      .relationships()
      .filter(matches)
      .map((found) => relationshipResource(schema, found));
  const { logicalName } = table;
  return {
    type: entityType,
    keys: { MetadataId: table.metadataId, LogicalName: logicalName },
    definition: () => render(entityProperties, table),
    navigation: {
      Attributes: () => Object.values(table.columns).map((column) => columnResource(schema, table, column)),
      Keys: () => table.keys.map((key) => keyResource(table, key)),
      OneToManyRelationships: () =>
        named(({ kind, referenced }) => kind === 'OneToMany' && referenced === logicalName),
      ManyToOneRelationships: () =>
        named(({ kind, referencing }) => kind === 'OneToMany' && referencing === logicalName),
      ManyToManyRelationships: () =>
        named(
          ({ kind, referenced, referencing, intersect }) =>
            kind === 'ManyToMany' && [referenced, referencing, intersect].includes(logicalName),
        ),
    },
  };
}

export function columnResource(schema: Schema, table: Table, column: Column): Resource {
  const globalOptionSet = schema.globalOptionSets().find(({ name }) => name === column.globalOptionSet);
  const settings = column.settings ?? {};
  const type = attributeMetadataType(column.type);
  return {
    type,
    keys: { MetadataId: column.metadataId, LogicalName: column.logicalName },
    definition: () => attributeDefinition({ table, column, settings }),
    navigation: type.navigation
      ? {
          OptionSet: () =>
            optionSetResource(
              globalOptionSet ? globalOptionSetSource(globalOptionSet) : columnOptionSetSource(table, column),
            ),
          GlobalOptionSet: () =>
            globalOptionSet ? optionSetResource(globalOptionSetSource(globalOptionSet)) : null,
        }
      : {},
  };
}

export const keyResource = (table: Table, key: AlternateKey): Resource => ({
  type: keyType,
  keys: { MetadataId: key.metadataId, LogicalName: key.logicalName, SchemaName: key.schemaName },
  definition: () => keyDefinition({ table, key }),
  navigation: {},
});

export const relationshipResource = (schema: Schema, relationship: Relationship): Resource => ({
  type: relationshipMetadataType(relationship),
  keys: { MetadataId: relationship.metadataId, SchemaName: relationship.schemaName },
  definition: () => relationshipDefinition({ schema, relationship, settings: relationship.settings ?? {} }),
  navigation: {},
});

export const globalOptionSetResource = (optionSet: GlobalOptionSet): Resource =>
  optionSetResource(globalOptionSetSource(optionSet));

const optionSetResource = (source: OptionSetSource): Resource => ({
  type: optionSetMetadataType(source),
  keys: { MetadataId: source.metadataId, Name: source.name },
  definition: () => optionSetDefinition(source),
  navigation: {},
});
