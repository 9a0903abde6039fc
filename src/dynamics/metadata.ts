import { z } from 'zod';
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

const definition = z.object({
  EntitySetName: z.string().min(1),
  PrimaryIdAttribute: z.string().min(1),
  ChangeTrackingEnabled: z.boolean().nullish(),
});
const attributes = z.array(
  z.object({
    LogicalName: z.string(),
    AttributeType: z.string(),
    AttributeTypeName: z.object({ Value: z.string().nullish() }).nullish(),
    IsValidForRead: z.boolean().nullish(),
  }),
);
const label = z.object({
  UserLocalizedLabel: z.object({ Label: z.string().nullish() }).nullish(),
  LocalizedLabels: z.array(z.object({ Label: z.string().nullish(), LanguageCode: z.number() })).nullish(),
});
const option = z.object({ Value: z.number(), Label: label.nullish() });
const optionSet = z
  .object({ Options: z.array(option).nullish(), TrueOption: option.nullish(), FalseOption: option.nullish() })
  .nullish();
const choices = z.array(
  z.object({ LogicalName: z.string(), OptionSet: optionSet, GlobalOptionSet: optionSet }),
);
const dates = z.array(
  z.object({
    LogicalName: z.string(),
    DateTimeBehavior: z.object({ Value: z.string().nullish() }).nullish(),
  }),
);

const LOOKUPS = new Set(['Lookup', 'Customer', 'Owner']);
/** Kinds of choices, and what to expand for their options: a choice may borrow those of a global one (dataverse.md §7). */
const CHOICES = {
  Picklist: 'OptionSet,GlobalOptionSet',
  MultiSelectPicklist: 'OptionSet,GlobalOptionSet',
  State: 'OptionSet',
  Status: 'OptionSet',
  Boolean: 'OptionSet',
};

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
  const entity = entityPath(logicalName);

  async function ask<T>(path: string, schema: z.ZodType<T>, member?: 'value'): Promise<T> {
    const read = ({ body }: { body: Record<string, unknown> }) =>
      schema.safeParse(member ? body[member] : body).data;
    try {
      return await api.get(entity + path, read, options);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      throw new SyncError(error.code, { ...error.evidence, subject: `table ${logicalName}` });
    }
  }
  const cast = <T>(type: string, query: string, schema: z.ZodType<T>): Promise<T> =>
    ask(`/Attributes/Microsoft.Dynamics.CRM.${type}AttributeMetadata?${query}`, schema, 'value');

  const table = await ask(
    '?$select=LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled',
    definition,
  );
  const columns = columnsOf(
    await ask(
      '/Attributes?$select=LogicalName,AttributeType,AttributeTypeName,IsValidForRead',
      attributes,
      'value',
    ),
  );
  const types = new Set(Object.values(columns).map(({ type }) => type));
  async function addLabels(type: string, expand: string): Promise<void> {
    for (const choice of await cast(type, `$select=LogicalName&$expand=${expand}`, choices)) {
      const column = columns[choice.LogicalName];
      const labels = labelsOf(choice.OptionSet, choice.GlobalOptionSet, language);
      if (column && labels) column.labels = labels;
    }
  }
  async function addBehaviors(): Promise<void> {
    for (const date of await cast('DateTime', '$select=LogicalName,DateTimeBehavior', dates)) {
      const column = columns[date.LogicalName];
      const behavior = behaviorOf(date.DateTimeBehavior?.Value);
      if (column && behavior) column.dateTimeBehavior = behavior;
    }
  }
  const choiceTypes = Object.entries(CHOICES).filter(([type]) => types.has(type));
  await Promise.all([
    ...choiceTypes.map(([type, expand]) => addLabels(type, expand)),
    ...(types.has('DateTime') ? [addBehaviors()] : []),
  ]);
  return {
    logicalName,
    entitySetName: table.EntitySetName,
    primaryId: table.PrimaryIdAttribute,
    changeTracking: table.ChangeTrackingEnabled === true,
    columns,
  };
}

/** Where a table's definition is, below the service root. */
export const entityPath = (logicalName: string): string =>
  `EntityDefinitions(LogicalName='${encodeURIComponent(logicalName.replaceAll("'", "''"))}')`;

function columnsOf(described: z.infer<typeof attributes>): Record<string, ColumnMetadata> {
  return Object.fromEntries(
    described
      .filter(({ IsValidForRead }) => IsValidForRead !== false)
      .map(({ LogicalName: logicalName, AttributeType, AttributeTypeName }) => {
        // Multi-select choices are "Virtual" by their type, and told by their type's name only.
        const isMultiSelect = AttributeTypeName?.Value === 'MultiSelectPicklistType';
        const type = isMultiSelect ? 'MultiSelectPicklist' : AttributeType;
        const selectName = LOOKUPS.has(type) ? `_${logicalName}_value` : logicalName;
        return [logicalName, { logicalName, type, selectName }];
      }),
  );
}

function labelsOf(
  own: z.infer<typeof optionSet>,
  global: z.infer<typeof optionSet>,
  language: number | undefined,
): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  const add = (value: string, text: string | undefined): void => {
    if (text !== undefined) labels[value] = text;
  };
  for (const set of [global, own]) {
    for (const { Value, Label } of set?.Options ?? []) add(String(Value), textOf(Label, language));
    add('true', textOf(set?.TrueOption?.Label, language));
    add('false', textOf(set?.FalseOption?.Label, language));
  }
  return own || global ? labels : undefined;
}

function textOf(given: z.infer<typeof label> | null | undefined, language?: number): string | undefined {
  const localized = given?.LocalizedLabels ?? [];
  const chosen = localized.find(({ LanguageCode }) => LanguageCode === language);
  return chosen?.Label ?? given?.UserLocalizedLabel?.Label ?? localized[0]?.Label ?? undefined;
}

function behaviorOf(value: string | null | undefined): ColumnMetadata['dateTimeBehavior'] {
  return value === 'UserLocal' || value === 'DateOnly' || value === 'TimeZoneIndependent' ? value : undefined;
}
