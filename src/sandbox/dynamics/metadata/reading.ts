import type { Answer } from '../call.js';
import { badRequest, unknownSegment } from '../errors.js';
import type { ODataQuery } from '../odata/query.js';
import { parseResourcePath, type Segment } from '../odata/resource-path.js';
import type { Schema } from '../schema.js';
import {
  addressedOptionSet,
  addressedRelationship,
  addressedTable,
  matching,
  notFound,
} from './addresses.js';
import { entityType } from './definitions/entity.js';
import { optionSetBaseType } from './definitions/option-set.js';
import { isKindOf, type MetadataType } from './definitions/property.js';
import { relationshipBaseType } from './definitions/relationship.js';
import { project, projectAll } from './projection.js';
import { globalOptionSetResource, relationshipResource, tableResource, type Resource } from './resources.js';
import { hasProperty, NAMESPACE, navigationTarget, typeByName } from './type-catalogue.js';

/** Where a path has led so far; `context` is its form in `@odata.context`. */
type Place =
  | { kind: 'many'; items: Resource[]; type: MetadataType; context: string }
  | { kind: 'one'; resource: Resource; type: MetadataType; context: string }
  | { kind: 'value'; value: unknown; context: string }
  | { kind: 'count'; items: Resource[]; type: MetadataType };

/**
 * Answers a GET below `EntityDefinitions`, `RelationshipDefinitions` or `GlobalOptionSetDefinitions`
 * (dataverse.md §7, §13 "Metadata").
 *
 * @param path below the service root, percent-encoded as sent.
 * @param base the service root as the request addressed it.
 */
export function readMetadata(schema: Schema, path: string, query: ODataQuery, base: string): Answer {
  const [first, ...rest] = parseResourcePath(path);
  if (!first) throw badRequest('Bad Request - Error in query syntax.');
  const place = rest.reduce(step, enter(schema, first));
  switch (place.kind) {
    case 'many': {
      const value = projectAll(place.items, place.type, query);
      return {
        status: 200,
        body: {
          '@odata.context': `${base}$metadata#${place.context}${selected(query)}`,
          ...(query.count ? { '@odata.count': value.length } : {}),
          value,
        },
      };
    }
    case 'one':
      return {
        status: 200,
        body: {
          '@odata.context': `${base}$metadata#${place.context}${selected(query)}/$entity`,
          ...project(place.resource, place.type, query),
        },
      };
    case 'value':
      return {
        status: 200,
        body: { '@odata.context': `${base}$metadata#${place.context}`, value: place.value },
      };
    case 'count':
      return { status: 200, body: String(projectAll(place.items, place.type, query).length) };
  }
}

function selected({ select, expand }: ODataQuery): string {
  const names = [...(select ?? []), ...expand.map(({ property }) => `${property}()`)];
  return names.length > 0 ? `(${names.join(',')})` : '';
}

function enter(schema: Schema, segment: Segment): Place {
  const { name, inside } = segment;
  switch (name) {
    case 'EntityDefinitions':
      if (inside === undefined) {
        return many(
          name,
          entityType,
          schema.tables().map((table) => tableResource(schema, table)),
        );
      }
      return one(name, entityType, tableResource(schema, addressedTable(schema, segment)));
    case 'RelationshipDefinitions':
      if (inside === undefined) {
        const all = schema.relationships().map((found) => relationshipResource(schema, found));
        return many(name, relationshipBaseType, all);
      }
      return one(
        name,
        relationshipBaseType,
        relationshipResource(schema, addressedRelationship(schema, segment)),
      );
    case 'GlobalOptionSetDefinitions':
      if (inside === undefined) {
        return many(name, optionSetBaseType, schema.globalOptionSets().map(globalOptionSetResource));
      }
      return one(name, optionSetBaseType, globalOptionSetResource(addressedOptionSet(schema, segment)));
    default:
      throw unknownSegment(name);
  }
}

function step(place: Place, segment: Segment): Place {
  const { name, inside } = segment;
  if (place.kind === 'value' || place.kind === 'count') throw unknownSegment(name);
  if (name.startsWith(`${NAMESPACE}.`)) return cast(place, name);
  if (place.kind === 'many') {
    if (name !== '$count') throw unknownSegment(name);
    return { kind: 'count', items: place.items, type: place.type };
  }
  const { resource, type, context } = place;
  const target = navigationTarget(type, name);
  if (!target) {
    if (!hasProperty(type, name) || inside !== undefined) throw unknownSegment(name);
    return { kind: 'value', value: resource.definition()[name] ?? null, context: `${context}/${name}` };
  }
  const inner = `${context}('${resource.keys['LogicalName'] ?? resource.keys['MetadataId']}')/${name}`;
  const found = resource.navigation[name]?.() ?? null;
  if (!Array.isArray(found)) return found ? one(inner, target.type, found) : notFound('item', name);
  if (inside === undefined) return many(inner, target.type, found);
  const item = matching(found, inside, ({ keys }) => keys) ?? notFound('item', inside);
  return one(inner, target.type, item);
}

/** Narrows to a derived type; there is no casting to the abstract enumeration type (dataverse.md §7). */
function cast(place: Extract<Place, { kind: 'many' | 'one' }>, name: string): Place {
  const type = typeByName(name);
  if (!type || !isKindOf(type, place.type.name)) throw unknownSegment(name);
  const context = `${place.context}/${name}`;
  if (place.kind === 'many') {
    return many(
      context,
      type,
      place.items.filter((item) => isKindOf(item.type, type.name)),
    );
  }
  if (!isKindOf(place.resource.type, type.name)) notFound('item', name);
  return one(context, type, place.resource);
}

const many = (context: string, type: MetadataType, items: Resource[]): Place => ({
  kind: 'many',
  context,
  type,
  items,
});
const one = (context: string, type: MetadataType, resource: Resource): Place => ({
  kind: 'one',
  context,
  type,
  resource,
});
