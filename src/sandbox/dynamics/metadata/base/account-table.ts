import type { Table } from '../../schema.js';
import { metadataIdOf } from '../metadata-id.js';
import {
  column,
  numbered,
  optionsOf,
  primaryIdColumn,
  readOnly,
  standardColumns,
} from '../standard-columns.js';

const ACCOUNT = 'account';
const OBJECT_TYPE_CODE = 1;

/** The account table with the columns that clients usually read and write. */
export function accountTable(): Table {
  return {
    metadataId: metadataIdOf('table', ACCOUNT),
    logicalName: ACCOUNT,
    schemaName: 'Account',
    entitySetName: 'accounts',
    primaryId: 'accountid',
    primaryName: 'name',
    objectTypeCode: OBJECT_TYPE_CODE,
    displayName: 'Account',
    displayCollectionName: 'Accounts',
    labels: { 1031: 'Firma' },
    collectionLabels: { 1031: 'Firmen' },
    ownership: 'UserOwned',
    isActivity: false,
    isIntersect: false,
    isCustom: false,
    changeTracking: true,
    canChangeTrackingBeEnabled: true,
    elastic: false,
    columns: numbered([
      primaryIdColumn(ACCOUNT, 'AccountId', 'Account'),
      column(ACCOUNT, 'Name', 'String', {
        displayName: 'Account Name',
        maxLength: 160,
        isPrimaryName: true,
        requiredLevel: 'ApplicationRequired',
      }),
      column(ACCOUNT, 'AccountNumber', 'String', { maxLength: 20 }),
      column(ACCOUNT, 'AccountCategoryCode', 'Picklist', {
        displayName: 'Category',
        options: optionsOf({ 1: 'Preferred Customer', 2: 'Standard' }),
      }),
      column(ACCOUNT, 'CustomerTypeCode', 'Picklist', {
        displayName: 'Relationship Type',
        options: optionsOf({ 1: 'Competitor', 3: 'Customer', 8: 'Prospect', 10: 'Supplier', 12: 'Other' }),
      }),
      column(ACCOUNT, 'IndustryCode', 'Picklist', {
        displayName: 'Industry',
        options: optionsOf({ 1: 'Accounting', 2: 'Agriculture', 6: 'Business Services', 7: 'Consulting' }),
      }),
      column(ACCOUNT, 'PreferredContactMethodCode', 'Picklist', {
        displayName: 'Preferred Method of Contact',
        options: optionsOf({ 1: 'Any', 2: 'Email', 3: 'Phone', 4: 'Fax', 5: 'Mail' }),
        default: 1,
      }),
      column(ACCOUNT, 'EMailAddress1', 'String', { displayName: 'Email', format: 'Email' }),
      column(ACCOUNT, 'Telephone1', 'String', { displayName: 'Main Phone', maxLength: 50, format: 'Text' }),
      column(ACCOUNT, 'Fax', 'String', { maxLength: 50 }),
      column(ACCOUNT, 'WebSiteURL', 'String', { displayName: 'Website', maxLength: 200, format: 'Url' }),
      column(ACCOUNT, 'Description', 'Memo'),
      column(ACCOUNT, 'NumberOfEmployees', 'Integer', {
        displayName: 'Number of Employees',
        min: 0,
        max: 1_000_000_000,
      }),
      column(ACCOUNT, 'Revenue', 'Money', {
        displayName: 'Annual Revenue',
        min: 0,
        max: 100_000_000_000_000,
      }),
      column(ACCOUNT, 'Revenue_Base', 'Money', {
        displayName: 'Annual Revenue (Base)',
        precision: 4,
        ...readOnly,
      }),
      column(ACCOUNT, 'ExchangeRate', 'Decimal', {
        min: 0.000_000_000_001,
        max: 100_000_000_000,
        precision: 12,
        ...readOnly,
      }),
      column(ACCOUNT, 'TransactionCurrencyId', 'Lookup', {
        displayName: 'Currency',
        targets: ['transactioncurrency'],
      }),
      column(ACCOUNT, 'Address1_AddressId', 'Uniqueidentifier', { displayName: 'Address 1: ID' }),
      column(ACCOUNT, 'Address1_Line1', 'String', { displayName: 'Address 1: Street 1', maxLength: 250 }),
      column(ACCOUNT, 'Address1_Line2', 'String', { displayName: 'Address 1: Street 2', maxLength: 250 }),
      column(ACCOUNT, 'Address1_City', 'String', { displayName: 'Address 1: City', maxLength: 80 }),
      column(ACCOUNT, 'Address1_PostalCode', 'String', {
        displayName: 'Address 1: ZIP/Postal Code',
        maxLength: 20,
      }),
      column(ACCOUNT, 'Address1_StateOrProvince', 'String', {
        displayName: 'Address 1: State/Province',
        maxLength: 50,
      }),
      column(ACCOUNT, 'Address1_Country', 'String', {
        displayName: 'Address 1: Country/Region',
        maxLength: 80,
      }),
      column(ACCOUNT, 'CreditOnHold', 'Boolean', { displayName: 'Credit Hold' }),
      column(ACCOUNT, 'CreditLimit', 'Money', { min: 0, max: 100_000_000_000_000 }),
      column(ACCOUNT, 'CreditLimit_Base', 'Money', { precision: 4, ...readOnly }),
      column(ACCOUNT, 'DoNotEMail', 'Boolean', { displayName: 'Do not allow Emails' }),
      column(ACCOUNT, 'DoNotBulkEMail', 'Boolean', { displayName: 'Do not allow Bulk Emails' }),
      column(ACCOUNT, 'ParentAccountId', 'Lookup', { targets: [ACCOUNT] }),
      column(ACCOUNT, 'PrimaryContactId', 'Lookup', { targets: ['contact'] }),
      ...standardColumns(ACCOUNT, 'UserOwned'),
    ]),
    keys: [],
    bulkActions: ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'],
    settings: { HasActivities: true, HasNotes: true, HasEmailAddresses: true },
  };
}
