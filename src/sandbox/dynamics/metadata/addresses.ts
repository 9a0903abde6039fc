import { badRequest, dataverseError } from '../errors.js';
import { parseKey, type Segment } from '../odata/resource-path.js';
import type { AlternateKey, Column, GlobalOptionSet, Relationship, Schema, Table } from '../schema.js';

/**
 * Finds the item that the parentheses of a segment name: by `MetadataId`, given bare or by name, or by one of
 * the item's other names, e.g. `(LogicalName='contact')`.
 */
export function matching<T>(
  items: Iterable<T>,
  inside: string,
  keysOf: (item: T) => Record<string, string>,
): T | undefined {
  const { value, named } = parseKey(inside);
  if (value && value.type !== 'guid') throw badRequest(`The key '${inside}' is not a GUID.`);
  const wanted: [string, string][] = value
    ? [['MetadataId', value.value]]
    : Object.entries(named).map(([name, literal]) => [name, String(literal.value)]);
  for (const item of items) {
    const keys = keysOf(item);
    if (wanted.every(([name, text]) => keys[name] === text)) return item;
  }
  return undefined;
}

const required = (segment: Segment | undefined): string => {
  if (segment?.inside === undefined) {
    throw dataverseError(
      405,
      '0x80060888',
      `The HTTP method is not supported on the collection '${segment?.name ?? ''}'.`,
    );
  }
  return segment.inside;
};

/** The table that a segment such as `EntityDefinitions(LogicalName='contact')` names; 404 when there is none. */
export function addressedTable(schema: Schema, segment: Segment | undefined): Table {
  const inside = required(segment);
  const table = matching(schema.tables(), inside, ({ metadataId, logicalName }) => ({
    MetadataId: metadataId,
    LogicalName: logicalName,
  }));
  return table ?? notFound('entity', inside);
}

export function addressedColumn(table: Table, segment: Segment | undefined): Column {
  const inside = required(segment);
  const column = matching(Object.values(table.columns), inside, ({ metadataId, logicalName }) => ({
    MetadataId: metadataId,
    LogicalName: logicalName,
  }));
  return column ?? notFound('attribute', inside);
}

export function addressedKey(table: Table, segment: Segment | undefined): AlternateKey {
  const inside = required(segment);
  const key = matching(table.keys, inside, ({ metadataId, logicalName }) => ({
    MetadataId: metadataId,
    LogicalName: logicalName,
  }));
  return key ?? notFound('entity key', inside);
}

export function addressedRelationship(schema: Schema, segment: Segment | undefined): Relationship {
  const inside = required(segment);
  const relationship = matching(schema.relationships(), inside, ({ metadataId, schemaName }) => ({
    MetadataId: metadataId,
    SchemaName: schemaName,
  }));
  return relationship ?? notFound('relationship', inside);
}

export function addressedOptionSet(schema: Schema, segment: Segment | undefined): GlobalOptionSet {
  const inside = required(segment);
  const optionSet = matching(schema.globalOptionSets(), inside, ({ metadataId, name }) => ({
    MetadataId: metadataId,
    Name: name,
  }));
  return optionSet ?? notFound('optionset', inside);
}

export function notFound(kind: string, inside: string): never {
  throw dataverseError(
    404,
    '0x80060888',
    `Could not find an ${kind} with the key '${inside}' in the metadata cache.`,
  );
}
