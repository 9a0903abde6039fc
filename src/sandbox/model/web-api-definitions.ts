import type { Definition } from '../dynamics/metadata/writing/customisation.js';
import type { ModelColumn, ModelLabel, ModelOptions, ModelTable } from './model-schema.js';

/** What a customiser would send to the metadata protocol for the parts of a model (dataverse.md §7, §13). */

type PlainColumn = Exclude<ModelColumn, { type: 'Lookup' | 'Customer' }>;
type LookupColumn = Extract<ModelColumn, { type: 'Lookup' }>;

const BASE_LANGUAGE = '1033';
const CRM = 'Microsoft.Dynamics.CRM.';

/** A `Label`; `name` stands in where the model has none. */
export function labelDefinition(given: ModelLabel | undefined, name: string): Definition {
  const texts = typeof given === 'object' ? given : { [BASE_LANGUAGE]: given ?? readable(name) };
  return {
    LocalizedLabels: Object.entries(texts).map(([code, text]) => ({
      Label: text,
      LanguageCode: Number(code),
    })),
  };
}

/** `new_order_line` reads as "Order line". */
function readable(name: string): string {
  const bare = name.replace(/^[a-z0-9]+_/i, '').replaceAll('_', ' ');
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

export function tableDefinition(name: string, table: ModelTable): Definition {
  const { label, plural, ownership, changeTracking, primaryName } = table;
  return {
    '@odata.type': `${CRM}EntityMetadata`,
    SchemaName: name,
    DisplayName: labelDefinition(label, name),
    DisplayCollectionName: labelDefinition(plural ?? withPlural(label), `${name}s`),
    OwnershipType: ownership,
    IsActivity: false,
    HasActivities: false,
    HasNotes: false,
    ChangeTrackingEnabled: changeTracking,
    Attributes: [
      {
        '@odata.type': `${CRM}StringAttributeMetadata`,
        SchemaName: primaryName.name,
        IsPrimaryName: true,
        MaxLength: primaryName.maxLength ?? 100,
        DisplayName: labelDefinition(primaryName.label, primaryName.name),
      },
    ],
  };
}

/** English only: other languages need a `plural` of their own. */
function withPlural(label: ModelLabel | undefined): ModelLabel | undefined {
  const singular = typeof label === 'object' ? label[BASE_LANGUAGE] : label;
  return singular === undefined ? undefined : `${singular}s`;
}

export function columnDefinition(name: string, column: PlainColumn): Definition {
  return {
    '@odata.type': `${CRM}${column.type}AttributeMetadata`,
    SchemaName: name,
    DisplayName: labelDefinition(column.label, name),
    ...typeDetails(column),
  };
}

function typeDetails(column: PlainColumn): Definition {
  switch (column.type) {
    case 'String':
    case 'Memo':
      return { MaxLength: column.maxLength };
    case 'BigInt':
      return {};
    case 'Integer':
      return { MinValue: column.min, MaxValue: column.max };
    case 'Decimal':
    case 'Double':
    case 'Money':
      return { MinValue: column.min, MaxValue: column.max, Precision: column.precision };
    case 'Boolean':
      return { DefaultValue: column.default, OptionSet: booleanOptions(column.options) };
    case 'Picklist':
    case 'MultiSelectPicklist':
      return {
        DefaultFormValue: column.default,
        ...(column.choice !== undefined && {
          'GlobalOptionSet@odata.bind': `/GlobalOptionSetDefinitions(Name='${column.choice.toLowerCase()}')`,
        }),
        ...(column.options && { OptionSet: { Options: optionDefinitions(column.options) } }),
      };
    case 'DateTime':
      return {
        DateTimeBehavior: { Value: column.behavior },
        Format: column.behavior === 'DateOnly' ? 'DateOnly' : 'DateAndTime',
      };
  }
}

export const optionDefinitions = (options: ModelOptions): Definition[] =>
  Object.entries(options).map(([value, label]) => ({
    Value: Number(value),
    Label: labelDefinition(label, value),
  }));

function booleanOptions(options: ModelOptions | undefined): Definition | undefined {
  if (!options) return undefined;
  const of = (value: string) =>
    options[value] === undefined ? undefined : { Label: labelDefinition(options[value], value) };
  return { TrueOption: of('1'), FalseOption: of('0') };
}

export const relationshipDefinition = (
  table: string,
  name: string,
  target: string,
  column: LookupColumn,
): Definition => ({
  '@odata.type': `${CRM}OneToManyRelationshipMetadata`,
  SchemaName: `${table}_${name}_${target}`,
  ReferencedEntity: target,
  ReferencingEntity: table,
  CascadeConfiguration: { Delete: column.onDelete },
  Lookup: lookupDefinition(name, column.label),
});

/** For `CreateCustomerRelationships` and `CreatePolymorphicLookupAttribute`. */
export const polymorphicDefinition = (
  table: string,
  name: string,
  targets: readonly string[],
  label: ModelLabel | undefined,
  onDelete = 'RemoveLink',
): Definition => ({
  Lookup: lookupDefinition(name, label),
  OneToManyRelationships: targets.map((target) => ({
    SchemaName: `${table}_${name}_${target}`,
    ReferencedEntity: target,
    ReferencingEntity: table,
    CascadeConfiguration: { Delete: onDelete },
  })),
});

const lookupDefinition = (name: string, label: ModelLabel | undefined): Definition => ({
  '@odata.type': `${CRM}LookupAttributeMetadata`,
  SchemaName: name,
  DisplayName: labelDefinition(label, name),
});

export const manyToManyDefinition = (
  name: string,
  [first, second]: readonly [string, string],
): Definition => ({
  '@odata.type': `${CRM}ManyToManyRelationshipMetadata`,
  SchemaName: name,
  Entity1LogicalName: first,
  Entity2LogicalName: second,
  IntersectEntityName: name,
});
