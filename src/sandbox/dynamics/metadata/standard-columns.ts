import type { Column, ColumnType, Option, Relationship, Table } from '../schema.js';
import { metadataIdOf } from './metadata-id.js';

type ColumnDetails = Partial<Omit<Column, 'logicalName' | 'schemaName' | 'type'>>;

const INTEGER_LIMIT = 2_147_483_647;
/** The largest money and double values Dataverse accepts. */
const MONEY_LIMIT = 922_337_203_685_477;
const AMOUNT_LIMIT = 100_000_000_000;

/** What a column of this type has when nothing else is said. */
const TYPE_DEFAULTS: Partial<Record<ColumnType, ColumnDetails>> = {
  String: { maxLength: 100, format: 'Text' },
  Memo: { maxLength: 2000, format: 'TextArea' },
  Integer: { min: -INTEGER_LIMIT - 1, max: INTEGER_LIMIT, format: 'None' },
  BigInt: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
  Decimal: { min: -AMOUNT_LIMIT, max: AMOUNT_LIMIT, precision: 2 },
  Double: { min: 0, max: 1_000_000_000, precision: 2 },
  Money: { min: -MONEY_LIMIT, max: MONEY_LIMIT, precision: 2 },
  Boolean: {
    options: [
      { value: 1, labels: { 1033: 'Yes', 1031: 'Ja' } },
      { value: 0, labels: { 1033: 'No', 1031: 'Nein' } },
    ],
    default: false,
  },
  DateTime: { format: 'DateAndTime', dateTimeBehavior: 'UserLocal' },
  PartyList: { targets: ['account', 'contact', 'systemuser', 'team'] },
  Owner: { targets: ['systemuser', 'team'] },
  Customer: { targets: ['account', 'contact'] },
};

/** A column of a table, with the type's usual limits where `details` does not say otherwise. */
export function column(
  table: string,
  schemaName: string,
  type: ColumnType,
  details: ColumnDetails = {},
): Column {
  return {
    metadataId: metadataIdOf('column', table, schemaName.toLowerCase()),
    logicalName: schemaName.toLowerCase(),
    schemaName,
    type,
    columnNumber: 0,
    displayName: displayNameOf(schemaName),
    requiredLevel: 'None',
    validForCreate: true,
    validForUpdate: true,
    validForRead: true,
    isCustom: false,
    ...TYPE_DEFAULTS[type],
    ...details,
  };
}

/** `PrimaryContactId` reads as "Primary Contact". */
function displayNameOf(schemaName: string): string {
  return schemaName
    .replace(/Id$/, '')
    .replaceAll('_', ' ')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .trim();
}

export const readOnly = { validForCreate: false, validForUpdate: false } as const;

export const stateOptions: Option[] = [
  { value: 0, labels: { 1033: 'Active', 1031: 'Aktiv' } },
  { value: 1, labels: { 1033: 'Inactive', 1031: 'Inaktiv' } },
];

export const statusOptions: Option[] = [
  { value: 1, labels: { 1033: 'Active', 1031: 'Aktiv' }, state: 0 },
  { value: 2, labels: { 1033: 'Inactive', 1031: 'Inaktiv' }, state: 1 },
];

/** An option list from values and English labels. */
export const optionsOf = (labels: Record<number, string>): Option[] =>
  Object.entries(labels).map(([value, label]) => ({ value: Number(value), labels: { 1033: label } }));

export const primaryIdColumn = (table: string, schemaName: string, displayName: string): Column =>
  column(table, schemaName, 'Uniqueidentifier', {
    displayName,
    requiredLevel: 'SystemRequired',
    validForUpdate: false,
  });

/** Who and when, as every table of rows that users write has it. */
export const auditColumns = (table: string): Column[] => [
  column(table, 'CreatedBy', 'Lookup', { targets: ['systemuser'], ...readOnly }),
  column(table, 'CreatedOn', 'DateTime', { ...readOnly }),
  column(table, 'CreatedOnBehalfBy', 'Lookup', {
    targets: ['systemuser'],
    displayName: 'Created By (Delegate)',
    ...readOnly,
  }),
  column(table, 'ModifiedBy', 'Lookup', { targets: ['systemuser'], ...readOnly }),
  column(table, 'ModifiedOn', 'DateTime', { ...readOnly }),
  column(table, 'ModifiedOnBehalfBy', 'Lookup', {
    targets: ['systemuser'],
    displayName: 'Modified By (Delegate)',
    ...readOnly,
  }),
];

export const versionColumn = (table: string): Column =>
  column(table, 'VersionNumber', 'BigInt', { ...readOnly });

