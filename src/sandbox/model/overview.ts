import type { Resources } from '../campaign/resources.js';
import type { Records } from '../dynamics/records.js';
import type { Schema } from '../dynamics/schema.js';

/** What `GET /_sandbox/model` answers: what there is to map, at a glance. */
export interface ModelOverview {
  tables: Record<
    string,
    { entitySet: string; rows: number; keys: string[]; lookups: Record<string, string[]> }
  >;
  resources: Record<
    string,
    { path: string; records: number; urlKey?: string; uniqueKeys: string[]; filters: string[] }
  >;
}

const SHOWN_BASE_TABLES = ['account', 'contact'];

/** The tables that a user would map, custom ones above all, and all resources, as they are now. */
export function overviewOf(
  schema: Schema,
  records: Records,
  resources: Resources,
  edition: 'standard' | 'v8',
): ModelOverview {
  const tables = schema
    .tables()
    .filter(
      (table) => (table.isCustom && !table.isIntersect) || SHOWN_BASE_TABLES.includes(table.logicalName),
    )
    .map((table) => {
      const lookups = Object.values(table.columns).flatMap(({ logicalName, targets, isCustom }) =>
        isCustom && targets ? [[logicalName, targets] as const] : [],
      );
      const overview = {
        entitySet: table.entitySetName,
        rows: records.count(table.logicalName),
        keys: table.keys.map(({ columns }) => columns.join(', ')),
        lookups: Object.fromEntries(lookups),
      };
      return [table.logicalName, overview] as const;
    });
  const published = (['profileAndServicesExt', 'customResources'] as const).flatMap((endpoint) =>
    resources
      .at(endpoint)
      .filter(({ standardOnly }) => !(standardOnly && edition === 'v8'))
      .map((definition) => {
        const urlKey = resources.identificationKey(definition);
        const overview = {
          path: `${endpoint}/${definition.name}`,
          records: resources.table(definition.name).size,
          ...(urlKey !== undefined && { urlKey }),
          uniqueKeys: resources.uniqueKeys(definition),
          filters: resources.filters(definition.name).map(({ name }) => name),
        };
        return [definition.name, overview] as const;
      }),
  );
  return { tables: Object.fromEntries(tables), resources: Object.fromEntries(published) };
}
