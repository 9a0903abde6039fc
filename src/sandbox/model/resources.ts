import type { SandboxContext } from '../context.js';
import type {
  CampaignEndpoint,
  FieldDefinition,
  FilterCondition,
  FilterDefinition,
  ResourceDefinition,
} from '../campaign/definitions.js';
import type { Resources } from '../campaign/resources.js';
import { createRecord } from '../campaign/writes.js';
import type { ModelFaults } from './faults.js';
import type { InstalledParts } from './installed-parts.js';
import type { Model, ModelResource } from './model-schema.js';
import { checkResource } from './resource-checks.js';

/** Schemas of resources that come with Campaign; those of the units are not public. */
const BASE_SCHEMAS: Record<string, string> = {
  profile: 'nms:recipient',
  service: 'nms:service',
  orgUnitBase: 'xtk:orgUnit',
  geoUnitBase: 'xtk:geoUnit',
};
/** Gone in v8 (campaign.md §1). */
const STANDARD_ONLY = ['orgUnitBase'];

/**
 * Publishes what a model has for Campaign and this instance was never given. A resource that somebody else published
 * under the same name stays as it is; profiles and services get the fields and links.
 */
export function installResources(
  context: SandboxContext,
  resources: Resources,
  { campaign }: Model,
  installed: InstalledParts,
  faults: ModelFaults,
): void {
  const linked = linkedToProfile(campaign.resources);
  const published: [string, ModelResource][] = [];
  for (const [name, resource] of Object.entries(campaign.resources)) {
    const existing = resources.definition(name);
    const isExtension = existing !== undefined && isBase(name);
    if (!isExtension && (!installed.take('resource', name) || existing)) continue;
    checkResource(name, campaign.resources, resources, faults);
    const made = isExtension ? newParts(name, resource, installed) : resource;
    if (isExtension && isEmpty(made)) continue;
    const endpoint: CampaignEndpoint = linked.has(name) ? 'profileAndServicesExt' : 'customResources';
    resources.publish({
      resources: [definitionOf(name, made, existing, endpoint)],
      filters: filtersOf(name, made),
    });
    if (!isExtension) published.push([name, resource]);
  }
  if (faults.list.length > 0) return;
  for (const [name, resource] of published) addRecords(context, resources, name, resource, faults);
}

/** What an extension has more than was given before. */
function newParts(name: string, resource: ModelResource, installed: InstalledParts): ModelResource {
  const missing = <T>(kind: 'field' | 'filter', parts: Record<string, T>): Record<string, T> =>
    Object.fromEntries(Object.entries(parts).filter(([part]) => installed.take(kind, `${name}.${part}`)));
  return {
    ...resource,
    fields: missing('field', resource.fields),
    links: missing('field', resource.links),
    filters: missing('filter', resource.filters),
  };
}

const isEmpty = ({ fields, links, filters }: ModelResource): boolean =>
  [fields, links, filters].every((parts) => Object.keys(parts).length === 0);

const isBase = (name: string): boolean => name === 'profile' || name === 'service';

/**
 * Resources that a chain of links connects with profiles or services, whichever way the links lead: they stand under
 * `profileAndServicesExt`, the others under `customResources` (campaign.md §2).
 */
function linkedToProfile(resources: Model['campaign']['resources']): Set<string> {
  const found = new Set(['profile', 'service']);
  for (let before = 0; before !== found.size;) {
    before = found.size;
    for (const [name, { links }] of Object.entries(resources)) {
      const targets = Object.values(links).map(({ to }) => to);
      if (!found.has(name) && !targets.some((target) => found.has(target))) continue;
      for (const connected of [name, ...targets]) found.add(connected);
    }
  }
  return found;
}

function definitionOf(
  name: string,
  { label, fields, links, urlKey }: ModelResource,
  existing: ResourceDefinition | undefined,
  endpoint: CampaignEndpoint,
): ResourceDefinition {
  const unique = Object.keys(fields).filter((field) => fields[field]?.unique);
  const keys = [...(existing?.keys ?? []), ...unique];
  const definitions: Record<string, FieldDefinition> = {};
  for (const [field, given] of Object.entries(fields)) {
    const { type, length, values, mandatory } = given;
    definitions[field] = {
      type,
      label: given.label ?? field,
      ...(type === 'string' && { length: length ?? 255 }),
      ...(values && {
        values: Object.entries(values).map(([value, text], index) => ({
          name: value,
          value: index,
          label: text,
        })),
      }),
      ...(mandatory && { mandatory }),
    };
  }
  for (const [link, { to, join, cardinality, label: text }] of Object.entries(links)) {
    const [[field, targetField] = []] = Object.entries(join ?? {});
    definitions[link] = {
      type: 'link',
      label: text ?? link,
      target: to,
      cardinality,
      ...(field !== undefined && targetField !== undefined && { join: { field, targetField } }),
      ...(STANDARD_ONLY.includes(to) && { standardOnly: true }),
    };
  }
  return {
    name,
    label: label ?? existing?.label ?? name,
    endpoints: existing?.endpoints ?? [endpoint],
    schema: BASE_SCHEMAS[name] ?? `cus:${name}`,
    fields: definitions,
    ...(keys.length > 0 && { keys }),
    ...(urlKey !== undefined && { identificationKey: urlKey }),
    ...(STANDARD_ONLY.includes(name) && { standardOnly: true }),
  };
}

const filtersOf = (resource: string, { filters }: ModelResource): FilterDefinition[] =>
  Object.entries(filters).map(([name, { label, restName, where }]) => ({
    resource,
    name,
    label: label ?? name,
    ...(restName !== undefined && { restName }),
    conditions: Object.entries(where).map(([parameter, text]) => {
      const [field = '', operator = '='] = text.split(' ').toReversed();
      return { fields: [field], operator: operator as FilterCondition['operator'], parameter };
    }),
  }));

function addRecords(
  context: SandboxContext,
  resources: Resources,
  name: string,
  { records }: ModelResource,
  faults: ModelFaults,
): void {
  const definition = resources.definition(name);
  if (!definition) return;
  const call = {
    context,
    resources,
    definition,
    endpoint: 'profileAndServicesExt',
    base: '',
    query: new URLSearchParams(),
  } as const;
  for (const [index, record] of records.entries())
    faults.attempt(`campaign.resources.${name}.records.${index}`, () => createRecord(call, record));
}
