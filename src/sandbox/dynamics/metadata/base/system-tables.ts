import type { Column, Table } from '../../schema.js';
import { activityColumns } from '../activity-columns.js';
import { metadataIdOf } from '../metadata-id.js';
import {
  auditColumns,
  column,
  numbered,
  optionsOf,
  primaryIdColumn,
  readOnly,
  stateColumns,
  versionColumn,
} from '../standard-columns.js';

interface SystemTable {
  schemaName: string;
  entitySetName: string;
  objectTypeCode: number;
  displayName: string;
  displayCollectionName: string;
  primaryName: string;
  columns: Column[];
  primaryId?: string;
  ownership?: Table['ownership'];
  isActivity?: boolean;
  /** Whether change tracking is on; `never` where the service cannot track the table. */
  tracking?: 'on' | 'off' | 'never';
}

/** The tables that every organisation has besides account and contact. */
export const systemTables = (): Table[] => [
  ...peopleTables(),
  ...organizationTables(),
  ...activityTables(),
  ...solutionTables(),
  ...messageTables(),
  auditTable(),
];

function systemTable({
  columns,
  primaryId,
  ownership = 'OrganizationOwned',
  tracking = 'off',
  ...rest
}: SystemTable): Table {
  const logicalName = rest.schemaName.toLowerCase();
  return {
    isActivity: false,
    ...rest,
    metadataId: metadataIdOf('table', logicalName),
    logicalName,
    primaryId: primaryId ?? `${logicalName}id`,
    ownership,
    isIntersect: false,
    isCustom: false,
    changeTracking: tracking === 'on',
    canChangeTrackingBeEnabled: tracking !== 'never',
    elastic: false,
    columns: numbered(columns),
    keys: [],
    bulkActions: [],
  };
}

const text = (table: string, schemaName: string, maxLength = 100, details: Partial<Column> = {}) =>
  column(table, schemaName, 'String', { maxLength, ...details });
const nameColumn = (table: string, schemaName: string, maxLength = 160) =>
  text(table, schemaName, maxLength, { isPrimaryName: true });
const lookup = (table: string, schemaName: string, ...targets: string[]) =>
  column(table, schemaName, 'Lookup', { targets });

const peopleTables = (): Table[] => [
  systemTable({
    schemaName: 'SystemUser',
    entitySetName: 'systemusers',
    objectTypeCode: 8,
    displayName: 'User',
    displayCollectionName: 'Users',
    primaryName: 'fullname',
    tracking: 'on',
    columns: [
      primaryIdColumn('systemuser', 'SystemUserId', 'User'),
      text('systemuser', 'FullName', 200, { isPrimaryName: true, ...readOnly }),
      text('systemuser', 'FirstName', 256),
      text('systemuser', 'LastName', 256),
      text('systemuser', 'DomainName', 1024, { displayName: 'User Name' }),
      text('systemuser', 'InternalEMailAddress', 100, { displayName: 'Primary Email', format: 'Email' }),
      text('systemuser', 'Title', 128),
      column('systemuser', 'ApplicationId', 'Uniqueidentifier', { displayName: 'Application ID' }),
      column('systemuser', 'AzureActiveDirectoryObjectId', 'Uniqueidentifier'),
      column('systemuser', 'IsDisabled', 'Boolean', { displayName: 'Status' }),
      column('systemuser', 'IsLicensed', 'Boolean', { displayName: 'User Licensed' }),
      column('systemuser', 'AccessMode', 'Picklist', {
        options: optionsOf({ 0: 'Read-Write', 2: 'Read', 4: 'Non-interactive' }),
      }),
      lookup('systemuser', 'BusinessUnitId', 'businessunit'),
      lookup('systemuser', 'TransactionCurrencyId', 'transactioncurrency'),
      ...auditColumns('systemuser'),
      versionColumn('systemuser'),
    ],
  }),
  systemTable({
    schemaName: 'Team',
    entitySetName: 'teams',
    objectTypeCode: 9,
    displayName: 'Team',
    displayCollectionName: 'Teams',
    primaryName: 'name',
    columns: [
      primaryIdColumn('team', 'TeamId', 'Team'),
      nameColumn('team', 'Name'),
      column('team', 'Description', 'Memo'),
      column('team', 'IsDefault', 'Boolean', { ...readOnly }),
      column('team', 'TeamType', 'Picklist', {
        options: optionsOf({ 0: 'Owner', 1: 'Access', 2: 'Security Group', 3: 'Office Group' }),
      }),
      lookup('team', 'BusinessUnitId', 'businessunit'),
      lookup('team', 'AdministratorId', 'systemuser'),
      ...auditColumns('team'),
      versionColumn('team'),
    ],
  }),
  systemTable({
    schemaName: 'Owner',
    entitySetName: 'owners',
    objectTypeCode: 7,
    displayName: 'Owner',
    displayCollectionName: 'Owners',
    primaryName: 'name',
    ownership: 'None',
    tracking: 'never',
    columns: [
      primaryIdColumn('owner', 'OwnerId', 'Owner'),
      nameColumn('owner', 'Name'),
      versionColumn('owner'),
    ],
  }),
];

