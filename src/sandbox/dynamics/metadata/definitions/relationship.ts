import { intersectColumns } from '../../navigation.js';
import type { Relationship, Schema } from '../../schema.js';
import { labelOf } from '../labels.js';
import { constant, edmTypes, fixed, render, setting, type MetadataType, type Property } from './property.js';

export interface RelationshipSource {
  schema: Schema;
  relationship: Relationship;
  settings: Record<string, unknown>;
}

const of = (name: string, type: string, value: (source: RelationshipSource) => unknown) =>
  fixed<RelationshipSource>(name, type, value);
const text = (name: string, value: (relationship: Relationship) => unknown) =>
  of(name, 'Edm.String', ({ relationship }) => value(relationship));

const baseProperties: Property<RelationshipSource>[] = [
  of('MetadataId', 'Edm.Guid', ({ relationship }) => relationship.metadataId),
  constant('HasChanged', 'Edm.Boolean', null),
  of('IsCustomRelationship', 'Edm.Boolean', ({ relationship }) => relationship.isCustom === true),
  setting('IsValidForAdvancedFind', 'Edm.Boolean', true),
  text('SchemaName', ({ schemaName }) => schemaName),
  of('SecurityTypes', 'mscrm.SecurityTypes', ({ relationship }) =>
    relationship.kind === 'ManyToMany' ? 'None' : 'Append',
  ),
  constant('IsManaged', 'Edm.Boolean', false),
  of('RelationshipType', 'mscrm.RelationshipType', ({ relationship }) =>
    relationship.kind === 'ManyToMany' ? 'ManyToManyRelationship' : 'OneToManyRelationship',
  ),
  constant('IntroducedVersion', 'Edm.String', '1.0.0.0'),
  constant('IsCustomizable', 'mscrm.BooleanManagedProperty', {
    Value: true,
    CanBeChanged: true,
    ManagedPropertyLogicalName: 'iscustomizable',
  }),
];

const menu = (name: string): Property<RelationshipSource> => ({
  name,
  type: 'mscrm.AssociatedMenuConfiguration',
  value: ({ relationship, settings }) => ({
    Behavior: 'UseCollectionName',
    Group: 'Details',
    Order: 10_000,
    IsCustomizable: true,
    Icon: null,
    ViewId: '00000000-0000-0000-0000-000000000000',
    AvailableOffline: true,
    MenuId: null,
    QueryApi: null,
    Label: labelOf(undefined, {}, relationship.metadataId),
    ...(settings[name] as object | undefined),
  }),
  setting: 'plain',
});

const oneToManyProperties: Property<RelationshipSource>[] = [
  of(
    'ReferencedAttribute',
    'Edm.String',
    ({ schema, relationship: { referenced } }) => schema.table(referenced)?.primaryId ?? `${referenced}id`,
  ),
  text('ReferencedEntity', ({ referenced }) => referenced),
  text('ReferencingAttribute', ({ referencingAttribute }) => referencingAttribute),
  text('ReferencingEntity', ({ referencing }) => referencing),
  setting('IsHierarchical', 'Edm.Boolean', false),
  constant('EntityKey', 'Edm.String', null),
  text('ReferencedEntityNavigationPropertyName', ({ referencedNavigation }) => referencedNavigation),
  text('ReferencingEntityNavigationPropertyName', ({ referencingNavigation }) => referencingNavigation),
  constant('RelationshipBehavior', 'Edm.Int32', 0),
  constant('IsDenormalizedLookup', 'Edm.Boolean', false),
  constant('IsRelationshipAttributeDenormalized', 'Edm.Boolean', false),
  menu('AssociatedMenuConfiguration'),
  {
    name: 'CascadeConfiguration',
    type: 'mscrm.CascadeConfiguration',
    value: ({ relationship, settings }) => ({
      Assign: 'NoCascade',
      Archive: 'NoCascade',
      Merge: 'NoCascade',
      Reparent: 'NoCascade',
      Share: 'NoCascade',
      Unshare: 'NoCascade',
      RollupView: 'NoCascade',
      ...(settings['CascadeConfiguration'] as object | undefined),
      Delete: relationship.cascadeDelete,
    }),
    setting: 'plain',
  },
  constant('RelationshipAttributes', 'Collection(mscrm.RelationshipAttribute)', []),
];

const side = (index: 0 | 1) => (source: RelationshipSource) =>
  intersectColumns(source.schema, source.relationship)[index];

const manyToManyProperties: Property<RelationshipSource>[] = [
  text('Entity1LogicalName', ({ referenced }) => referenced),
  text('Entity2LogicalName', ({ referencing }) => referencing),
  text('IntersectEntityName', ({ intersect }) => intersect),
  of('Entity1IntersectAttribute', 'Edm.String', side(0)),
  of('Entity2IntersectAttribute', 'Edm.String', side(1)),
  text('Entity1NavigationPropertyName', ({ referencedNavigation }) => referencedNavigation),
  text('Entity2NavigationPropertyName', ({ referencingNavigation }) => referencingNavigation),
  menu('Entity1AssociatedMenuConfiguration'),
  menu('Entity2AssociatedMenuConfiguration'),
];

export const relationshipBaseType: MetadataType = {
  name: 'RelationshipMetadataBase',
  abstract: true,
  properties: edmTypes(baseProperties),
};
export const oneToManyType: MetadataType = {
  name: 'OneToManyRelationshipMetadata',
  base: relationshipBaseType,
  properties: edmTypes(oneToManyProperties),
};
export const manyToManyType: MetadataType = {
  name: 'ManyToManyRelationshipMetadata',
  base: relationshipBaseType,
  properties: edmTypes(manyToManyProperties),
};

export const relationshipMetadataType = ({ kind }: Relationship): MetadataType =>
  kind === 'ManyToMany' ? manyToManyType : oneToManyType;

export const relationshipPropertiesOf = ({ kind }: Relationship): Property<RelationshipSource>[] => [
  ...baseProperties,
  ...(kind === 'ManyToMany' ? manyToManyProperties : oneToManyProperties),
];

export const relationshipDefinition = (source: RelationshipSource): Record<string, unknown> =>
  render(relationshipPropertiesOf(source.relationship), source);
