import { dataverseError } from '../../errors.js';
import type { Column, Table } from '../../schema.js';
import { activityColumns } from '../activity-columns.js';
import { entityProperties } from '../definitions/entity.js';
import { settingsIn } from '../definitions/property.js';
import { readLabel } from '../labels.js';
import { column, numbered, primaryIdColumn, standardColumns } from '../standard-columns.js';
import { newColumn, readNewColumn } from './column-definitions.js';
import {
  invalidDefinition,
  listOf,
  managedValue,
  newMetadataId,
  requiredLabel,
  requiredSchemaName,
  requirePrefixed,
  requiredText,
  type Customisation,
  type Definition,
} from './customisation.js';
import { withColumns } from './columns.js';

const BULK_ACTIONS = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple'];
/** Type codes of custom tables; a deleted table's code is not given out again. */
const FIRST_CUSTOM_TYPE_CODE = 10_000;

/** Reads the definition of a new table or activity, with all the columns it will have. */
export function newTable(customisation: Customisation, definition: Definition): Table {
  const schemaName = requiredSchemaName(definition);
  const logicalName = schemaName.toLowerCase();
  const isActivity = definition['IsActivity'] === true;
  const elastic = definition['TableType'] === 'Elastic';
  const display = requiredLabel(definition, 'DisplayName');
  const collection = readLabel(definition['DisplayCollectionName']);
  const description = readLabel(definition['Description'])?.text;
  const ownership = readOwnership(definition, isActivity);
  if (isActivity) requireActivityRules(definition);
  const { primary, others } = splitAttributes(definition);
  const primaryName = requiredText(primary, 'SchemaName').toLowerCase();
  const table: Table = {
    metadataId: newMetadataId(customisation, 'table', logicalName),
    logicalName,
    schemaName,
    entitySetName: entitySetName(definition, logicalName),
    primaryId: isActivity ? 'activityid' : `${logicalName}id`,
    primaryName,
    objectTypeCode: nextTypeCode(customisation),
    displayName: display.text,
    displayCollectionName: collection?.text ?? `${display.text}s`,
    labels: display.others,
    collectionLabels: collection?.others ?? {},
    ...(description === undefined ? {} : { description }),
    ownership,
    isActivity,
    isIntersect: false,
    isCustom: true,
    changeTracking: definition['ChangeTrackingEnabled'] === true,
    canChangeTrackingBeEnabled: true,
    elastic,
    columns: {},
    keys: [],
    bulkActions: elastic ? [...BULK_ACTIONS, 'DeleteMultiple'] : BULK_ACTIONS,
    settings: settingsIn(entityProperties, definition),
    createdOnMs: customisation.context.clock.nowMs(),
  };
  const named: Column = {
    ...newColumn(customisation, logicalName, 'String', primary),
    isPrimaryName: true,
    // An activity's subject is the one of its base; deleting it is refused for any table.
    isCustom: !isActivity,
  };
  const standard = isActivity
    ? activityColumns(logicalName, regardingTargets(customisation), named)
    : [
        primaryIdColumn(logicalName, `${schemaName}Id`, display.text),
        named,
        ...standardColumns(logicalName, ownership),
        ...(elastic ? elasticColumns(logicalName) : []),
      ];
  const made = others.map((attribute) => {
    requirePrefixed(requiredText(attribute, 'SchemaName'));
    return readNewColumn(customisation, logicalName, attribute);
  });
  return withColumns({ ...table, columns: numbered(standard) }, made);
}

/** What distinguishes a custom activity (dataverse.md §7, "Create a custom activity"). */
function requireActivityRules(definition: Definition): void {
  if (definition['IsAvailableOffline'] === false) {
    throw dataverseError(400, '0x8004F122', 'IsAvailableOffline must be true for a custom activity.');
  }
  if (managedValue(definition, 'IsMailMergeEnabled') === true) {
    throw dataverseError(400, '0x8004F124', 'A custom activity cannot be enabled for mail merge.');
  }
  if (definition['HasActivities'] === true) {
    throw invalidDefinition('A custom activity cannot have activities itself: HasActivities must be false.');
  }
  const { primary } = splitAttributes(definition);
  if (String(primary['SchemaName']).toLowerCase() !== 'subject') {
    throw invalidDefinition("The primary attribute of a custom activity must be 'Subject'.");
  }
}

function splitAttributes(definition: Definition): { primary: Definition; others: Definition[] } {
  const attributes = listOf(definition, 'Attributes');
  const primaries = attributes.filter(({ IsPrimaryName: isPrimary }) => isPrimary === true);
  const [primary] = primaries;
  if (!primary || primaries.length > 1) {
    throw invalidDefinition('Attributes must hold exactly one string attribute with IsPrimaryName true.');
  }
  if (
    !/(^|\.)(Complex)?StringAttributeMetadata$/.test(
      String(primary['@odata.type'] ?? 'StringAttributeMetadata'),
    )
  ) {
    throw invalidDefinition('The primary attribute must be a string attribute.');
  }
  return { primary, others: attributes.filter((attribute) => attribute !== primary) };
}

function readOwnership(definition: Definition, isActivity: boolean): Table['ownership'] {
  const given = definition['OwnershipType'] ?? 'UserOwned';
  if (given === 'UserOwned') return given;
  if (given !== 'OrganizationOwned') {
    throw invalidDefinition(`OwnershipType '${String(given)}' is not valid for a custom entity.`);
  }
  if (isActivity) throw invalidDefinition('A custom activity must be user owned.');
  return given;
}

/** The set's name follows the English plural of the logical name, unless the definition gives one. */
function entitySetName(definition: Definition, logicalName: string): string {
  const given = definition['EntitySetName'];
  if (typeof given === 'string' && given !== '') return given;
  if (/(s|x|z|ch|sh)$/.test(logicalName)) return `${logicalName}es`;
  if (/[^aeiou]y$/.test(logicalName)) return `${logicalName.slice(0, -1)}ies`;
  return `${logicalName}s`;
}

function nextTypeCode({ context }: Customisation): number {
  const counters = context.store.collection<number>('schema/type-codes');
  const code = counters.get('next') ?? FIRST_CUSTOM_TYPE_CODE;
  counters.set('next', code + 1);
  return code;
}

/** Tables that activities can be about: those that have activities. */
const regardingTargets = ({ schema }: Customisation): string[] =>
  schema
    .tables()
    .filter(({ settings }) => settings?.['HasActivities'] === true)
    .map(({ logicalName }) => logicalName);

const elasticColumns = (table: string): Column[] => [
  column(table, 'PartitionId', 'String', { displayName: 'Partition Id' }),
  column(table, 'TTLInSeconds', 'Integer', { displayName: 'Time to live' }),
];
