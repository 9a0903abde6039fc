import type { Answer } from '../call.js';
import { dataverseError, unknownSegment } from '../errors.js';
import { parseResourcePath, type Segment } from '../odata/resource-path.js';
import {
  addressedColumn,
  addressedKey,
  addressedOptionSet,
  addressedRelationship,
  addressedTable,
} from './addresses.js';
import type { MetadataCall } from './call.js';
import { NAMESPACE } from './type-catalogue.js';
import { createColumn, deleteColumn, updateColumn } from './writing/columns.js';
import type { Customisation } from './writing/customisation.js';
import { createKey, deleteKey } from './writing/keys.js';
import {
  createGlobalOptionSet,
  deleteGlobalOptionSet,
  updateGlobalOptionSet,
} from './writing/option-sets.js';
import { createRelationship, deleteRelationship, updateRelationship } from './writing/relationships.js';
import { createTable, deleteTable, updateTable } from './writing/tables.js';

/** Carries out a POST, PUT or DELETE below one of the three sets of definitions (dataverse.md §7). */
export function writeDefinition(customisation: Customisation, call: MetadataCall): Answer {
  // A cast says what the body's type says already.
  const segments = parseResourcePath(call.path).filter(({ name }) => !name.startsWith(`${NAMESPACE}.`));
  if (call.method === 'PATCH') throw notSupported(segments[0]?.name ?? '');
  switch (segments[0]?.name) {
    case 'EntityDefinitions':
      return writeTable(customisation, call, segments);
    case 'RelationshipDefinitions':
      return writeRelationship(customisation, call, segments);
    case 'GlobalOptionSetDefinitions':
      return writeOptionSet(customisation, call, segments);
    default:
      throw unknownSegment(segments[0]?.name ?? '');
  }
}

/** Definitions are replaced as a whole, or not at all. */
const notSupported = (name: string) =>
  dataverseError(405, '0x80060888', `Operation not supported on ${name}. Use PUT with the whole definition.`);

const done: Answer = { status: 204 };

const created = ({ base }: MetadataCall, address: string): Answer => ({
  status: 204,
  headers: { 'odata-entityid': `${base}${address}` },
});

function writeTable(customisation: Customisation, call: MetadataCall, segments: Segment[]): Answer {
  const [set, inner, more] = segments;
  const { schema } = customisation;
  if (more) throw unknownSegment(more.name);
  if (set?.inside === undefined) {
    if (call.method !== 'POST' || inner) throw notSupported('EntityDefinitions');
    const table = createTable(customisation, call.body());
    return created(call, `EntityDefinitions(${table.metadataId})`);
  }
  const table = addressedTable(schema, set);
  switch (inner?.name) {
    case 'Attributes':
      return writeColumn(customisation, call, table, inner);
    case 'Keys':
      return writeKey(customisation, call, table, inner);
    case undefined:
      break;
    default:
      throw unknownSegment(inner?.name ?? '');
  }
  if (call.method === 'PUT') updateTable(customisation, table, call.body());
  else if (call.method === 'DELETE') deleteTable(customisation, table);
  else throw notSupported('EntityMetadata');
  return done;
}

type Table = ReturnType<typeof addressedTable>;

function writeColumn(
  customisation: Customisation,
  call: MetadataCall,
  table: Table,
  segment: Segment,
): Answer {
  if (segment.inside === undefined) {
    if (call.method !== 'POST') throw notSupported('Attributes');
    const column = createColumn(customisation, table, call.body());
    return created(call, `EntityDefinitions(${table.metadataId})/Attributes(${column.metadataId})`);
  }
  const column = addressedColumn(table, segment);
  if (call.method === 'PUT') updateColumn(customisation, table, column, call.body());
  else if (call.method === 'DELETE') deleteColumn(customisation, table, column);
  else throw notSupported('AttributeMetadata');
  return done;
}

function writeKey(customisation: Customisation, call: MetadataCall, table: Table, segment: Segment): Answer {
  if (segment.inside === undefined) {
    if (call.method !== 'POST') throw notSupported('Keys');
    const key = createKey(customisation, table, call.body());
    return created(call, `EntityDefinitions(${table.metadataId})/Keys(${key.metadataId})`);
  }
  if (call.method !== 'DELETE') throw notSupported('EntityKeyMetadata');
  deleteKey(customisation, table, addressedKey(table, segment));
  return done;
}

function writeRelationship(customisation: Customisation, call: MetadataCall, segments: Segment[]): Answer {
  const [set, more] = segments;
  if (more) throw unknownSegment(more.name);
  if (set?.inside === undefined) {
    if (call.method !== 'POST') throw notSupported('RelationshipDefinitions');
    const relationship = createRelationship(customisation, call.body());
    return created(call, `RelationshipDefinitions(${relationship.metadataId})`);
  }
  const relationship = addressedRelationship(customisation.schema, set);
  if (call.method === 'PUT') updateRelationship(customisation, relationship, call.body());
  else if (call.method === 'DELETE') deleteRelationship(customisation, relationship);
  else throw notSupported('RelationshipMetadataBase');
  return done;
}

function writeOptionSet(customisation: Customisation, call: MetadataCall, segments: Segment[]): Answer {
  const [set, more] = segments;
  if (more) throw unknownSegment(more.name);
  if (set?.inside === undefined) {
    if (call.method !== 'POST') throw notSupported('GlobalOptionSetDefinitions');
    const optionSet = createGlobalOptionSet(customisation, call.body());
    return created(call, `GlobalOptionSetDefinitions(${optionSet.metadataId})`);
  }
  const optionSet = addressedOptionSet(customisation.schema, set);
  if (call.method === 'PUT') updateGlobalOptionSet(customisation, optionSet, call.body());
  else if (call.method === 'DELETE') deleteGlobalOptionSet(customisation, optionSet);
  else throw notSupported('OptionSetMetadataBase');
  return done;
}