const organizationTables = (): Table[] => [
  systemTable({
    schemaName: 'BusinessUnit',
    entitySetName: 'businessunits',
    objectTypeCode: 10,
    displayName: 'Business Unit',
    displayCollectionName: 'Business Units',
    primaryName: 'name',
    columns: [
      primaryIdColumn('businessunit', 'BusinessUnitId', 'Business Unit'),
      nameColumn('businessunit', 'Name'),
      text('businessunit', 'EMailAddress', 100, { format: 'Email' }),
      column('businessunit', 'IsDisabled', 'Boolean', { ...readOnly }),
      lookup('businessunit', 'ParentBusinessUnitId', 'businessunit'),
      lookup('businessunit', 'OrganizationId', 'organization'),
      ...auditColumns('businessunit'),
      versionColumn('businessunit'),
    ],
  }),
  systemTable({
    schemaName: 'Organization',
    entitySetName: 'organizations',
    objectTypeCode: 1019,
    displayName: 'Organization',
    displayCollectionName: 'Organizations',
    primaryName: 'name',
    tracking: 'never',
    columns: [
      primaryIdColumn('organization', 'OrganizationId', 'Organization'),
      nameColumn('organization', 'Name'),
      column('organization', 'LanguageCode', 'Integer', { ...readOnly }),
      column('organization', 'LocaleId', 'Integer'),
      column('organization', 'ExpireChangeTrackingInDays', 'Integer', {
        displayName: 'Days to Expire Change Tracking Deltas',
        min: 0,
        max: 365,
      }),
      column('organization', 'IsAuditEnabled', 'Boolean', { displayName: 'Is Auditing Enabled' }),
      column('organization', 'MaxUploadFileSize', 'Integer', { min: 0, max: 131_072 }),
      lookup('organization', 'BaseCurrencyId', 'transactioncurrency'),
      ...auditColumns('organization'),
      versionColumn('organization'),
    ],
  }),
  systemTable({
    schemaName: 'TransactionCurrency',
    entitySetName: 'transactioncurrencies',
    objectTypeCode: 9105,
    displayName: 'Currency',
    displayCollectionName: 'Currencies',
    primaryName: 'currencyname',
    columns: [
      primaryIdColumn('transactioncurrency', 'TransactionCurrencyId', 'Transaction Currency'),
      nameColumn('transactioncurrency', 'CurrencyName', 100),
      text('transactioncurrency', 'ISOCurrencyCode', 5, { displayName: 'Currency Code' }),
      text('transactioncurrency', 'CurrencySymbol', 13),
      column('transactioncurrency', 'CurrencyPrecision', 'Integer', { min: 0, max: 4 }),
      column('transactioncurrency', 'ExchangeRate', 'Decimal', { min: 0, precision: 12 }),
      ...auditColumns('transactioncurrency'),
      ...stateColumns('transactioncurrency'),
      versionColumn('transactioncurrency'),
    ],
  }),
];

