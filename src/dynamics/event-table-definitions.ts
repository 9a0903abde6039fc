import { ourEventTables, type EventColumn, type EventKind } from './event-tables.js';

/*
 * What `provision` makes, as the Web API takes it (dataverse.md §7).
 */

/** Shown with everything that provision makes, to tell it from an administrator's own. */
export const ourPublisher = {
  uniquename: 'dynamicscampaignsync',
  friendlyname: 'Dynamics Campaign Sync',
  customizationprefix: 'dcs',
  customizationoptionvalueprefix: 28_630,
};
export const ourSolution = { uniquename: 'DynamicsCampaignSync', friendlyname: 'Dynamics Campaign Sync' };

export interface ColumnDefinition {
  name: string;
  kind: 'text' | 'moment';
  body: object;
}
export interface TableToMake {
  name: string;
  body: object;
  columns: ColumnDefinition[];
}

const displayNames = {
  send: ['Campaign email send', 'Campaign email sends'],
  open: ['Campaign email open', 'Campaign email opens'],
  click: ['Campaign email click', 'Campaign email clicks'],
  bounce: ['Campaign email bounce', 'Campaign email bounces'],
} as const satisfies Record<EventKind, readonly [string, string]>;

const schemaNames = {
  send: 'dcs_EmailSend',
  open: 'dcs_EmailOpen',
  click: 'dcs_EmailClick',
  bounce: 'dcs_EmailBounce',
} as const satisfies Record<EventKind, string>;

/** A String column takes 4,000 characters at most. */
const columnKinds = {
  campaignName: { schemaName: 'dcs_CampaignName', label: 'Campaign name', format: 'Text', maxLength: 255 },
  deliveryName: { schemaName: 'dcs_DeliveryName', label: 'Delivery name', format: 'Text', maxLength: 255 },
  occurredOn: { schemaName: 'dcs_OccurredOn', label: 'Occurred on' },
  mirrorPageUrl: { schemaName: 'dcs_MirrorPageUrl', label: 'Mirror page', format: 'Url', maxLength: 4_000 },
  trackingUrl: { schemaName: 'dcs_TrackingUrl', label: 'Link clicked', format: 'Url', maxLength: 4_000 },
} as const satisfies Record<EventColumn, object>;

/** Our four tables; labels are English, under the organisation's base language, which is the only one that must be there. */
export function tablesToMake(baseLanguage: number): TableToMake[] {
  const label = (text: string): object => ({
    '@odata.type': 'Microsoft.Dynamics.CRM.Label',
    LocalizedLabels: [
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel',
        Label: text,
        LanguageCode: baseLanguage,
      },
    ],
  });
  return (Object.keys(ourEventTables) as EventKind[]).map((kind) => {
    const { table, ...columns } = ourEventTables[kind];
    const [name, plural] = displayNames[kind];
    return {
      name: table,
      body: {
        '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
        SchemaName: schemaNames[kind],
        DisplayName: label(name),
        DisplayCollectionName: label(plural),
        OwnershipType: 'UserOwned',
        IsActivity: true,
        IsAvailableOffline: true,
        HasNotes: true,
        HasActivities: false,
        ActivityTypeMask: 1,
        Attributes: [subjectOf(label('Subject'))],
      },
      columns: (Object.entries(columns) as [EventColumn, string][]).map(([place, column]) =>
        columnOf(place, column, label),
      ),
    };
  });
}

const notRequired = {
  Value: 'None',
  CanBeChanged: true,
  ManagedPropertyLogicalName: 'canmodifyrequirementlevelsettings',
};

const subjectOf = (displayName: object): object => ({
  ...stringOf('Subject', 'Text', 400),
  IsPrimaryName: true,
  DisplayName: displayName,
});

function columnOf(place: EventColumn, name: string, label: (text: string) => object): ColumnDefinition {
  const kind = columnKinds[place];
  const DisplayName = label(kind.label);
  if ('format' in kind)
    return {
      name,
      kind: 'text',
      body: { ...stringOf(kind.schemaName, kind.format, kind.maxLength), DisplayName },
    };
  return {
    name,
    kind: 'moment',
    body: {
      '@odata.type': 'Microsoft.Dynamics.CRM.DateTimeAttributeMetadata',
      AttributeType: 'DateTime',
      AttributeTypeName: { Value: 'DateTimeType' },
      SchemaName: kind.schemaName,
      Format: 'DateAndTime',
      DateTimeBehavior: { Value: 'UserLocal' },
      RequiredLevel: notRequired,
      DisplayName,
    },
  };
}

const stringOf = (SchemaName: string, format: 'Text' | 'Url', MaxLength: number): object => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
  AttributeType: 'String',
  AttributeTypeName: { Value: 'StringType' },
  SchemaName,
  MaxLength,
  FormatName: { Value: format },
  RequiredLevel: notRequired,
});
