import type { Dataverse } from '../call.js';
import type { Navigation } from '../navigation.js';
import type { StoredRow } from '../records.js';
import { childRows, rowById } from './row-source.js';

/** The rows behind a collection-valued navigation property of the row with this id, in primary key order. */
export function relatedRows(
  dataverse: Dataverse,
  navigation: Exclude<Navigation, { kind: 'single' }>,
  id: string,
): StoredRow[] {
  const table = dataverse.schema.table(navigation.table);
  if (!table) return [];
  if (navigation.kind === 'children') return childRows(dataverse, table, navigation.column, id);
  return dataverse.records
    .referencing(navigation.intersect, navigation.own, id)
    .flatMap((link) => rowById(dataverse, table, String(link.values[navigation.other])) ?? [])
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
