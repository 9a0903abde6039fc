import { badRequest } from '../errors.js';
import { compareValues } from '../odata/compare.js';
import { evaluate, resolverOf } from '../odata/evaluate.js';
import type { FilterNode, Operand } from '../odata/filter.js';
import type { ExpandItem, ODataQuery } from '../odata/query.js';
import type { MetadataType } from './definitions/property.js';
import type { Resource } from './resources.js';
import { hasProperty, NAMESPACE, navigationTarget } from './type-catalogue.js';

/**
 * Applies `$filter`, `$orderby` and `$top`, then shapes each item with `$select` and `$expand`.
 *
 * Properties are those of the declared type: an uncast column has no `MaxLength` (dataverse.md §7). Throws a
 * 400 that names what the type does not have.
 */
export function projectAll(
  items: Resource[],
  type: MetadataType,
  query: Pick<ODataQuery, 'select' | 'filter' | 'orderBy' | 'top' | 'expand'>,
): Record<string, unknown>[] {
  const { filter, orderBy, top, select = [], expand } = query;
  for (const name of select) requireSelectable(type, name);
  for (const { property } of expand) requireNavigation(type, property);
  if (filter) requireFilterProperties(type, filter);
  for (const { path } of orderBy) requireProperty(type, path[0] ?? '');
  let found = filter ? items.filter((item) => evaluate(filter, resolverOf(item.definition()))) : items;
  if (orderBy.length > 0) {
    found = [...found].sort((a, b) => {
      const [left, right] = [resolverOf(a.definition()), resolverOf(b.definition())];
      for (const { path, descending } of orderBy) {
        const order = compareValues(left(path) ?? '', right(path) ?? '');
        if (order !== 0) return descending ? -order : order;
      }
      return 0;
    });
  }
  if (top !== undefined) found = found.slice(0, top);
  return found.map((item) => project(item, type, query));
}

/** Shapes one definition. `MetadataId` always comes along. */
export function project(
  resource: Resource,
  type: MetadataType,
  { select, expand }: Pick<ODataQuery, 'select' | 'expand'>,
): Record<string, unknown> {
  const definition = resource.definition();
  const shaped: Record<string, unknown> = {};
  if (resource.type !== type || type.name === 'AttributeMetadata') {
    shaped['@odata.type'] = `#${NAMESPACE}.${resource.type.name}`;
  }
  if (select === undefined) Object.assign(shaped, definition);
  else {
    for (const name of select) {
      requireSelectable(type, name);
      if (name in definition) shaped[name] = definition[name];
    }
    if ('MetadataId' in definition) shaped['MetadataId'] = definition['MetadataId'];
  }
  for (const item of expand) expandInto(shaped, resource, type, item);
  return shaped;
}

function expandInto(
  shaped: Record<string, unknown>,
  resource: Resource,
  type: MetadataType,
  { property, query }: ExpandItem,
): void {
  const target = requireNavigation(type, property);
  const found = resource.navigation[property]?.() ?? null;
  if (Array.isArray(found)) shaped[property] = projectAll(found, target.type, query);
  else shaped[property] = found && project(found, target.type, query);
}

function requireFilterProperties(type: MetadataType, node: FilterNode): void {
  switch (node.kind) {
    case 'and':
    case 'or':
      requireFilterProperties(type, node.left);
      return requireFilterProperties(type, node.right);
    case 'not':
      return requireFilterProperties(type, node.operand);
    case 'compare':
    case 'text':
      requireOperand(type, node.left);
      return requireOperand(type, node.right);
    case 'lambda':
    case 'query-function':
      return requireProperty(type, node.path[0] ?? '');
  }
}

function requireOperand(type: MetadataType, operand: Operand): void {
  if (operand.kind === 'path') requireProperty(type, operand.path[0] ?? '');
}

/** Annotations and navigation properties may stand in `$select` too; they bring nothing. */
function requireSelectable(type: MetadataType, name: string): void {
  if (!name.startsWith('@') && !navigationTarget(type, name)) requireProperty(type, name);
}

function requireNavigation(type: MetadataType, name: string) {
  const target = navigationTarget(type, name);
  if (!target) throw unknownProperty(type, name);
  return target;
}

function requireProperty(type: MetadataType, name: string): void {
  if (!hasProperty(type, name)) throw unknownProperty(type, name);
}

const unknownProperty = (type: MetadataType, name: string) =>
  badRequest(`Could not find a property named '${name}' on type '${NAMESPACE}.${type.name}'.`);
