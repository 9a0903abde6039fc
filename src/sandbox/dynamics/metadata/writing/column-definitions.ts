import { badPayload } from '../../errors.js';
import type { Column, ColumnType } from '../../schema.js';
import { attributePropertiesOf, columnTypeOf } from '../definitions/attribute-types.js';
import { settingsIn } from '../definitions/property.js';
import { readLabel } from '../labels.js';
import { column } from '../standard-columns.js';
import { columnOptions } from './option-definitions.js';
import {
  changedLabel,
  invalidDefinition,
  managedValue,
  newMetadataId,
  numberIn,
  requiredText,
  type Customisation,
  type Definition,
} from './customisation.js';

const REQUIRED_LEVELS: Column['requiredLevel'][] = [
  'None',
  'SystemRequired',
  'ApplicationRequired',
  'Recommended',
];
/** Types that come with their table or with a relationship, and cannot be made alone. */
const NOT_CREATABLE: ColumnType[] = [
  'Lookup',
  'Customer',
  'Owner',
  'PartyList',
  'State',
  'Status',
  'Uniqueidentifier',
  'EntityName',
  'ManagedProperty',
  'Virtual',
];
const DATE_TIME_BEHAVIORS = ['UserLocal', 'DateOnly', 'TimeZoneIndependent'] as const;
const LARGEST_INTEGER = 2_147_483_647;
const LARGEST_DECIMAL = 100_000_000_000;
const LARGEST_MONEY = 922_337_203_685_477;

