import { compile } from '../../src/mapping/compile.js';
import type {
  CompiledMapping,
  SourceColumn,
  SourceTable,
  TargetField,
  TargetResource,
} from '../../src/mapping/model.js';
import { readSyncFile } from '../../src/mapping/read.js';
import type { TableMapping } from '../../src/mapping/schema.js';

/** Invented metadata of both sides, with every type there is; and mappings written as sync.yaml, as a user would. */

export const ID = '5d1f0000-0000-4000-8000-00000000000a';

const column = (
  logicalName: string,
  type: string,
  more: Partial<SourceColumn> = {},
): [string, SourceColumn] => {
  const isLookup = type === 'Lookup' || type === 'Customer' || type === 'Owner';
  return [
    logicalName,
    { logicalName, type, selectName: isLookup ? `_${logicalName}_value` : logicalName, ...more },
  ];
};
export const source: SourceTable = {
  logicalName: 'contact',
  entitySetName: 'contacts',
  primaryId: 'contactid',
  changeTracking: true,
  columns: Object.fromEntries([
    column('contactid', 'Uniqueidentifier'),
    column('versionnumber', 'BigInt'),
    column('firstname', 'String'),
    column('description', 'Memo'),
    column('birthdate', 'DateTime', { dateTimeBehavior: 'DateOnly' }),
    column('createdon', 'DateTime', { dateTimeBehavior: 'UserLocal' }),
    column('new_event', 'DateTime', { dateTimeBehavior: 'TimeZoneIndependent' }),
    column('gendercode', 'Picklist', { labels: { 1: 'Male', 2: 'Female' } }),
    column('new_unlabelled', 'Picklist'),
    column('statecode', 'State', { labels: { 0: 'Active', 1: 'Inactive' } }),
    column('statuscode', 'Status', { labels: { 1: 'Active', 2: 'Inactive' } }),
    column('hobbies', 'MultiSelectPicklist', { labels: { 1: 'Swimming', 9: 'Camping', 11: 'Chess' } }),
    column('numberofchildren', 'Integer'),
    column('new_serial', 'BigInt'),
    column('new_ratio', 'Decimal'),
    column('new_size', 'Double'),
    column('creditlimit', 'Money'),
    column('donotemail', 'Boolean', { labels: { true: 'Do Not Allow', false: 'Allow' } }),
    column('parentcustomerid', 'Customer'),
    column('ownerid', 'Owner'),
  ]),
};

const field = (
  path: string,
  type: TargetField['type'],
  more: Partial<TargetField> = {},
): [string, TargetField] => [path, { path, type, readOnly: false, ...more }];
export const target: TargetResource = {
  name: 'profile',
  fields: Object.fromEntries([
    field('externalId', 'string', { length: 100 }),
    field('cusShortId', 'string', { length: 30 }),
    field('firstName', 'string', { length: 5 }),
    field('location.city', 'string', { length: 50 }),
    field('birthDate', 'date'),
    field('cusSince', 'datetime'),
    field('gender', 'enumeration', { values: ['unknown', 'male', 'female'] }),
    field('preferredLanguage', 'enumeration', { values: ['none', 'en_gb', 'EN_GB_old', 'de_de'] }),
    field('cusLevel', 'enumeration', { length: 5 }),
    field('cusChildren', 'integer'),
    field('cusCredit', 'double'),
    field('cusWeight', 'float'),
    field('cusFlag', 'boolean'),
    field('cusText', 'string', { length: 255 }),
    field('cusProfile', 'link'),
  ]),
};

/** A table's mapping from its `fields`, in YAML flow style, and whatever else it has. */
export function tableMapping(fields: string, more = ''): TableMapping {
  const text = `version: 1\ntables:\n  - { dynamics: contact, campaign: profile, key: { to: externalId }, fields: [${fields}]${more} }\n  - { dynamics: account, campaign: cusAccount, key: { to: cusCrmId } }\n`;
  const read = readSyncFile(text);
  const table = read.ok ? read.config.tables[0] : undefined;
  if (!table) throw new Error(JSON.stringify(read));
  return table;
}

export const compiled = (fields: string, more = ''): CompiledMapping =>
  compile(tableMapping(fields, more), source, target);

/** What is sent of a row without its key, or what became of the row instead. */
export function sent(mapping: CompiledMapping, row: object): unknown {
  const mapped = mapping.toCampaign({ contactid: ID, ...row });
  if (mapped.kind !== 'payload') return mapped;
  const { externalId: _key, ...rest } = mapped.full;
  return rest;
}
