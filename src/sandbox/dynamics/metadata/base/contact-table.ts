import contactReference from '../../../data/dataverse-contact.json' with { type: 'json' };
import type { Column, ColumnType, Option, Table } from '../../schema.js';
import { metadataIdOf } from '../metadata-id.js';
import { column, numbered } from '../standard-columns.js';

/** A column as the reference file has it. */
interface ReferenceColumn {
  logicalName: string;
  schemaName: string;
  type: string;
  displayName?: string;
  maxLength?: number;
  format?: string;
  behavior?: string;
  min?: number;
  max?: number;
  precision?: number;
  options?: (string | number)[][];
  stateOf?: number[][];
  targets?: string[];
  requiredLevel?: string;
  default?: number;
  readOnly?: boolean;
  validForCreate?: boolean;
  validForUpdate?: boolean;
  validForRead?: boolean;
}

const OBJECT_TYPE_CODE = 2;

/** The contact table with all its columns (dataverse.md §8). */
export function contactTable(): Table {
  return {
    metadataId: metadataIdOf('table', 'contact'),
    logicalName: 'contact',
    schemaName: 'Contact',
    entitySetName: 'contacts',
    primaryId: 'contactid',
    primaryName: 'fullname',
    objectTypeCode: OBJECT_TYPE_CODE,
    displayName: 'Contact',
    displayCollectionName: 'Contacts',
    labels: { 1031: 'Kontakt' },
    collectionLabels: { 1031: 'Kontakte' },
    ownership: 'UserOwned',
    isActivity: false,
    isIntersect: false,
    isCustom: false,
    changeTracking: true,
    canChangeTrackingBeEnabled: true,
    elastic: false,
    columns: numbered((contactReference.columns as ReferenceColumn[]).map(contactColumn)),
    keys: [],
    bulkActions: ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'],
    settings: { HasActivities: true, HasNotes: true, HasEmailAddresses: true },
  };
}

function contactColumn(reference: ReferenceColumn): Column {
  const { logicalName, schemaName, readOnly, behavior, options, stateOf, ...rest } = reference;
  const type = reference.type as ColumnType;
  const germanName = GERMAN_NAMES[logicalName];
  return {
    ...column('contact', schemaName, type, {
      ...(readOnly ? { validForCreate: false, validForUpdate: false } : {}),
      ...(behavior ? { dateTimeBehavior: behavior as NonNullable<Column['dateTimeBehavior']> } : {}),
      ...(options ? { options: optionList(logicalName, options, stateOf) } : {}),
      ...(type === 'EntityName' ? { validForOData: false } : {}),
      ...(logicalName === 'fullname' ? { isPrimaryName: true } : {}),
      ...(germanName ? { labels: { 1031: germanName } } : {}),
      ...limitsOf(rest, type),
    }),
    logicalName,
  };
}

function limitsOf(
  reference: Omit<ReferenceColumn, 'logicalName' | 'schemaName' | 'options' | 'stateOf'>,
  type: ColumnType,
): Partial<Column> {
  const { displayName, requiredLevel, default: initial, ...rest } = reference;
  const { type: _type, behavior: _behavior, readOnly: _readOnly, ...limits } = rest;
  return {
    ...limits,
    displayName: displayName ?? '',
    requiredLevel: (requiredLevel ?? 'None') as Column['requiredLevel'],
    ...(initial === undefined ? {} : { default: type === 'Boolean' ? initial === 1 : initial }),
  };
}

function optionList(
  logicalName: string,
  options: (string | number)[][],
  stateOf: number[][] | undefined,
): Option[] {
  return options.map(([value, label]) => {
    const german = GERMAN_OPTIONS[logicalName]?.[Number(value)];
    const state = stateOf?.find(([status]) => status === value)?.[1];
    return {
      value: Number(value),
      labels: { 1033: String(label), ...(german === undefined ? {} : { 1031: german }) },
      ...(state === undefined ? {} : { state }),
    };
  });
}

/** Labels in the organisation's second language. */
const GERMAN_NAMES: Record<string, string> = {
  firstname: 'Vorname',
  lastname: 'Nachname',
  gendercode: 'Geschlecht',
  familystatuscode: 'Familienstand',
  birthdate: 'Geburtsdatum',
  emailaddress1: 'E-Mail',
};

const GERMAN_OPTIONS: Record<string, Record<number, string>> = {
  gendercode: { 1: 'Männlich', 2: 'Weiblich' },
  familystatuscode: { 1: 'Ledig', 2: 'Verheiratet', 3: 'Geschieden', 4: 'Verwitwet' },
  preferredcontactmethodcode: { 1: 'Beliebig', 2: 'E-Mail', 3: 'Telefon', 4: 'Fax', 5: 'Post' },
  statecode: { 0: 'Aktiv', 1: 'Inaktiv' },
  statuscode: { 1: 'Aktiv', 2: 'Inaktiv' },
  donotemail: { 0: 'Zulassen', 1: 'Nicht zulassen' },
};
