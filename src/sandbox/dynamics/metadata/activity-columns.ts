import type { Column, Option, Relationship, Table } from '../schema.js';
import {
  auditColumns,
  column,
  importColumns,
  lookupRelationship,
  optionsOf,
  ownerColumns,
  primaryIdColumn,
  readOnly,
  stateColumns,
  versionColumn,
} from './standard-columns.js';

const activityStates: Option[] = [
  { value: 0, labels: { 1033: 'Open', 1031: 'Offen' } },
  { value: 1, labels: { 1033: 'Completed', 1031: 'Abgeschlossen' } },
  { value: 2, labels: { 1033: 'Canceled', 1031: 'Abgebrochen' } },
  { value: 3, labels: { 1033: 'Scheduled', 1031: 'Geplant' } },
];

const activityStatuses: Option[] = activityStates.map(({ value, labels }) => ({
  value: value + 1,
  labels,
  state: value,
}));

/** Party lists of an activity; custom activities allow all of them (dataverse.md §4, "Activities"). */
const PARTY_LISTS = [
  'From',
  'To',
  'CC',
  'BCC',
  'RequiredAttendees',
  'OptionalAttendees',
  'Organizer',
  'Resources',
  'Customers',
  'Partners',
];

/**
 * The columns every activity has.
 *
 * @param regarding logical names of the tables an activity can be about.
 */
export const activityColumns = (table: string, regarding: string[], subject?: Column): Column[] => [
  primaryIdColumn(table, 'ActivityId', 'Activity'),
  subject ?? column(table, 'Subject', 'String', { maxLength: 400, isPrimaryName: true }),
  column(table, 'ActivityTypeCode', 'EntityName', {
    displayName: 'Activity Type',
    requiredLevel: 'SystemRequired',
    default: table,
    ...readOnly,
  }),
  column(table, 'RegardingObjectId', 'Lookup', { displayName: 'Regarding', targets: regarding }),
  column(table, 'RegardingObjectTypeCode', 'EntityName', { displayName: '', validForOData: false }),
  column(table, 'Description', 'Memo'),
  column(table, 'ScheduledStart', 'DateTime', { displayName: 'Start Date' }),
  column(table, 'ScheduledEnd', 'DateTime', { displayName: 'Due Date' }),
  column(table, 'ScheduledDurationMinutes', 'Integer', { min: 0, format: 'Duration', ...readOnly }),
  column(table, 'ActualStart', 'DateTime'),
  column(table, 'ActualEnd', 'DateTime'),
  column(table, 'ActualDurationMinutes', 'Integer', { min: 0, format: 'Duration' }),
  column(table, 'PriorityCode', 'Picklist', {
    displayName: 'Priority',
    options: optionsOf({ 0: 'Low', 1: 'Normal', 2: 'High' }),
    default: 1,
  }),
  column(table, 'InstanceTypeCode', 'Picklist', {
    displayName: 'Recurring Instance Type',
    options: optionsOf({ 0: 'Not Recurring', 1: 'Recurring Master', 2: 'Recurring Instance' }),
    default: 0,
    ...readOnly,
  }),
  column(table, 'Community', 'Picklist', {
    displayName: 'Social Channel',
    options: optionsOf({ 0: 'Other', 1: 'Facebook', 2: 'Twitter' }),
  }),
  column(table, 'IsBilled', 'Boolean'),
  column(table, 'IsWorkflowCreated', 'Boolean'),
  column(table, 'IsRegularActivity', 'Boolean', { default: true, ...readOnly }),
  column(table, 'IsMapiPrivate', 'Boolean', { displayName: 'Is Private' }),
  column(table, 'LeftVoiceMail', 'Boolean'),
  column(table, 'SentOn', 'DateTime', { displayName: 'Date Sent', ...readOnly }),
  column(table, 'SortDate', 'DateTime'),
  column(table, 'ActivityAdditionalParams', 'Memo', {
    displayName: 'Additional Parameters',
    maxLength: 8192,
  }),
  column(table, 'TransactionCurrencyId', 'Lookup', {
    displayName: 'Currency',
    targets: ['transactioncurrency'],
  }),
  column(table, 'ExchangeRate', 'Decimal', {
    min: 0.000_000_000_001,
    max: 100_000_000_000,
    precision: 12,
    ...readOnly,
  }),
  ...PARTY_LISTS.map((name) => column(table, name, 'PartyList', { validForOData: false })),
  ...stateColumns(table, activityStates, activityStatuses),
  ...auditColumns(table),
  ...ownerColumns(table),
  ...importColumns(table),
  versionColumn(table),
];

/**
 * Relationships of an activity: one regarding property for each table it can be about, and its parties
 * (dataverse.md §4, "Activities"). The base type's properties have no suffix.
 */
export function activityRelationships(table: Table): Relationship[] {
  const regarding = table.columns['regardingobjectid']?.targets ?? [];
  return [
    ...regarding.map((target) => regardingRelationship(table, target)),
    lookupRelationship(
      `${table.logicalName}_activity_parties`,
      table.logicalName,
      'activityparty',
      'activityid',
      `activityid_${table.logicalName}`,
      'Cascade',
    ),
  ];
}

/** Standard activities name their relationships by schema names, e.g. `Contact_Tasks`. */
const CAPITALISED: Record<string, string> = { account: 'Account', contact: 'Contact' };

/** Lets an activity be about rows of `target`; deleting such a row deletes its activities. */
export function regardingRelationship(table: Table, target: string): Relationship {
  const isBase = table.logicalName === 'activitypointer';
  const schemaName = table.isCustom
    ? `${target}_${table.entitySetName}`
    : `${CAPITALISED[target] ?? target}_${table.schemaName}s`;
  const navigation = isBase
    ? `regardingobjectid_${target}`
    : `regardingobjectid_${target}_${table.logicalName}`;
  return {
    ...lookupRelationship(schemaName, target, table.logicalName, 'regardingobjectid', navigation, 'Cascade'),
    isCustom: table.isCustom,
  };
}
