import type { ColumnType } from '../../schema.js';
import { attributeBaseType, attributeProperties, of, type AttributeSource } from './attribute.js';
import { constant, edmTypes, render, setting, type MetadataType, type Property } from './property.js';

const limits = (edmType: string): Property<AttributeSource>[] => [
  of('MaxValue', edmType, ({ column }) => column.max ?? null),
  of('MinValue', edmType, ({ column }) => column.min ?? null),
];
const precision = of('Precision', 'Edm.Int32', ({ column }) => column.precision ?? 0);
const imeMode = (initial: string) => setting('ImeMode', 'mscrm.ImeMode', initial);
const maxLength = of('MaxLength', 'Edm.Int32', ({ column }) => column.maxLength ?? null);
const formula: Property<AttributeSource>[] = [
  setting('FormulaDefinition', 'Edm.String', null),
  constant('SourceTypeMask', 'Edm.Int32', 0),
];
const textFormats: Property<AttributeSource>[] = [
  of('Format', 'mscrm.StringFormat', ({ column }) => stringFormat(column.format)),
  of('FormatName', 'mscrm.StringFormatName', ({ column }) => ({ Value: column.format ?? 'Text' })),
];
const choice: Property<AttributeSource>[] = [
  of('DefaultFormValue', 'Edm.Int32', ({ column }) =>
    typeof column.default === 'number' ? column.default : -1,
  ),
  ...formula,
  constant('ParentPicklistLogicalName', 'Edm.String', null),
  constant('ChildPicklistLogicalNames', 'Collection(Edm.String)', []),
];
const money: Property<AttributeSource>[] = [
  ...limits('Edm.Double'),
  precision,
  setting('PrecisionSource', 'Edm.Int32', 2),
  imeMode('Disabled'),
  of('CalculationOf', 'Edm.String', ({ column }) =>
    column.logicalName.endsWith('_base') ? column.logicalName.slice(0, -'_base'.length) : null,
  ),
  of('IsBaseCurrency', 'Edm.Boolean', ({ column }) => column.logicalName.endsWith('_base')),
  ...formula,
];
const bytes = (initial: number) => setting('MaxSizeInKB', 'Edm.Int32', initial);
const lookup: Property<AttributeSource>[] = [
  of('Targets', 'Collection(Edm.String)', ({ column }) => column.targets ?? []),
  constant('Format', 'mscrm.LookupFormat', 'None'),
];

/** Formats that the older enumeration does not know read as text there. */
const OLD_FORMATS = [
  'Email',
  'Text',
  'TextArea',
  'Url',
  'TickerSymbol',
  'PhoneticGuide',
  'VersionNumber',
  'Phone',
];
const stringFormat = (format = 'Text'): string => (OLD_FORMATS.includes(format) ? format : 'Text');

interface TypeDeclaration {
  name: string;
  properties: Property<AttributeSource>[];
  /** The type of the options, when it has any. */
  optionSet?: 'OptionSetMetadata' | 'BooleanOptionSetMetadata';
}

const LOOKUP: TypeDeclaration = { name: 'LookupAttributeMetadata', properties: lookup };