const activityTables = (): Table[] => [
  systemTable({
    schemaName: 'ActivityPointer',
    entitySetName: 'activitypointers',
    objectTypeCode: 4200,
    displayName: 'Activity',
    displayCollectionName: 'Activities',
    primaryId: 'activityid',
    primaryName: 'subject',
    ownership: 'UserOwned',
    isActivity: true,
    tracking: 'on',
    columns: activityColumns('activitypointer', ['account', 'contact']),
  }),
  systemTable({
    schemaName: 'Task',
    entitySetName: 'tasks',
    objectTypeCode: 4212,
    displayName: 'Task',
    displayCollectionName: 'Tasks',
    primaryId: 'activityid',
    primaryName: 'subject',
    ownership: 'UserOwned',
    isActivity: true,
    tracking: 'on',
    columns: activityColumns('task', ['account', 'contact']),
  }),
  systemTable({
    schemaName: 'ActivityParty',
    entitySetName: 'activityparties',
    objectTypeCode: 135,
    displayName: 'Activity Party',
    displayCollectionName: 'Activity Parties',
    primaryName: '',
    ownership: 'None',
    tracking: 'never',
    columns: [
      primaryIdColumn('activityparty', 'ActivityPartyId', 'Activity Party'),
      lookup('activityparty', 'ActivityId', 'activitypointer', 'task'),
      lookup('activityparty', 'PartyId', 'account', 'contact', 'systemuser', 'team'),
      column('activityparty', 'ParticipationTypeMask', 'Picklist', {
        displayName: 'Participation Type',
        options: optionsOf({
          1: 'Sender',
          2: 'To Recipient',
          3: 'CC Recipient',
          4: 'BCC Recipient',
          5: 'Required attendee',
          6: 'Optional attendee',
          7: 'Organizer',
          8: 'Regarding',
          9: 'Owner',
          10: 'Resource',
          11: 'Customer',
        }),
      }),
      text('activityparty', 'AddressUsed', 320),
      versionColumn('activityparty'),
    ],
  }),
];

const solutionTables = (): Table[] => [
  systemTable({
    schemaName: 'Publisher',
    entitySetName: 'publishers',
    objectTypeCode: 7101,
    displayName: 'Publisher',
    displayCollectionName: 'Publishers',
    primaryName: 'friendlyname',
    columns: [
      primaryIdColumn('publisher', 'PublisherId', 'Publisher'),
      text('publisher', 'UniqueName', 256),
      nameColumn('publisher', 'FriendlyName', 256),
      text('publisher', 'CustomizationPrefix', 8, { displayName: 'Prefix' }),
      column('publisher', 'CustomizationOptionValuePrefix', 'Integer', { min: 10_000, max: 99_999 }),
      text('publisher', 'Description', 2000),
      column('publisher', 'IsReadonly', 'Boolean', { ...readOnly }),
      ...auditColumns('publisher'),
      versionColumn('publisher'),
    ],
  }),
  systemTable({
    schemaName: 'Solution',
    entitySetName: 'solutions',
    objectTypeCode: 7100,
    displayName: 'Solution',
    displayCollectionName: 'Solutions',
    primaryName: 'friendlyname',
    columns: [
      primaryIdColumn('solution', 'SolutionId', 'Solution'),
      text('solution', 'UniqueName', 65),
      nameColumn('solution', 'FriendlyName', 256),
      text('solution', 'Version', 256),
      column('solution', 'Description', 'Memo'),
      column('solution', 'InstalledOn', 'DateTime', { ...readOnly }),
      column('solution', 'IsManaged', 'Boolean', { ...readOnly }),
      column('solution', 'IsVisible', 'Boolean', { default: true, ...readOnly }),
      lookup('solution', 'PublisherId', 'publisher'),
      ...auditColumns('solution'),
      versionColumn('solution'),
    ],
  }),
  systemTable({
    schemaName: 'SolutionComponent',
    entitySetName: 'solutioncomponents',
    objectTypeCode: 7103,
    displayName: 'Solution Component',
    displayCollectionName: 'Solution Components',
    primaryName: '',
    ownership: 'None',
    columns: [
      primaryIdColumn('solutioncomponent', 'SolutionComponentId', 'Solution Component'),
      column('solutioncomponent', 'ComponentType', 'Picklist', {
        options: optionsOf({ 1: 'Entity', 2: 'Attribute', 9: 'Option Set', 10: 'Relationship', 14: 'Key' }),
      }),
      column('solutioncomponent', 'ObjectId', 'Uniqueidentifier', { displayName: 'Regarding' }),
      lookup('solutioncomponent', 'SolutionId', 'solution'),
      ...auditColumns('solutioncomponent'),
      versionColumn('solutioncomponent'),
    ],
  }),
];

