import type { FieldDefinition, ResourceDefinition } from '../campaign/definitions.js';
import type { EngineCall } from '../campaign/engine.js';
import { fieldValue } from '../campaign/filters.js';
import type { CampaignRecord } from '../campaign/record-table.js';
import { fileTime } from '../deliveries/text-file.js';

/** Each flag with its stamp; there is none for push (campaign.md §4). */
export const OPT_OUT_COLUMNS = [
  'externalId',
  'blackList',
  'blackListLastModified',
  'blackListEmail',
  'blackListEmailLastModified',
  'blackListFax',
  'blackListFaxLastModified',
  'blackListMobile',
  'blackListMobileLastModified',
  'blackListPhone',
  'blackListPhoneLastModified',
  'blackListPostalMail',
  'blackListPostalMailLastModified',
  'blackListPushnotification',
  'ccpaOptOut',
  'ccpaOptOutLastModified',
];

/** Whether a file can have this column: a field that holds one value, `location.city` included. */
export function isColumn(definition: ResourceDefinition, name: string): boolean {
  const field = fieldOf(definition, name);
  return field !== undefined && !['object', 'link', 'collection'].includes(field.type);
}

/**
 * A profile's value as "Extract file" writes it: enumerations and booleans by their internal value, dates as
 * `2024/05/02`, datetimes as `2024/05/02 08:45:10` in UTC, what is not set empty (campaign.md §7).
 */
export function cellOf(call: EngineCall, record: CampaignRecord, name: string): string {
  const value = fieldValue(call, record, name);
  const field = fieldOf(call.definition, name);
  if (value === undefined || value === null || value === '') return '';
  switch (field?.type) {
    case 'boolean':
      return value === true ? '1' : '0';
    case 'enum':
      return String(field.values?.find((each) => each.name === value)?.value ?? value);
    case 'date':
      return String(value).replaceAll('-', '/');
    case 'datetime':
      return fileTime(Date.parse(String(value)));
    default:
      return String(value);
  }
}

function fieldOf({ fields }: ResourceDefinition, name: string): FieldDefinition | undefined {
  const [top = '', member] = name.split('.');
  return member === undefined ? fields[top] : fields[top]?.fields?.[member];
}