/** The column type a definition asks for, by its `@odata.type` or, without one, its `AttributeType`. */
export function readColumnType(definition: Definition): ColumnType {
  const odataType = definition['@odata.type'];
  const attributeType = definition['AttributeType'];
  const typeName = managedValue(definition, 'AttributeTypeName');
  const name =
    typeof odataType === 'string'
      ? odataType.replace(/^#?Microsoft\.Dynamics\.CRM\.(Complex)?/, '')
      : `${typeof typeName === 'string' ? typeName.replace(/Type$/, '') : String(attributeType)}AttributeMetadata`;
  const type = columnTypeOf(name, typeof attributeType === 'string' ? attributeType : undefined);
  if (type) return type;
  throw badPayload(
    `A type named '${String(odataType ?? attributeType)}' could not be resolved by the model. When a model is available, each type name must resolve to a valid type.`,
  );
}

/** Reads the definition of a new custom column; refuses what cannot be created this way. */
export function readNewColumn(customisation: Customisation, table: string, definition: Definition): Column {
  const type = readColumnType(definition);
  if (NOT_CREATABLE.includes(type)) {
    throw invalidDefinition(
      `Attribute of type ${type}AttributeMetadata cannot be created through the SDK; create a relationship for a lookup.`,
    );
  }
  return newColumn(customisation, table, type, definition);
}

/** A custom column of any type, lookups included. */
export function newColumn(
  customisation: Customisation,
  table: string,
  type: ColumnType,
  definition: Definition,
): Column {
  const schemaName = requiredText(definition, 'SchemaName');
  const label = readLabel(definition['DisplayName']);
  const description = readLabel(definition['Description'])?.text;
  return column(table, schemaName, type, {
    metadataId: newMetadataId(customisation, 'column', `${table}.${schemaName}`),
    displayName: label?.text ?? schemaName,
    labels: label?.others ?? {},
    isCustom: true,
    createdOnMs: customisation.context.clock.nowMs(),
    settings: settingsIn(attributePropertiesOf(type), definition),
    ...(description === undefined ? {} : { description }),
    requiredLevel: readRequiredLevel(definition) ?? 'None',
    ...typeDetails(type, definition),
    ...(['Picklist', 'MultiSelectPicklist', 'Boolean'].includes(type)
      ? columnOptions(customisation, type, definition)
      : {}),
  });
}

/** A column with what a client may change of it; its type, names and options stay. */
export function changedColumn(customisation: Customisation, before: Column, definition: Definition): Column {
  const description = readLabel(definition['Description'])?.text ?? before.description;
  return {
    ...before,
    ...changedLabel(customisation, before, definition),
    ...(description === undefined ? {} : { description }),
    requiredLevel:
      before.requiredLevel === 'SystemRequired'
        ? before.requiredLevel
        : (readRequiredLevel(definition) ?? before.requiredLevel),
    ...typeDetails(before.type, definition),
    settings: { ...before.settings, ...settingsIn(attributePropertiesOf(before.type), definition) },
    modifiedOnMs: customisation.context.clock.nowMs(),
  };
}

function readRequiredLevel(definition: Definition): Column['requiredLevel'] | undefined {
  const value = managedValue(definition, 'RequiredLevel');
  if (value === undefined || value === null) return undefined;
  const level = REQUIRED_LEVELS.find((known) => known === value);
  if (!level) throw badPayload(`'${String(value)}' is no AttributeRequiredLevel.`);
  return level;
}

/** Limits and formats that the definition gives, checked against what the type allows. */
function typeDetails(type: ColumnType, definition: Definition): Partial<Column> {
  switch (type) {
    case 'String':
      return { ...lengthOf(definition, 4000), ...textFormat(definition) };
    case 'Memo':
      return { ...lengthOf(definition, 1_048_576), ...textFormat(definition) };
    case 'Integer':
      return { ...rangeOf(definition, -LARGEST_INTEGER - 1, LARGEST_INTEGER), ...plainFormat(definition) };
    case 'BigInt':
      return {};
    case 'Decimal':
      return { ...rangeOf(definition, -LARGEST_DECIMAL, LARGEST_DECIMAL), ...precisionOf(definition, 10) };
    case 'Double':
      return { ...rangeOf(definition, -LARGEST_DECIMAL, LARGEST_DECIMAL), ...precisionOf(definition, 5) };
    case 'Money':
      return { ...rangeOf(definition, -LARGEST_MONEY, LARGEST_MONEY), ...precisionOf(definition, 10) };
    case 'Boolean':
      return typeof definition['DefaultValue'] === 'boolean' ? { default: definition['DefaultValue'] } : {};
    case 'Picklist':
    case 'MultiSelectPicklist':
    case 'Status':
      return defaultOption(definition);
    case 'DateTime':
      return { ...plainFormat(definition), ...behaviorOf(definition) };
    default:
      return {};
  }
}

function lengthOf(definition: Definition, longest: number): Partial<Column> {
  const maxLength = numberIn(definition, 'MaxLength', 1, longest);
  return maxLength === undefined ? {} : { maxLength };
}

function textFormat(definition: Definition): Partial<Column> {
  const format = managedValue(definition, 'FormatName') ?? definition['Format'];
  return typeof format === 'string' ? { format } : {};
}

const plainFormat = ({ Format: format }: Definition): Partial<Column> =>
  typeof format === 'string' ? { format } : {};

function rangeOf(definition: Definition, lowest: number, highest: number): Partial<Column> {
  const min = numberIn(definition, 'MinValue', lowest, highest);
  const max = numberIn(definition, 'MaxValue', lowest, highest);
  if (min !== undefined && max !== undefined && min > max) {
    throw invalidDefinition('MinValue must not be greater than MaxValue.');
  }
  return { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
}

function precisionOf(definition: Definition, highest: number): Partial<Column> {
  const precision = numberIn(definition, 'Precision', 0, highest);
  return precision === undefined ? {} : { precision };
}

function defaultOption({ DefaultFormValue: value }: Definition): Partial<Column> {
  return typeof value === 'number' && value >= 0 ? { default: value } : {};
}

/** Format DateOnly is how a time is shown; only the behavior makes the value a date (dataverse.md §2). */
function behaviorOf(definition: Definition): Partial<Column> {
  const value = managedValue(definition, 'DateTimeBehavior');
  if (value === undefined || value === null) return {};
  const behavior = DATE_TIME_BEHAVIORS.find((known) => known === value);
  if (!behavior) throw badPayload(`'${String(value)}' is no DateTimeBehavior.`);
  return { dateTimeBehavior: behavior };
}
