import type { Dataverse } from '../call.js';
import { compareValues } from '../odata/compare.js';
import { evaluate } from '../odata/evaluate.js';
import type { ODataQuery, OrderItem } from '../odata/query.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';
import { checkFilter } from './check-filter.js';
import { createResolver, type Resolver } from './resolver.js';

/** A row's place in an order: the values ordered by, then its id. */
export interface Place {
  values: unknown[];
  id: string;
}

/** Whether a row meets the query's filter. Throws a 400 at once for a filter that does not fit the table. */
export function rowFilter(
  dataverse: Dataverse,
  table: Table,
  { filter }: ODataQuery,
): (row: StoredRow) => boolean {
  if (!filter) return () => true;
  const resolver = createResolver(dataverse, table);
  checkFilter(filter, resolver);
  const environment = { nowMs: dataverse.context.clock.nowMs(), ...dataverse.records.caller() };
  return (row) => evaluate(filter, resolver.of(row), environment);
}

/** The rows that meet the filter, in the order asked for, behind a place if one is given. */
export function selectRows(
  dataverse: Dataverse,
  table: Table,
  rows: Iterable<StoredRow>,
  query: ODataQuery,
  after?: Place,
): StoredRow[] {
  const meets = rowFilter(dataverse, table, query);
  const chosen: StoredRow[] = [];
  for (const row of rows) if (meets(row)) chosen.push(row);
  if (query.orderBy.length === 0) return chosen;
  const { placeOf, compare } = orderOf(dataverse, table, query.orderBy);
  const placed = chosen
    .map((row) => ({ row, place: placeOf(row) }))
    .sort((a, b) => compare(a.place, b.place));
  return (after ? placed.filter(({ place }) => compare(place, after) > 0) : placed).map(({ row }) => row);
}

/** How rows are ordered. Empty values come first, as in SQL Server; the primary key decides between equals. */
export function orderOf(dataverse: Dataverse, table: Table, orderBy: OrderItem[]) {
  const resolver: Resolver = createResolver(dataverse, table);
  for (const { path } of orderBy) resolver.column(path);

  function placeOf(row: StoredRow): Place {
    const resolve = resolver.of(row);
    return { values: orderBy.map(({ path }) => resolve(path) ?? null), id: row.id };
  }

  function compare(a: Place, b: Place): number {
    for (const [index, { descending }] of orderBy.entries()) {
      const order = compareNullable(a.values[index], b.values[index]);
      if (order !== 0) return descending ? -order : order;
    }
    return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
  }

  return { placeOf, compare };
}

function compareNullable(a: unknown, b: unknown): number {
  const [aEmpty, bEmpty] = [a === null || a === undefined, b === null || b === undefined];
  if (aEmpty || bEmpty) return Number(bEmpty) - Number(aEmpty);
  return compareValues(a, b);
}
