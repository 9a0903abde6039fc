import type { Systems } from './systems.js';

/** A column as a customiser would define it. */
export type Column = { name: string } & (
  | { type: 'String' | 'Memo'; length?: number }
  | { type: 'Integer' | 'Decimal' | 'Money' | 'Boolean' }
  | { type: 'Lookup'; to: string }
);

const label = (text: string) => ({
  '@odata.type': 'Microsoft.Dynamics.CRM.Label',
  LocalizedLabels: [
    { '@odata.type': 'Microsoft.Dynamics.CRM.LocalizedLabel', Label: text, LanguageCode: 1033 },
  ],
});

/** Defines a custom table with change tracking through the metadata API; `schemaName` like new_Parcel. */
export async function defineTable(systems: Systems, schemaName: string, columns: Column[]): Promise<void> {
  await systems.metadata('EntityDefinitions', {
    '@odata.type': 'Microsoft.Dynamics.CRM.EntityMetadata',
    SchemaName: schemaName,
    DisplayName: label(schemaName),
    DisplayCollectionName: label(`${schemaName}s`),
    OwnershipType: 'UserOwned',
    HasNotes: false,
    HasActivities: false,
    ChangeTrackingEnabled: true,
    Attributes: [
      {
        '@odata.type': 'Microsoft.Dynamics.CRM.StringAttributeMetadata',
        SchemaName: 'new_Name',
        IsPrimaryName: true,
        MaxLength: 100,
        DisplayName: label('Name'),
        RequiredLevel: { Value: 'None' },
      },
    ],
  });
  for (const column of columns) await defineColumn(systems, schemaName, column);
}

export async function defineColumn(systems: Systems, schemaName: string, column: Column): Promise<void> {
  if (column.type === 'Lookup') {
    return systems.metadata('RelationshipDefinitions', {
      '@odata.type': 'Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata',
      SchemaName: `${schemaName}_${column.name}`.toLowerCase(),
      ReferencedEntity: column.to,
      ReferencingEntity: schemaName.toLowerCase(),
      Lookup: {
        '@odata.type': 'Microsoft.Dynamics.CRM.LookupAttributeMetadata',
        SchemaName: column.name,
        DisplayName: label(column.name),
      },
    });
  }
  await systems.metadata(`EntityDefinitions(LogicalName='${schemaName.toLowerCase()}')/Attributes`, {
    '@odata.type': `Microsoft.Dynamics.CRM.${column.type}AttributeMetadata`,
    SchemaName: column.name,
    DisplayName: label(column.name),
    RequiredLevel: { Value: 'None' },
    ...('length' in column && { MaxLength: column.length ?? 100 }),
    ...(column.type === 'Boolean' && {
      OptionSet: {
        TrueOption: { Value: 1, Label: label('Yes') },
        FalseOption: { Value: 0, Label: label('No') },
      },
    }),
  });
}
