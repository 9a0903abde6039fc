import type { Column, GlobalOptionSet, Option, Table } from '../../schema.js';
import { labelFrom, labelOf } from '../labels.js';
import { metadataIdOf } from '../metadata-id.js';
import { constant, edmTypes, fixed, render, type MetadataType, type Property } from './property.js';

/** An option set, a column's own or a shared one. */
export interface OptionSetSource {
  metadataId: string;
  name: string;
  displayName: string;
  labels: Record<string, string> | undefined;
  description: string | undefined;
  isGlobal: boolean;
  isCustom: boolean;
  type: 'Picklist' | 'Boolean' | 'State' | 'Status';
  options: Option[];
}

const of = (name: string, type: string, value: (source: OptionSetSource) => unknown) =>
  fixed<OptionSetSource>(name, type, value);

const baseProperties: Property<OptionSetSource>[] = [
  of('MetadataId', 'Edm.Guid', ({ metadataId }) => metadataId),
  constant('HasChanged', 'Edm.Boolean', null),
  of('IsCustomOptionSet', 'Edm.Boolean', ({ isCustom }) => isCustom),
  of('IsGlobal', 'Edm.Boolean', ({ isGlobal }) => isGlobal),
  constant('IsManaged', 'Edm.Boolean', false),
  of('Name', 'Edm.String', ({ name }) => name),
  constant('ExternalTypeName', 'Edm.String', null),
  of('OptionSetType', 'mscrm.OptionSetType', ({ type }) => type),
  constant('IntroducedVersion', 'Edm.String', '1.0.0.0'),
  of('Description', 'mscrm.Label', ({ description, metadataId }) =>
    labelOf(description, {}, `${metadataId}/d`),
  ),
  of('DisplayName', 'mscrm.Label', ({ displayName, labels, metadataId }) =>
    labelOf(displayName, labels, metadataId),
  ),
  constant('IsCustomizable', 'mscrm.BooleanManagedProperty', {
    Value: true,
    CanBeChanged: true,
    ManagedPropertyLogicalName: 'iscustomizable',
  }),
];

const listProperties: Property<OptionSetSource>[] = [
  of('Options', 'Collection(mscrm.OptionMetadata)', (source) =>
    source.options.map((option) => optionDefinition(source, option)),
  ),
  constant('ParentOptionSetName', 'Edm.String', null),
];

const booleanProperties: Property<OptionSetSource>[] = [
  of('TrueOption', 'mscrm.OptionMetadata', (source) => booleanOption(source, 1)),
  of('FalseOption', 'mscrm.OptionMetadata', (source) => booleanOption(source, 0)),
];

export const optionSetBaseType: MetadataType = {
  name: 'OptionSetMetadataBase',
  abstract: true,
  properties: edmTypes(baseProperties),
};
export const optionSetType: MetadataType = {
  name: 'OptionSetMetadata',
  base: optionSetBaseType,
  properties: edmTypes(listProperties),
};
export const booleanOptionSetType: MetadataType = {
  name: 'BooleanOptionSetMetadata',
  base: optionSetBaseType,
  properties: edmTypes(booleanProperties),
};

export const optionSetMetadataType = ({ type }: OptionSetSource): MetadataType =>
  type === 'Boolean' ? booleanOptionSetType : optionSetType;

/** The whole definition: a list of options, or one for true and one for false (dataverse.md §7). */
export const optionSetDefinition = (source: OptionSetSource): Record<string, unknown> =>
  render([...baseProperties, ...(source.type === 'Boolean' ? booleanProperties : listProperties)], source);

export const globalOptionSetSource = (optionSet: GlobalOptionSet): OptionSetSource => ({
  ...optionSet,
  labels: optionSet.labels,
  description: optionSet.description,
  isGlobal: true,
});

/** A column's own option set, named after table and column. */
export function columnOptionSetSource(table: Table, column: Column): OptionSetSource {
  const { type } = column;
  return {
    metadataId: metadataIdOf('option-set', table.logicalName, column.logicalName),
    name: `${table.logicalName}_${column.logicalName}`,
    displayName: column.displayName,
    labels: column.labels,
    description: column.description,
    isGlobal: false,
    isCustom: column.isCustom,
    type: type === 'Boolean' || type === 'State' || type === 'Status' ? type : 'Picklist',
    options: column.options ?? [],
  };
}

function booleanOption(source: OptionSetSource, value: number): Record<string, unknown> | null {
  const option = source.options.find((candidate) => candidate.value === value);
  return option ? optionDefinition(source, option) : null;
}

function optionDefinition(source: OptionSetSource, option: Option): Record<string, unknown> {
  const id = metadataIdOf('option', source.metadataId, option.value);
  return {
    ...kindOfOption(source, option),
    Value: option.value,
    Color: option.color ?? null,
    IsManaged: false,
    ExternalValue: option.externalValue ?? '',
    ParentValues: [],
    Tag: null,
    IsHidden: false,
    MetadataId: null,
    HasChanged: null,
    Label: labelFrom(option.labels, id),
    Description: labelOf(option.description, {}, `${id}/d`),
  };
}

function kindOfOption(source: OptionSetSource, option: Option): Record<string, unknown> {
  if (source.type === 'Status') {
    return {
      '@odata.type': '#Microsoft.Dynamics.CRM.StatusOptionMetadata',
      State: option.state ?? 0,
      TransitionData: null,
    };
  }
  if (source.type !== 'State') return {};
  return {
    '@odata.type': '#Microsoft.Dynamics.CRM.StateOptionMetadata',
    DefaultStatus: option.value + 1,
    InvariantName: option.labels[1033] ?? '',
  };
}
