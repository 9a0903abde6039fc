import { metadataTypes } from '../type-catalogue.js';
import { element } from './xml.js';

/** The types of the definitions themselves: what `EntityDefinitions` and its like consist of. */
export function metadataModel(): string {
  return [...enumTypes(), ...complexTypes(), ...entityTypes()].join('');
}

/** The sets under which definitions are read and written. */
export const metadataSets = (): string =>
  [
    element('EntitySet', { Name: 'EntityDefinitions', EntityType: 'mscrm.EntityMetadata' }),
    element('EntitySet', { Name: 'RelationshipDefinitions', EntityType: 'mscrm.RelationshipMetadataBase' }),
    element('EntitySet', { Name: 'GlobalOptionSetDefinitions', EntityType: 'mscrm.OptionSetMetadataBase' }),
  ].join('');

const entityTypes = (): string[] => [
  element(
    'EntityType',
    { Name: 'MetadataBase', Abstract: 'true' },
    element('Key', {}, element('PropertyRef', { Name: 'MetadataId' })),
    element('Property', { Name: 'MetadataId', Type: 'Edm.Guid', Nullable: 'false' }),
    element('Property', { Name: 'HasChanged', Type: 'Edm.Boolean' }),
  ),
  ...metadataTypes.map(({ name, base, abstract, properties, navigation }) =>
    element(
      'EntityType',
      {
        Name: name,
        BaseType: `mscrm.${base?.name ?? 'MetadataBase'}`,
        Abstract: abstract ? 'true' : undefined,
      },
      ...Object.entries(properties)
        .filter(([property]) => property !== 'MetadataId' && property !== 'HasChanged')
        .map(([property, type]) => element('Property', { Name: property, Type: type })),
      ...Object.entries(navigation ?? {}).map(([property, type]) =>
        element('NavigationProperty', {
          Name: property,
          Type: type,
          ContainsTarget: type.startsWith('Collection(') ? 'true' : undefined,
        }),
      ),
    ),
  ),
];

const COMPLEX: Record<string, Record<string, string>> = {
  LocalizedLabel: {
    Label: 'Edm.String',
    LanguageCode: 'Edm.Int32',
    IsManaged: 'Edm.Boolean',
    MetadataId: 'Edm.Guid',
    HasChanged: 'Edm.Boolean',
  },
  Label: {
    LocalizedLabels: 'Collection(mscrm.LocalizedLabel)',
    UserLocalizedLabel: 'mscrm.LocalizedLabel',
  },
  BooleanManagedProperty: {
    Value: 'Edm.Boolean',
    CanBeChanged: 'Edm.Boolean',
    ManagedPropertyLogicalName: 'Edm.String',
  },
  AttributeRequiredLevelManagedProperty: {
    Value: 'mscrm.AttributeRequiredLevel',
    CanBeChanged: 'Edm.Boolean',
    ManagedPropertyLogicalName: 'Edm.String',
  },
  AttributeTypeDisplayName: { Value: 'Edm.String' },
  StringFormatName: { Value: 'Edm.String' },
  DateTimeBehavior: { Value: 'Edm.String' },
  OptionMetadata: {
    Value: 'Edm.Int32',
    Label: 'mscrm.Label',
    Description: 'mscrm.Label',
    Color: 'Edm.String',
    IsManaged: 'Edm.Boolean',
    ExternalValue: 'Edm.String',
    ParentValues: 'Collection(Edm.Int32)',
    Tag: 'Edm.String',
    IsHidden: 'Edm.Boolean',
    MetadataId: 'Edm.Guid',
    HasChanged: 'Edm.Boolean',
  },
  CascadeConfiguration: Object.fromEntries(
    ['Assign', 'Delete', 'Archive', 'Merge', 'Reparent', 'Share', 'Unshare', 'RollupView'].map((name) => [
      name,
      'mscrm.CascadeType',
    ]),
  ),
  AssociatedMenuConfiguration: {
    Behavior: 'mscrm.AssociatedMenuBehavior',
    Group: 'mscrm.AssociatedMenuGroup',
    Label: 'mscrm.Label',
    Order: 'Edm.Int32',
    IsCustomizable: 'Edm.Boolean',
    Icon: 'Edm.String',
    ViewId: 'Edm.Guid',
    AvailableOffline: 'Edm.Boolean',
    MenuId: 'Edm.String',
    QueryApi: 'Edm.String',
  },
  SecurityPrivilegeMetadata: {
    CanBeBasic: 'Edm.Boolean',
    CanBeDeep: 'Edm.Boolean',
    CanBeGlobal: 'Edm.Boolean',
    CanBeLocal: 'Edm.Boolean',
    CanBeEntityReference: 'Edm.Boolean',
    CanBeParentEntityReference: 'Edm.Boolean',
    CanBeRecordFilter: 'Edm.Boolean',
    Name: 'Edm.String',
    PrivilegeId: 'Edm.Guid',
    PrivilegeType: 'mscrm.PrivilegeType',
  },
  EntitySetting: { Name: 'Edm.String', Value: 'Edm.String' },
  AttributeSetting: { Name: 'Edm.String', Value: 'Edm.String' },
  RelationshipAttribute: { ReferencedAttribute: 'Edm.String', ReferencingAttribute: 'Edm.String' },
};

