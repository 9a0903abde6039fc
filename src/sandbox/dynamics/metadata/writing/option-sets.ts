import type { Column, GlobalOptionSet, Option, Table } from '../../schema.js';
import { readLabel } from '../labels.js';
import { badPayload } from '../../errors.js';
import {
  changedLabel,
  duplicateName,
  invalidDefinition,
  listOf,
  newMetadataId,
  requiredText,
  requirePrefixed,
  stillReferenced,
  type Customisation,
  type Definition,
} from './customisation.js';
import { nextOptionValue, readBooleanOptions, readOption, readOptions } from './option-definitions.js';
import { addToSolution, COMPONENT, removeFromSolutions, requireSolution } from './solutions.js';

/** `POST GlobalOptionSetDefinitions`. */
export function createGlobalOptionSet(customisation: Customisation, definition: Definition): GlobalOptionSet {
  requireSolution(customisation);
  const { schema } = customisation;
  const name = requiredText(definition, 'Name').toLowerCase();
  requirePrefixed(name);
  if (schema.globalOptionSets().some((known) => known.name === name)) throw duplicateName('option set', name);
  const isBoolean = String(definition['@odata.type']).endsWith('BooleanOptionSetMetadata');
  const label = readLabel(definition['DisplayName']);
  const description = readLabel(definition['Description'])?.text;
  const made: GlobalOptionSet = {
    metadataId: newMetadataId(customisation, 'global-option-set', name),
    name,
    displayName: label?.text ?? name,
    labels: label?.others ?? {},
    ...(description === undefined ? {} : { description }),
    isCustom: true,
    type: isBoolean ? 'Boolean' : 'Picklist',
    options: isBoolean ? readBooleanOptions(definition) : readOptions(listOf(definition, 'Options')),
  };
  schema.saveGlobalOptionSet(made);
  addToSolution(customisation, COMPONENT.optionSet, made.metadataId);
  return made;
}

/** `PUT GlobalOptionSetDefinitions(…)`: labels only; options change through their own actions. */
export function updateGlobalOptionSet(
  customisation: Customisation,
  before: GlobalOptionSet,
  definition: Definition,
): void {
  const description = readLabel(definition['Description'])?.text ?? before.description;
  customisation.schema.saveGlobalOptionSet({
    ...before,
    ...changedLabel(customisation, before, definition),
    ...(description === undefined ? {} : { description }),
  });
}

/** `DELETE GlobalOptionSetDefinitions(…)`, unless a column uses it. */
export function deleteGlobalOptionSet(customisation: Customisation, gone: GlobalOptionSet): void {
  const { schema } = customisation;
  const users = schema
    .tables()
    .flatMap(({ columns }) => Object.values(columns))
    .filter(({ globalOptionSet }) => globalOptionSet === gone.name);
  if (users.length > 0) throw stillReferenced('OptionSet', gone.metadataId, users.length);
  schema.deleteGlobalOptionSet(gone.name);
  removeFromSolutions(customisation, gone.metadataId);
}

/** `InsertOptionValue`, and `InsertStatusValue` with its `StateCode`. Returns the new value. */
export function insertOption(customisation: Customisation, definition: Definition): number {
  requireSolution(customisation);
  const holder = optionHolder(customisation, definition);
  const given = definition['Value'];
  const value = typeof given === 'number' ? given : nextOptionValue(holder.options);
  if (holder.options.some((option) => option.value === value)) {
    throw invalidDefinition(`An option with the value ${value} already exists.`);
  }
  const state = definition['StateCode'];
  holder.save([
    ...holder.options,
    { ...readOption(definition, value), ...(typeof state === 'number' ? { state } : {}) },
  ]);
  return value;
}

/** `UpdateOptionValue` and `UpdateStateValue`: labels, merged with those of other languages on request. */
export function updateOption(customisation: Customisation, definition: Definition): void {
  const holder = optionHolder(customisation, definition);
  const before = requiredOption(holder.options, definition);
  const label = readLabel(definition['Label']);
  const changed = readOption({ ...definition, Label: definition['Label'] ?? labelsOf(before) }, before.value);
  const labels =
    definition['MergeLabels'] === true || !label ? { ...before.labels, ...changed.labels } : changed.labels;
  holder.save(
    holder.options.map((option) => (option === before ? { ...before, ...changed, labels } : option)),
  );
}

const labelsOf = ({ labels }: Option) => ({
  LocalizedLabels: Object.entries(labels).map(([code, text]) => ({
    Label: text,
    LanguageCode: Number(code),
  })),
});

/** `DeleteOptionValue`. */
export function deleteOption(customisation: Customisation, definition: Definition): void {
  const holder = optionHolder(customisation, definition);
  const gone = requiredOption(holder.options, definition);
  holder.save(holder.options.filter((option) => option !== gone));
}

/** `OrderOption`: `Values` lists every value in its new order. */
export function orderOptions(customisation: Customisation, definition: Definition): void {
  const holder = optionHolder(customisation, definition);
  const values = definition['Values'];
  if (!Array.isArray(values) || values.length !== holder.options.length) {
    throw invalidDefinition('Values must list every value of the option set once.');
  }
  holder.save((values as unknown[]).map((value) => requiredOption(holder.options, { Value: value })));
}

function requiredOption(options: Option[], definition: Definition): Option {
  const found = options.find(({ value }) => value === definition['Value']);
  if (found) return found;
  throw invalidDefinition(`The option with the value ${String(definition['Value'])} does not exist.`);
}

interface OptionHolder {
  options: Option[];
  save(options: Option[]): void;
}

/** Whose options an action means: a global option set's, or those of one column. */
function optionHolder({ schema }: Customisation, definition: Definition): OptionHolder {
  const global = definition['OptionSetName'];
  if (typeof global === 'string' && global !== '') {
    const found = schema.globalOptionSets().find(({ name }) => name === global.toLowerCase());
    if (!found) throw invalidDefinition(`The option set '${global}' does not exist.`);
    return {
      options: found.options,
      save: (options) => schema.saveGlobalOptionSet({ ...found, options }),
    };
  }
  const table = schema.table(requiredText(definition, 'EntityLogicalName'));
  const column = table?.columns[requiredText(definition, 'AttributeLogicalName')];
  if (!table || !column?.options) throw badPayload('The attribute does not exist or has no options.');
  return columnHolder(schema, table, column);
}

function columnHolder(schema: Customisation['schema'], table: Table, column: Column): OptionHolder {
  const shared = schema.globalOptionSets().find(({ name }) => name === column.globalOptionSet);
  if (shared) {
    return {
      options: shared.options,
      save: (options) => schema.saveGlobalOptionSet({ ...shared, options }),
    };
  }
  return {
    options: column.options ?? [],
    save: (options) =>
      schema.saveTable({
        ...table,
        columns: { ...table.columns, [column.logicalName]: { ...column, options } },
      }),
  };
}
