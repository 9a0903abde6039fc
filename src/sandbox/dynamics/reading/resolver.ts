import type { Dataverse } from '../call.js';
import { isLookup, readColumn } from '../column-values.js';
import { badRequest } from '../errors.js';
import { findNavigation } from '../navigation.js';
import type { Resolve } from '../odata/evaluate.js';
import type { StoredRow } from '../records.js';
import type { Column, Table } from '../schema.js';
import { columnOf, unknownProperty } from './columns.js';
import { lookedUpRow } from './lookups.js';
import { relatedRows } from './related-rows.js';

/** Finds values of rows by the paths of a filter or an order: columns, and columns behind navigation properties. */
export interface Resolver {
  of(row: StoredRow): Resolve;
  /** The column a path ends at; throws a 400 when there is none. */
  column(path: string[]): Column;
  /** For the items of `any` and `all`. */
  behind(path: string[]): Resolver;
}

type Accessor = (row: StoredRow) => unknown;

export function createResolver(dataverse: Dataverse, table: Table): Resolver {
  // Keyed by the path itself: a parsed filter keeps the same array for every row.
  const accessors = new WeakMap<string[], Accessor>();
  const owner = dataverse.records.caller();

  function accessorOf(path: string[]): Accessor {
    let accessor = accessors.get(path);
    if (!accessor) accessors.set(path, (accessor = makeAccessor(path)));
    return accessor;
  }

  function makeAccessor(path: string[]): Accessor {
    const [first = '', ...rest] = path;
    const column = rest.length === 0 ? columnOf(table, first) : undefined;
    if (column) return (row) => readColumn(table, row, column, owner);
    const navigation = findNavigation(dataverse.schema, table, first);
    if (!navigation) throw unknownProperty(table, first);
    if (navigation.kind === 'single') {
      const link = navigation.column;
      const resolvers = new Map<string, Resolver>();
      return (row) => {
        const found = lookedUpRow(dataverse, table, row, link);
        if (!found || !navigation.targets.includes(found.table.logicalName)) return null;
        if (rest.length === 0) return found.row.id;
        let resolver = resolvers.get(found.table.logicalName);
        if (!resolver) {
          resolver = createResolver(dataverse, found.table);
          resolvers.set(found.table.logicalName, resolver);
        }
        return resolver.of(found.row)(rest);
      };
    }
    const target = dataverse.schema.table(navigation.table);
    if (!target || rest.length > 0) throw unknownProperty(table, path.join('/'));
    const resolver = createResolver(dataverse, target);
    return (row) => relatedRows(dataverse, navigation, row.id).map((related) => resolver.of(related));
  }

  function columnAt(path: string[]): Column {
    const [first = '', ...rest] = path;
    if (rest.length === 0) {
      const column = columnOf(table, first);
      if (column) return column;
      const navigation = findNavigation(dataverse.schema, table, first);
      if (navigation?.kind === 'single' && isLookup(navigation.column)) return navigation.column;
      throw unknownProperty(table, first);
    }
    const navigation = findNavigation(dataverse.schema, table, first);
    if (navigation?.kind !== 'single') throw unknownProperty(table, first);
    const target = dataverse.schema.table(navigation.targets[0] ?? '');
    if (!target) throw unknownProperty(table, first);
    return createResolver(dataverse, target).column(rest);
  }

  function behind(path: string[]): Resolver {
    const navigation = path.length === 1 ? findNavigation(dataverse.schema, table, path[0] ?? '') : undefined;
    if (!navigation) throw unknownProperty(table, path.join('/'));
    const target = navigation.kind === 'single' ? undefined : dataverse.schema.table(navigation.table);
    if (!target)
      throw badRequest(`'${path.join('/')}' is no collection: any and all cannot be applied to it.`);
    return createResolver(dataverse, target);
  }

  return { of: (row) => (path) => accessorOf(path)(row), column: columnAt, behind };
}