export const stateColumns = (
  table: string,
  states: Option[] = stateOptions,
  statuses: Option[] = statusOptions,
): Column[] => [
  column(table, 'statecode', 'State', {
    displayName: 'Status',
    requiredLevel: 'SystemRequired',
    options: states,
    validForCreate: false,
  }),
  column(table, 'statuscode', 'Status', { displayName: 'Status Reason', options: statuses }),
];

export const ownerColumns = (table: string): Column[] => [
  column(table, 'OwnerId', 'Owner', { displayName: 'Owner', requiredLevel: 'SystemRequired' }),
  column(table, 'OwnerIdType', 'EntityName', {
    requiredLevel: 'SystemRequired',
    validForOData: false,
    displayName: '',
  }),
  column(table, 'OwningBusinessUnit', 'Lookup', { targets: ['businessunit'], ...readOnly }),
  column(table, 'OwningTeam', 'Lookup', { targets: ['team'], ...readOnly }),
  column(table, 'OwningUser', 'Lookup', { targets: ['systemuser'], ...readOnly }),
];

export const importColumns = (table: string): Column[] => [
  column(table, 'ImportSequenceNumber', 'Integer', { validForUpdate: false }),
  column(table, 'OverriddenCreatedOn', 'DateTime', {
    displayName: 'Record Created On',
    format: 'DateOnly',
    validForUpdate: false,
  }),
  column(table, 'TimeZoneRuleVersionNumber', 'Integer', { min: -1 }),
  column(table, 'UTCConversionTimeZoneCode', 'Integer', {
    min: -1,
    displayName: 'UTC Conversion Time Zone Code',
  }),
];

/** What Dataverse adds to every new table besides its primary columns. */
export const standardColumns = (table: string, ownership: Table['ownership']): Column[] => [
  ...auditColumns(table),
  ...(ownership === 'UserOwned'
    ? ownerColumns(table)
    : [column(table, 'OrganizationId', 'Lookup', { targets: ['organization'], ...readOnly })]),
  ...stateColumns(table),
  ...importColumns(table),
  versionColumn(table),
];

/** Columns by logical name, numbered in the order given where they have no number yet. */
export function numbered(columns: Column[]): Record<string, Column> {
  let next = columns.reduce((highest, { columnNumber }) => Math.max(highest, columnNumber), 0) + 1;
  return Object.fromEntries(
    columns.map((entry) => [
      entry.logicalName,
      entry.columnNumber > 0 ? entry : { ...entry, columnNumber: next++ },
    ]),
  );
}

/** The columns whose navigation properties Dataverse makes by itself, and how their other side is called. */
const SYSTEM_LOOKUPS: Record<string, string> = {
  createdby: 'lk_$_createdby',
  createdonbehalfby: 'lk_$_createdonbehalfby',
  modifiedby: 'lk_$_modifiedby',
  modifiedonbehalfby: 'lk_$_modifiedonbehalfby',
  owninguser: 'user_$',
  owningteam: 'team_$',
  owningbusinessunit: 'business_unit_$',
  organizationid: 'organization_$',
  transactioncurrencyid: 'transactioncurrency_$',
};

/**
 * The relationships that come with a table's standard lookup columns. They bear the column's logical name as
 * navigation property; `ownerid` leads to `owner`, the base of users and teams.
 */
export function systemRelationships(table: Table): Relationship[] {
  const found: Relationship[] = [];
  for (const { logicalName, targets } of Object.values(table.columns)) {
    const pattern = SYSTEM_LOOKUPS[logicalName];
    const referenced = targets?.[0];
    if (pattern === undefined || referenced === undefined || targets?.length !== 1) continue;
    found.push(
      lookupRelationship(
        pattern.replace('$', table.logicalName),
        referenced,
        table.logicalName,
        logicalName,
        systemNavigation(table, logicalName),
      ),
    );
  }
  if (table.columns['ownerid']?.type === 'Owner') {
    found.push(
      lookupRelationship(
        `owner_${table.entitySetName}`,
        'owner',
        table.logicalName,
        'ownerid',
        systemNavigation(table, 'ownerid'),
      ),
    );
  }
  return found;
}

/** An activity's own properties end with its name: without it, they are those of its base `activitypointer`. */
const systemNavigation = ({ isActivity, logicalName }: Table, name: string): string =>
  isActivity && logicalName !== 'activitypointer' ? `${name}_${logicalName}` : name;

/** A one-to-many relationship whose other side is called like its schema name. */
export function lookupRelationship(
  schemaName: string,
  referenced: string,
  referencing: string,
  referencingAttribute: string,
  referencingNavigation: string,
  cascadeDelete: Relationship['cascadeDelete'] = 'NoCascade',
): Relationship {
  return {
    metadataId: metadataIdOf('relationship', schemaName),
    schemaName,
    kind: 'OneToMany',
    referenced,
    referencing,
    referencingAttribute,
    referencingNavigation,
    referencedNavigation: schemaName,
    cascadeDelete,
  };
}
