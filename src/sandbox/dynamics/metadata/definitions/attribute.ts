import type { Column, ColumnType, Table } from '../../schema.js';
import { labelOf } from '../labels.js';
import {
  constant,
  edmTypes,
  fixed,
  managed,
  setting,
  stampOf,
  type MetadataType,
  type Property,
} from './property.js';

/** A column with its table; `settings` are the column's, for the properties that only repeat them. */
export interface AttributeSource {
  table: Table;
  column: Column;
  settings: Record<string, unknown>;
}

export const of = (name: string, type: string, value: (source: AttributeSource) => unknown) =>
  fixed<AttributeSource>(name, type, value);
const flag = (name: string, value: (source: AttributeSource) => boolean) => of(name, 'Edm.Boolean', value);

/** `AttributeType` and `AttributeTypeName` where they are not the column type and `<type>Type`. */
const VIRTUAL: ColumnType[] = ['MultiSelectPicklist', 'Image', 'File', 'Virtual'];
export const attributeType = (type: ColumnType): string => (VIRTUAL.includes(type) ? 'Virtual' : type);
export const attributeTypeName = (type: ColumnType): string => `${type}Type`;

const isSearchable = ({ type }: Column): boolean => type === 'String' || type === 'Memo';
const isFormColumn = ({ column, table }: AttributeSource): boolean =>
  column.validForOData !== false && column.logicalName !== table.primaryId;

/** The properties every column has (dataverse.md §7). */
export const attributeProperties: Property<AttributeSource>[] = [
  constant('AttributeOf', 'Edm.String', null),
  of('AttributeType', 'mscrm.AttributeTypeCode', ({ column }) => attributeType(column.type)),
  of('ColumnNumber', 'Edm.Int32', ({ column }) => column.columnNumber),
  constant('DeprecatedVersion', 'Edm.String', null),
  constant('IntroducedVersion', 'Edm.String', '1.0.0.0'),
  of('EntityLogicalName', 'Edm.String', ({ table }) => table.logicalName),
  flag('IsCustomAttribute', ({ column }) => column.isCustom),
  flag('IsPrimaryId', ({ column, table }) => column.logicalName === table.primaryId),
  flag('IsValidODataAttribute', ({ column }) => column.validForOData !== false),
  flag('IsPrimaryName', ({ column, table }) => column.logicalName === table.primaryName),
  flag('IsValidForCreate', ({ column }) => column.validForCreate),
  flag('IsValidForRead', ({ column }) => column.validForRead),
  flag('IsValidForUpdate', ({ column }) => column.validForUpdate),
  constant('CanBeSecuredForRead', 'Edm.Boolean', false),
  constant('CanBeSecuredForCreate', 'Edm.Boolean', false),
  constant('CanBeSecuredForUpdate', 'Edm.Boolean', false),
  setting('IsSecured', 'Edm.Boolean', false),
  flag('IsRetrievable', ({ column }) => column.validForRead),
  flag('IsFilterable', ({ column }) => column.validForOData !== false),
  flag('IsSearchable', ({ column }) => isSearchable(column)),
  constant('IsManaged', 'Edm.Boolean', false),
  constant('LinkedAttributeId', 'Edm.Guid', null),
  of('LogicalName', 'Edm.String', ({ column }) => column.logicalName),
  flag('IsValidForForm', isFormColumn),
  constant('IsRequiredForForm', 'Edm.Boolean', false),
  flag('IsValidForGrid', isFormColumn),
  of('SchemaName', 'Edm.String', ({ column }) => column.schemaName),
  constant('ExternalName', 'Edm.String', null),
  constant('IsLogical', 'Edm.Boolean', false),
  constant('IsDataSourceSecret', 'Edm.Boolean', false),
  constant('InheritsFrom', 'Edm.String', null),
  of('CreatedOn', 'Edm.DateTimeOffset', ({ column }) => stampOf(column.createdOnMs)),
  of('ModifiedOn', 'Edm.DateTimeOffset', ({ column }) => stampOf(column.modifiedOnMs ?? column.createdOnMs)),
  of('SourceType', 'Edm.Int32', ({ column, settings }) =>
    column.type === 'Uniqueidentifier' || column.type === 'Lookup' ? null : (settings['SourceType'] ?? 0),
  ),
  setting('AutoNumberFormat', 'Edm.String', ''),
  of('MetadataId', 'Edm.Guid', ({ column }) => column.metadataId),
  constant('HasChanged', 'Edm.Boolean', null),
  of('AttributeTypeName', 'mscrm.AttributeTypeDisplayName', ({ column }) => ({
    Value: attributeTypeName(column.type),
  })),
  of('Description', 'mscrm.Label', ({ column }) => labelOf(column.description, {}, `${column.metadataId}/d`)),
  of('DisplayName', 'mscrm.Label', ({ column }) =>
    labelOf(column.displayName, column.labels, column.metadataId),
  ),
  managed('IsAuditEnabled', 'canmodifyauditsettings', false),
  managed('IsGlobalFilterEnabled', 'canmodifyglobalfiltersettings', false),
  managed('IsSortableEnabled', 'canmodifyissortablesettings', false),
  managed('IsCustomizable', 'iscustomizable'),
  managed('IsRenameable', 'isrenameable'),
  managed('IsValidForAdvancedFind', 'canmodifysearchsettings'),
  of('RequiredLevel', 'mscrm.AttributeRequiredLevelManagedProperty', ({ column }) => ({
    Value: column.requiredLevel,
    CanBeChanged: column.requiredLevel !== 'SystemRequired',
    ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
  })),
  managed('CanModifyAdditionalSettings', 'canmodifyadditionalsettings'),
  constant('Settings', 'Collection(mscrm.AttributeSetting)', []),
];

/** The base of all column types: what an uncast query may select and filter by. */
export const attributeBaseType: MetadataType = {
  name: 'AttributeMetadata',
  properties: edmTypes(attributeProperties),
};
