import { badPayload } from '../../errors.js';
import type { Column, ColumnType, GlobalOptionSet, Option } from '../../schema.js';
import { matching } from '../addresses.js';
import { readLabel, readLabels } from '../labels.js';
import { invalidDefinition, listOf, type Customisation, type Definition } from './customisation.js';

/** Values of options that a client does not number: the default publisher's option value prefix, five digits. */
const FIRST_OPTION_VALUE = 100_000_000;

/** Reads options that a client sent. Values may be left out; two equal ones are refused. */
export function readOptions(definitions: Definition[]): Option[] {
  const options: Option[] = [];
  for (const definition of definitions) {
    const value = typeof definition['Value'] === 'number' ? definition['Value'] : nextOptionValue(options);
    if (options.some((option) => option.value === value)) {
      throw invalidDefinition(`An option with the value ${value} already exists.`);
    }
    options.push(readOption(definition, value));
  }
  return options;
}

export function readOption(definition: Definition, value: number): Option {
  const labels = readLabels(definition['Label']);
  if (!labels) throw badPayload('Every option needs a Label.');
  const { Color: color, ExternalValue: externalValue } = definition;
  const description = readLabel(definition['Description'])?.text;
  return {
    value,
    labels,
    ...(typeof color === 'string' ? { color } : {}),
    ...(typeof externalValue === 'string' && externalValue !== '' ? { externalValue } : {}),
    ...(description === undefined ? {} : { description }),
  };
}

export const nextOptionValue = (options: Option[]): number =>
  options.reduce((highest, { value }) => Math.max(highest, value + 1), FIRST_OPTION_VALUE);

/** `TrueOption` and `FalseOption`, which need not be given. */
export function readBooleanOptions(optionSet: Definition | undefined): Option[] {
  return [
    readBooleanOption(optionSet?.['TrueOption'], 1, 'Yes'),
    readBooleanOption(optionSet?.['FalseOption'], 0, 'No'),
  ];
}

function readBooleanOption(given: unknown, value: number, label: string): Option {
  if (typeof given !== 'object' || given === null) return { value, labels: { 1033: label } };
  const option = given as Definition;
  return { value, labels: readLabels(option['Label']) ?? { 1033: label } };
}

/** The options of a new choice column: its own, or those of a global option set it binds to. */
export function columnOptions(
  { schema }: Customisation,
  type: ColumnType,
  definition: Definition,
): Pick<Column, 'options' | 'globalOptionSet'> {
  const optionSet = definition['OptionSet'] as Definition | undefined;
  const bound =
    definition['GlobalOptionSet@odata.bind'] ??
    (definition['GlobalOptionSet'] as Definition | undefined)?.['Name'];
  const shared = typeof bound === 'string' ? boundOptionSet(schema.globalOptionSets(), bound) : undefined;
  if (shared) return { options: shared.options, globalOptionSet: shared.name };
  if (type === 'Boolean') return { options: readBooleanOptions(optionSet) };
  if (!optionSet)
    throw invalidDefinition('A choice column needs an OptionSet or a GlobalOptionSet@odata.bind.');
  const name = optionSet['Name'];
  const options = listOf(optionSet, 'Options');
  if (optionSet['IsGlobal'] === true && typeof name === 'string' && options.length === 0) {
    const named = boundOptionSet(schema.globalOptionSets(), name);
    return { options: named.options, globalOptionSet: named.name };
  }
  return { options: readOptions(options) };
}

/** Reads `/GlobalOptionSetDefinitions(<guid>)`, `…(Name='x')` or a bare name. */
function boundOptionSet(optionSets: GlobalOptionSet[], bound: string): GlobalOptionSet {
  const inside = /GlobalOptionSetDefinitions\((.+)\)$/.exec(decodeURIComponent(bound))?.[1];
  const found = inside
    ? matching(optionSets, inside, ({ metadataId, name }) => ({ MetadataId: metadataId, Name: name }))
    : optionSets.find(({ name }) => name === bound);
  if (!found) throw invalidDefinition(`The global option set '${bound}' does not exist.`);
  return found;
}