const DECLARATIONS: Record<ColumnType, TypeDeclaration> = {
  String: {
    name: 'StringAttributeMetadata',
    properties: [
      of('DatabaseLength', 'Edm.Int32', ({ column }) => (column.maxLength ?? 0) * 2),
      ...textFormats,
      imeMode('Auto'),
      maxLength,
      constant('IsLocalizable', 'Edm.Boolean', false),
      constant('YomiOf', 'Edm.String', null),
      ...formula,
    ],
  },
  Memo: {
    name: 'MemoAttributeMetadata',
    properties: [...textFormats, imeMode('Auto'), maxLength, constant('IsLocalizable', 'Edm.Boolean', false)],
  },
  Integer: {
    name: 'IntegerAttributeMetadata',
    properties: [
      of('Format', 'mscrm.IntegerFormat', ({ column }) => column.format ?? 'None'),
      ...limits('Edm.Int32'),
      ...formula,
    ],
  },
  BigInt: { name: 'BigIntAttributeMetadata', properties: limits('Edm.Int64') },
  Decimal: {
    name: 'DecimalAttributeMetadata',
    properties: [...limits('Edm.Decimal'), precision, imeMode('Disabled'), ...formula],
  },
  Double: {
    name: 'DoubleAttributeMetadata',
    properties: [...limits('Edm.Double'), precision, imeMode('Disabled')],
  },
  Money: { name: 'MoneyAttributeMetadata', properties: money },
  Boolean: {
    name: 'BooleanAttributeMetadata',
    properties: [of('DefaultValue', 'Edm.Boolean', ({ column }) => column.default === true), ...formula],
    optionSet: 'BooleanOptionSetMetadata',
  },
  Picklist: { name: 'PicklistAttributeMetadata', properties: choice, optionSet: 'OptionSetMetadata' },
  MultiSelectPicklist: {
    name: 'MultiSelectPicklistAttributeMetadata',
    properties: choice,
    optionSet: 'OptionSetMetadata',
  },
  State: { name: 'StateAttributeMetadata', properties: choice, optionSet: 'OptionSetMetadata' },
  Status: { name: 'StatusAttributeMetadata', properties: choice, optionSet: 'OptionSetMetadata' },
  EntityName: {
    name: 'EntityNameAttributeMetadata',
    properties: [...choice, constant('IsEntityReferenceStored', 'Edm.Boolean', false)],
    optionSet: 'OptionSetMetadata',
  },
  DateTime: {
    name: 'DateTimeAttributeMetadata',
    properties: [
      constant('MinSupportedValue', 'Edm.DateTimeOffset', '1753-01-01T00:00:00Z'),
      constant('MaxSupportedValue', 'Edm.DateTimeOffset', '9999-12-30T23:59:59Z'),
      of('Format', 'mscrm.DateTimeFormat', ({ column }) => column.format ?? 'DateAndTime'),
      of('DateTimeBehavior', 'mscrm.DateTimeBehavior', ({ column }) => ({
        Value: column.dateTimeBehavior ?? 'UserLocal',
      })),
      of('CanChangeDateTimeBehavior', 'mscrm.BooleanManagedProperty', ({ column }) => ({
        Value: column.dateTimeBehavior === 'UserLocal',
        CanBeChanged: true,
        ManagedPropertyLogicalName: 'canmodifybehavior',
      })),
      imeMode('Auto'),
      ...formula,
    ],
  },
  Lookup: LOOKUP,
  Customer: LOOKUP,
  Owner: LOOKUP,
  PartyList: LOOKUP,
  Uniqueidentifier: { name: 'UniqueIdentifierAttributeMetadata', properties: [] },
  ManagedProperty: { name: 'ManagedPropertyAttributeMetadata', properties: [] },
  Virtual: { name: 'AttributeMetadata', properties: [] },
  Image: {
    name: 'ImageAttributeMetadata',
    properties: [
      setting('IsPrimaryImage', 'Edm.Boolean', true),
      constant('MaxHeight', 'Edm.Int16', 144),
      constant('MaxWidth', 'Edm.Int16', 144),
      bytes(10_240),
      setting('CanStoreFullImage', 'Edm.Boolean', false),
    ],
  },
  File: { name: 'FileAttributeMetadata', properties: [bytes(32_768)] },
};

const metadataTypes = new Map<string, MetadataType>();
for (const { name, properties, optionSet } of Object.values(DECLARATIONS)) {
  if (name === attributeBaseType.name) continue;
  metadataTypes.set(name, {
    name,
    base: attributeBaseType,
    properties: edmTypes(properties),
    ...(optionSet
      ? { navigation: { OptionSet: `mscrm.${optionSet}`, GlobalOptionSet: `mscrm.${optionSet}` } }
      : {}),
  });
}

/** The concrete column types, as `$metadata` declares them. */
export const attributeTypes: MetadataType[] = [...metadataTypes.values()];

export const attributeMetadataType = (type: ColumnType): MetadataType =>
  metadataTypes.get(DECLARATIONS[type].name) ?? attributeBaseType;

/** The column type of a definition, by its `@odata.type` or `AttributeType`. */
export function columnTypeOf(
  metadataType: string,
  attributeType: string | undefined,
): ColumnType | undefined {
  if (metadataType === LOOKUP.name) {
    return attributeType === 'Customer' || attributeType === 'PartyList' ? attributeType : 'Lookup';
  }
  return (Object.keys(DECLARATIONS) as ColumnType[]).find(
    (type) => DECLARATIONS[type].name.toLowerCase() === metadataType.toLowerCase(),
  );
}

const propertiesOf = (type: ColumnType): Property<AttributeSource>[] => [
  ...attributeProperties,
  ...DECLARATIONS[type].properties,
];

/** The whole definition of a column, its option set aside. */
export const attributeDefinition = (source: AttributeSource): Record<string, unknown> =>
  render(propertiesOf(source.column.type), source);

export const attributePropertiesOf = propertiesOf;
