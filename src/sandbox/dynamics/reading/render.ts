import type { Call, Dataverse } from '../call.js';
import { isLookup, propertyName, readColumn, type Owner } from '../column-values.js';
import { findNavigation, navigationName, type Navigation } from '../navigation.js';
import type { ExpandItem, ODataQuery } from '../odata/query.js';
import type { StoredRow } from '../records.js';
import type { Column, Table } from '../schema.js';
import { selectedColumns, unknownProperty } from './columns.js';
import { formattedValue } from './formatted-values.js';
import { lookedUpRow, lookupTarget } from './lookups.js';
import { relatedRows } from './related-rows.js';
import { selectRows } from './select-rows.js';

const FORMATTED = 'OData.Community.Display.V1.FormattedValue';
const LOOKUP_TABLE = 'Microsoft.Dynamics.CRM.lookuplogicalname';
const LOOKUP_NAVIGATION = 'Microsoft.Dynamics.CRM.associatednavigationproperty';

/** Turns rows of one table into JSON as one request asked for them. */
export type RenderRow = (row: StoredRow) => Record<string, unknown>;

/**
 * Prepares a request's `$select`, `$expand` and annotations for a table; throws a 400 for unknown properties.
 *
 * Rows carry `@odata.etag` always and nulls as `null` (dataverse.md §2).
 */
export function rendererOf(
  dataverse: Dataverse,
  call: Pick<Call, 'preferences' | 'base'>,
  table: Table,
  query: ODataQuery,
): RenderRow {
  const owner = dataverse.records.caller();
  const columns = selectedColumns(table, query.select).map((column) => ({
    column,
    property: propertyName(column),
  }));
  const expansions = query.expand.map((item) => expansionOf(dataverse, call, table, item));
  const annotate = annotatorOf(dataverse, call, table, owner);
  return (row) => {
    const json: Record<string, unknown> = { '@odata.etag': etagOf(row) };
    for (const { column, property } of columns) {
      const value = readColumn(table, row, column, owner);
      json[property] = value;
      annotate?.(json, property, row, column, value);
    }
    for (const expand of expansions) expand(json, row);
    return json;
  };
}

/** Weak, and opaque to clients. */
export const etagOf = (row: StoredRow): string => `W/"${row.version}"`;

type Annotate = (
  json: Record<string, unknown>,
  property: string,
  row: StoredRow,
  column: Column,
  value: unknown,
) => void;

function annotatorOf(
  dataverse: Dataverse,
  { preferences }: Pick<Call, 'preferences'>,
  table: Table,
  owner: Owner,
): Annotate | undefined {
  const formatted = preferences.annotates(FORMATTED);
  const target = preferences.annotates(LOOKUP_TABLE);
  const navigation = preferences.annotates(LOOKUP_NAVIGATION);
  if (!formatted && !target && !navigation) return undefined;
  return (json, property, row, column, value) => {
    if (value === null) return;
    if (formatted) {
      const text = formattedValue(dataverse, table, row, column, value);
      if (text !== undefined) json[`${property}@${FORMATTED}`] = text;
    }
    if (!isLookup(column)) return;
    const found =
      lookupTarget(dataverse, row, column, String(value)) ?? (value === owner.userId ? 'systemuser' : '');
    if (navigation)
      json[`${property}@${LOOKUP_NAVIGATION}`] = navigationName(dataverse.schema, table, column, found);
    if (target) json[`${property}@${LOOKUP_TABLE}`] = found;
  };
}

type Expand = (json: Record<string, unknown>, row: StoredRow) => void;

function expansionOf(
  dataverse: Dataverse,
  call: Pick<Call, 'preferences' | 'base'>,
  table: Table,
  item: ExpandItem,
): Expand {
  const navigation = findNavigation(dataverse.schema, table, item.property);
  if (!navigation) throw unknownProperty(table, item.property);
  return navigation.kind === 'single'
    ? expandSingle(dataverse, call, table, item, navigation)
    : expandCollection(dataverse, call, item, navigation);
}

function expandSingle(
  dataverse: Dataverse,
  call: Pick<Call, 'preferences' | 'base'>,
  table: Table,
  item: ExpandItem,
  { column, targets }: Extract<Navigation, { kind: 'single' }>,
): Expand {
  const renderers = new Map<string, RenderRow>();
  // Prepared at once, so that a wrong property is refused even where no row has the link.
  for (const target of targets) {
    const targetTable = dataverse.schema.table(target);
    if (targetTable && targets.length === 1)
      renderers.set(target, rendererOf(dataverse, call, targetTable, item.query));
  }
  return (json, row) => {
    const found = lookedUpRow(dataverse, table, row, column);
    if (!found || !targets.includes(found.table.logicalName)) {
      json[item.property] = null;
      return;
    }
    if (item.reference) {
      json[item.property] = { '@odata.id': `${call.base}${found.table.entitySetName}(${found.row.id})` };
      return;
    }
    let render = renderers.get(found.table.logicalName);
    if (!render) {
      render = rendererOf(dataverse, call, found.table, item.query);
      renderers.set(found.table.logicalName, render);
    }
    json[item.property] = render(found.row);
  };
}

function expandCollection(
  dataverse: Dataverse,
  call: Pick<Call, 'preferences' | 'base'>,
  item: ExpandItem,
  navigation: Exclude<Navigation, { kind: 'single' }>,
): Expand {
  const target = dataverse.schema.table(navigation.table);
  const render = target && rendererOf(dataverse, call, target, item.query);
  return (json, row) => {
    if (!target || !render) {
      json[item.property] = [];
      return;
    }
    const rows = selectRows(dataverse, target, relatedRows(dataverse, navigation, row.id), item.query);
    const shown = rows.slice(
      0,
      Math.min(item.query.top ?? Infinity, dataverse.context.limits().dynamics.maxPageSize),
    );
    json[item.property] = item.reference
      ? shown.map(({ id }) => ({ '@odata.id': `${call.base}${target.entitySetName}(${id})` }))
      : shown.map(render);
  };
}
