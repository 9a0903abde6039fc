import type { SandboxContext } from '../context.js';
import {
  BASE_FILTERS,
  PROFILE,
  SERVICE,
  SUBSCRIPTION,
  SYSTEM_FIELDS,
  TENANT_FILTERS,
} from './base-resources.js';
import type { CampaignEndpoint, FilterDefinition, ResourceDefinition } from './definitions.js';
import { createPKeys, type PKeys } from './pkey.js';
import { createRecordTable, type CampaignRecord, type RecordTable } from './record-table.js';

/** The data model in force and its records. Definitions are kept in the store like the records. */
export interface Resources {
  pkeys: PKeys;
  definition(name: string): ResourceDefinition | undefined;
  /** Those that an endpoint lists. */
  at(endpoint: CampaignEndpoint): ResourceDefinition[];
  table(name: string): RecordTable;
  filters(resource: string): FilterDefinition[];
  /** The field that addresses this resource's records in a URL; undefined when it has none. */
  identificationKey(definition: ResourceDefinition): string | undefined;
  /** Fields whose values must be unique. */
  uniqueKeys(definition: ResourceDefinition): string[];
  /**
   * Publishes custom resources and filters, as an administrator of the real system would. Fields given for a
   * resource that exists extend it. Takes effect at once and lasts.
   */
  publish(model: DataModel): void;
}

export interface DataModel {
  resources?: ResourceDefinition[];
  filters?: FilterDefinition[];
}

export function createResources(context: SandboxContext): Resources {
  const { store } = context;
  const pkeys = createPKeys(store);
  const published = store.collection<ResourceDefinition>('campaign.resources');
  const publishedFilters = store.collection<FilterDefinition>('campaign.filters');
  const sequences = store.collection<number>('campaign.sequence');
  const tables = new Map<string, RecordTable>();
  let definitions = allDefinitions();

  function allDefinitions(): Map<string, ResourceDefinition> {
    const all = new Map([PROFILE, SERVICE, SUBSCRIPTION].map((base) => [base.name, base]));
    for (const custom of published.values()) all.set(custom.name, extended(all.get(custom.name), custom));
    return all;
  }

  function table(name: string): RecordTable {
    let found = tables.get(name);
    if (!found)
      tables.set(
        name,
        (found = createRecordTable(store.collection<CampaignRecord>(`campaign.${name}`), () => nextId(name))),
      );
    return found;
  }

  function nextId(name: string): number {
    // Real ids start in the thousands; only their order matters.
    const id = (sequences.get(name) ?? 1000) + 1;
    sequences.set(name, id);
    return id;
  }

  function filters(resource: string): FilterDefinition[] {
    const byName = new Map<string, FilterDefinition>();
    for (const filter of BASE_FILTERS) if (filter.resource === resource) byName.set(filter.name, filter);
    for (const filter of [...TENANT_FILTERS, ...publishedFilters.values()]) {
      const name = customName(filter);
      if (filter.resource === resource && name !== undefined) byName.set(name, { ...filter, name });
    }
    return [...byName.values()];
  }

  const customName = ({ name, restName }: FilterDefinition): string | undefined =>
    context.limits().campaign.edition === 'v8' ? restName : name;

  function publish(model: DataModel): void {
    for (const resource of model.resources ?? []) {
      const before = published.get(resource.name);
      published.set(resource.name, before ? extended(before, resource) : resource);
    }
    for (const filter of model.filters ?? [])
      publishedFilters.set(`${filter.resource}/${filter.name}`, filter);
    definitions = allDefinitions();
  }

  return {
    pkeys,
    definition: (name) => definitions.get(name),
    at: (endpoint) =>
      [...definitions.values()].filter((each) => !each.nested && each.endpoints.includes(endpoint)),
    table,
    filters,
    identificationKey: (definition) =>
      context.limits().campaign.identificationKeys[definition.name] ?? definition.identificationKey,
    uniqueKeys: (definition) =>
      context.limits().campaign.uniqueKeys[definition.name] ?? definition.keys ?? [],
    publish,
  };
}

function extended(base: ResourceDefinition | undefined, addition: ResourceDefinition): ResourceDefinition {
  if (!base) return { ...addition, fields: { ...SYSTEM_FIELDS, ...addition.fields } };
  const added = Object.entries(addition.fields ?? {}).map(([name, field]) => [
    name,
    { extension: true, ...field },
  ]);
  return {
    ...base,
    ...addition,
    schema: base.schema,
    endpoints: addition.endpoints ?? base.endpoints,
    fields: { ...base.fields, ...Object.fromEntries(added) },
  };
}