const messageTables = (): Table[] => [
  systemTable({
    schemaName: 'SdkMessage',
    entitySetName: 'sdkmessages',
    objectTypeCode: 4606,
    displayName: 'Sdk Message',
    displayCollectionName: 'Sdk Messages',
    primaryName: 'name',
    columns: [
      primaryIdColumn('sdkmessage', 'SdkMessageId', 'Sdk Message'),
      nameColumn('sdkmessage', 'Name', 256),
      text('sdkmessage', 'CategoryName', 25),
      column('sdkmessage', 'IsActive', 'Boolean', { default: true }),
      column('sdkmessage', 'IsPrivate', 'Boolean'),
      versionColumn('sdkmessage'),
    ],
  }),
  systemTable({
    schemaName: 'SdkMessageFilter',
    entitySetName: 'sdkmessagefilters',
    objectTypeCode: 4607,
    displayName: 'Sdk Message Filter',
    displayCollectionName: 'Sdk Message Filters',
    primaryName: 'name',
    columns: [
      primaryIdColumn('sdkmessagefilter', 'SdkMessageFilterId', 'Sdk Message Filter'),
      nameColumn('sdkmessagefilter', 'Name', 256),
      column('sdkmessagefilter', 'PrimaryObjectTypeCode', 'EntityName'),
      column('sdkmessagefilter', 'SecondaryObjectTypeCode', 'EntityName'),
      column('sdkmessagefilter', 'IsVisible', 'Boolean', { default: true }),
      column('sdkmessagefilter', 'IsCustomProcessingStepAllowed', 'Boolean', { default: true }),
      lookup('sdkmessagefilter', 'SdkMessageId', 'sdkmessage'),
      versionColumn('sdkmessagefilter'),
    ],
  }),
];

const auditTable = (): Table =>
  systemTable({
    schemaName: 'Audit',
    entitySetName: 'audits',
    objectTypeCode: 4567,
    displayName: 'Auditing',
    displayCollectionName: 'Auditing',
    primaryName: '',
    tracking: 'never',
    columns: [
      primaryIdColumn('audit', 'AuditId', 'Record Id'),
      column('audit', 'CreatedOn', 'DateTime', { displayName: 'Changed Date', ...readOnly }),
      column('audit', 'Action', 'Picklist', {
        displayName: 'Event',
        options: optionsOf({ 1: 'Create', 2: 'Update', 3: 'Delete', 4: 'Activate', 5: 'Deactivate' }),
      }),
      column('audit', 'Operation', 'Picklist', {
        options: optionsOf({ 1: 'Create', 2: 'Update', 3: 'Delete', 4: 'Access' }),
      }),
      column('audit', 'AttributeMask', 'Memo', { displayName: 'Changed Field', maxLength: 10_000 }),
      column('audit', 'ChangeData', 'Memo', { maxLength: 1_073_741_823 }),
      column('audit', 'ObjectTypeCode', 'EntityName', { displayName: 'Entity' }),
      lookup('audit', 'ObjectId', 'account', 'contact'),
      lookup('audit', 'UserId', 'systemuser'),
      lookup('audit', 'CallingUserId', 'systemuser'),
      column('audit', 'TransactionId', 'Uniqueidentifier'),
      text('audit', 'UserAdditionalInfo', 350),
      versionColumn('audit'),
    ],
  });
