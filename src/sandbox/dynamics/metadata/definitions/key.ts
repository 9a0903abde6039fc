import type { AlternateKey, Table } from '../../schema.js';
import { labelOf } from '../labels.js';
import { constant, edmTypes, fixed, render, type MetadataType, type Property } from './property.js';

export interface KeySource {
  table: Table;
  key: AlternateKey;
}

const of = (name: string, type: string, value: (source: KeySource) => unknown) =>
  fixed<KeySource>(name, type, value);

const keyProperties: Property<KeySource>[] = [
  of('LogicalName', 'Edm.String', ({ key }) => key.logicalName),
  of('SchemaName', 'Edm.String', ({ key }) => key.schemaName),
  of('EntityLogicalName', 'Edm.String', ({ table }) => table.logicalName),
  of('KeyAttributes', 'Collection(Edm.String)', ({ key }) => key.columns),
  constant('IsManaged', 'Edm.Boolean', false),
  constant('IntroducedVersion', 'Edm.String', '1.0.0.0'),
  of('EntityKeyIndexStatus', 'mscrm.EntityKeyIndexStatus', ({ key }) => key.status),
  constant('IsSynchronous', 'Edm.Boolean', false),
  constant('IsExportKey', 'Edm.Boolean', false),
  constant('IsSecondaryKey', 'Edm.Boolean', false),
  of('MetadataId', 'Edm.Guid', ({ key }) => key.metadataId),
  constant('HasChanged', 'Edm.Boolean', null),
  of('DisplayName', 'mscrm.Label', ({ key }) =>
    labelOf(key.displayName ?? key.schemaName, {}, key.metadataId),
  ),
  constant('IsCustomizable', 'mscrm.BooleanManagedProperty', {
    Value: true,
    CanBeChanged: true,
    ManagedPropertyLogicalName: 'iscustomizable',
  }),
];

export const keyType: MetadataType = { name: 'EntityKeyMetadata', properties: edmTypes(keyProperties) };

export const keyDefinition = (source: KeySource): Record<string, unknown> => render(keyProperties, source);
