import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { WebApi } from './web-api.js';

export interface ColumnMetadata {
  logicalName: string;
  /** `AttributeType`: String, Memo, Integer, Picklist, DateTime, Lookup … */
  type: string;
  /** Member of a row's JSON: the logical name, `_<name>_value` for lookups. */
  selectName: string;
  dateTimeBehavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  /** Labels of a choice's values. */
  labels?: Record<string, string>;
}
export interface TableMetadata {
  logicalName: string;
  entitySetName: string;
  primaryId: string;
  changeTracking: boolean;
  columns: Record<string, ColumnMetadata>;
}

interface Label {
  UserLocalizedLabel?: { Label: string } | null;
  LocalizedLabels?: { Label: string; LanguageCode: number }[];
}
interface Option {
  Value: number;
  Label: Label;
}
interface OptionSet {
  Options?: Option[];
  TrueOption?: Option;
  FalseOption?: Option;
}

const LOOKUPS = new Set(['Lookup', 'Customer', 'Owner']);
const CHOICES = ['Picklist', 'MultiSelectPicklist', 'State', 'Status', 'Boolean'];

/**
 * One table's columns, with the labels of its choices (dataverse.md §7: one cast per kind, since a cast to all enumerations at once is
 * impossible). Throws DYNAMICS_REQUEST_REFUSED naming a table that does not exist.
 */
export async function readTable(
  api: WebApi,
  logicalName: string,
  language?: number,
  options?: CallOptions,
): Promise<TableMetadata> {
  const entity = `EntityDefinitions(LogicalName='${encodeURIComponent(logicalName.replaceAll("'", "''"))}')`;
  const get = async (address: string): Promise<Record<string, unknown>> => {
    try {
      return (await api.get(address, options)).body;
    } catch (error) {
      if (error instanceof SyncError && error.evidence.status === 404) {
        throw new SyncError('DYNAMICS_REQUEST_REFUSED', {
          ...error.evidence,
          subject: `table ${logicalName}`,
        });
      }
      throw error;
    }
  };
  const definition = await get(
    `${entity}?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled`,
  );
  const attributes = (
    await get(`${entity}/Attributes?$select=LogicalName,AttributeType,AttributeTypeName,IsValidForRead`)
  ).value as {
    LogicalName: string;
    AttributeType: string;
    AttributeTypeName?: { Value?: string } | null;
    IsValidForRead?: boolean;
  }[];
  const columns: Record<string, ColumnMetadata> = Object.fromEntries(
    attributes
      .filter(({ IsValidForRead }) => IsValidForRead !== false)
      .map(({ LogicalName, AttributeType, AttributeTypeName }) => {
        const type =
          AttributeTypeName?.Value === 'MultiSelectPicklistType' ? 'MultiSelectPicklist' : AttributeType;
        const selectName = LOOKUPS.has(type) ? `_${LogicalName}_value` : LogicalName;
        return [LogicalName, { logicalName: LogicalName, type, selectName }];
      }),
  );
  const casts = CHOICES.filter((type) => Object.values(columns).some((column) => column.type === type));
  for (const type of casts) {
    const path = `${entity}/Attributes/Microsoft.Dynamics.CRM.${type}AttributeMetadata?$select=LogicalName&$expand=OptionSet`;
    const rows = (await get(path)).value as { LogicalName: string; OptionSet?: OptionSet | null }[];
    for (const { LogicalName, OptionSet } of rows) {
      const column = columns[LogicalName];
      if (column && OptionSet) column.labels = labelsOf(OptionSet, language);
    }
  }
  const dates = (
    await get(
      `${entity}/Attributes/Microsoft.Dynamics.CRM.DateTimeAttributeMetadata?$select=LogicalName,DateTimeBehavior`,
    )
  ).value;
  for (const { LogicalName, DateTimeBehavior } of dates as {
    LogicalName: string;
    DateTimeBehavior?: { Value?: string } | null;
  }[]) {
    const column = columns[LogicalName];
    const behavior = DateTimeBehavior?.Value;
    if (
      column &&
      (behavior === 'UserLocal' || behavior === 'DateOnly' || behavior === 'TimeZoneIndependent')
    ) {
      column.dateTimeBehavior = behavior;
    }
  }
  return {
    logicalName,
    entitySetName: String(definition.EntitySetName),
    primaryId: String(definition.PrimaryIdAttribute),
    changeTracking: definition.ChangeTrackingEnabled === true,
    columns,
  };
}

function labelsOf(
  { Options, TrueOption, FalseOption }: OptionSet,
  language: number | undefined,
): Record<string, string> {
  const labels: Record<string, string> = {};
  const add = (value: string, label: Label | undefined): void => {
    const chosen =
      label?.LocalizedLabels?.find(({ LanguageCode }) => LanguageCode === language)?.Label ??
      label?.UserLocalizedLabel?.Label ??
      label?.LocalizedLabels?.[0]?.Label;
    if (chosen !== undefined) labels[value] = chosen;
  };
  for (const option of Options ?? []) add(String(option.Value), option.Label);
  if (TrueOption) add('true', TrueOption.Label);
  if (FalseOption) add('false', FalseOption.Label);
  return labels;
}