const complexTypes = (): string[] => [
  ...Object.entries(COMPLEX).map(([name, properties]) => complexType(name, properties)),
  complexType(
    'StateOptionMetadata',
    { DefaultStatus: 'Edm.Int32', InvariantName: 'Edm.String' },
    'OptionMetadata',
  ),
  complexType('StatusOptionMetadata', { State: 'Edm.Int32', TransitionData: 'Edm.String' }, 'OptionMetadata'),
  element('ComplexType', { Name: 'ComplexEntityMetadata', OpenType: 'true' }),
];

export const complexType = (name: string, properties: Record<string, string>, base?: string): string =>
  element(
    'ComplexType',
    { Name: name, BaseType: base && `mscrm.${base}` },
    ...Object.entries(properties).map(([property, type]) =>
      element('Property', { Name: property, Type: type }),
    ),
  );

/** Members in the order of their values from 0, unless a value is given. */
const ENUMS: Record<string, (string | [string, number])[]> = {
  AttributeTypeCode: [
    'Boolean',
    'Customer',
    'DateTime',
    'Decimal',
    'Double',
    'Integer',
    'Lookup',
    'Memo',
    'Money',
    'Owner',
    'PartyList',
    'Picklist',
    'State',
    'Status',
    'String',
    'Uniqueidentifier',
    'CalendarRules',
    'Virtual',
    'BigInt',
    'ManagedProperty',
    'EntityName',
  ],
  AttributeRequiredLevel: ['None', 'SystemRequired', 'ApplicationRequired', 'Recommended'],
  OwnershipTypes: [
    ['None', 0],
    ['UserOwned', 1],
    ['TeamOwned', 2],
    ['BusinessOwned', 4],
    ['OrganizationOwned', 8],
    ['BusinessParented', 16],
  ],
  ClusterMode: ['Partitioned', 'Replicated', 'Local'],
  ImeMode: ['Auto', 'Inactive', 'Active', 'Disabled'],
  StringFormat: [
    'Email',
    'Text',
    'TextArea',
    'Url',
    'TickerSymbol',
    'PhoneticGuide',
    'VersionNumber',
    'Phone',
    'Json',
    'RichText',
  ],
  IntegerFormat: ['None', 'Duration', 'TimeZone', 'Language', 'Locale'],
  DateTimeFormat: ['DateOnly', 'DateAndTime'],
  LookupFormat: ['None', 'Connection', 'Regarding', 'Text'],
  OptionSetType: ['Picklist', 'State', 'Status', 'Boolean'],
  EntityKeyIndexStatus: ['Pending', 'InProgress', 'Active', 'Failed'],
  RelationshipType: ['OneToManyRelationship', 'ManyToManyRelationship'],
  SecurityTypes: [
    ['None', 0],
    ['Append', 1],
    ['ParentChild', 2],
    ['Pointer', 4],
    ['Inheritance', 8],
  ],
  CascadeType: ['NoCascade', 'Cascade', 'Active', 'UserOwned', 'RemoveLink', 'Restrict'],
  AssociatedMenuBehavior: ['UseCollectionName', 'UseLabel', 'DoNotDisplay'],
  AssociatedMenuGroup: ['Details', 'Sales', 'Service', 'Marketing'],
  PrivilegeDepth: ['Basic', 'Local', 'Deep', 'Global', 'RecordFilter'],
  PrivilegeType: ['None', 'Create', 'Read', 'Write', 'Delete', 'Assign', 'Share', 'Append', 'AppendTo'],
};

const FLAGS = new Set(['OwnershipTypes', 'SecurityTypes']);

const enumTypes = (): string[] =>
  Object.entries(ENUMS).map(([name, members]) =>
    element(
      'EnumType',
      { Name: name, IsFlags: FLAGS.has(name) ? 'true' : undefined },
      ...members.map((member, index) => {
        const [label, value] = typeof member === 'string' ? [member, index] : member;
        return element('Member', { Name: label, Value: String(value) });
      }),
    ),
  );
