import type { Answer, Call, Dataverse } from '../call.js';
import { badRequest } from '../errors.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';
import { contextUrl, continuation } from './links.js';
import { readCookie, writeCookie, type PagePosition } from './paging-cookie.js';
import { appliedPreferences } from './preferences-applied.js';
import { rendererOf } from './render.js';
import { rowCount, rowsInOrder } from './row-source.js';
import { orderOf, rowFilter, selectRows, type Place } from './select-rows.js';
import { readDelta, readTracked } from './tracked.js';

/** `$count` and the annotations about it stop here (dataverse.md §2). */
const COUNT_LIMIT = 5000;

/** `GET contacts`: a page of the rows that the query asks for, or a tracked read. */
export function readCollection(dataverse: Dataverse, call: Call, table: Table): Answer {
  const { query, preferences } = call;
  if (query.options.has('$apply')) {
    throw badRequest('The query parameter $apply is not supported.');
  }
  for (const name of ['fetchxml', 'savedquery', 'userquery']) {
    if (query.options.has(name))
      throw badRequest(`The query parameter ${name} is not supported by this organization.`);
  }
  if (query.deltaToken !== undefined) return readDelta(dataverse, call, table);
  const position = query.skipToken === undefined ? undefined : readCookie(query.skipToken);
  if (position?.tracking?.kind === 'delta') return readDelta(dataverse, call, table, position);
  if (position?.tracking || preferences.trackChanges) return readTracked(dataverse, call, table, position);
  return pageOf(dataverse, call, table, undefined, position);
}

/** A page of the rows behind a collection-valued navigation property, or of the whole table. */
export function pageOf(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  related: StoredRow[] | undefined,
  position = call.query.skipToken === undefined ? undefined : readCookie(call.query.skipToken),
): Answer {
  const { query, preferences } = call;
  const limits = dataverse.context.limits().dynamics;
  const pageSize = Math.min(preferences.maxPageSize ?? limits.maxPageSize, limits.maxPageSize);
  // `$top` is ignored where a page size is asked for (dataverse.md §2).
  const top = preferences.maxPageSize === undefined ? query.top : undefined;
  const wanted = Math.min(pageSize, top ?? Infinity);
  const render = rendererOf(dataverse, call, table, query);
  const source =
    related ?? rowsInOrder(dataverse, table, query.orderBy.length === 0 ? position?.last.id : undefined);
  const { page, more } =
    query.orderBy.length === 0
      ? unorderedPage(dataverse, call, table, source, wanted, related ? position?.last.id : undefined)
      : orderedPage(dataverse, call, table, source, wanted, position?.last);
  const body: Record<string, unknown> = { '@odata.context': contextUrl(call, table, query) };
  Object.assign(body, countAnnotations(dataverse, call, table, related));
  body['value'] = page.map(render);
  if (more && top === undefined) body['@odata.nextLink'] = nextLink(dataverse, call, table, page, position);
  return { status: 200, headers: appliedPreferences(call), body };
}

interface Page {
  page: StoredRow[];
  more: boolean;
}

function unorderedPage(
  dataverse: Dataverse,
  { query }: Call,
  table: Table,
  rows: Iterable<StoredRow>,
  wanted: number,
  afterId: string | undefined,
): Page {
  const meets = rowFilter(dataverse, table, query);
  const page: StoredRow[] = [];
  for (const row of rows) {
    if (afterId !== undefined && row.id <= afterId) continue;
    if (!meets(row)) continue;
    if (page.length >= wanted) return { page, more: true };
    page.push(row);
  }
  return { page, more: false };
}

function orderedPage(
  dataverse: Dataverse,
  { query }: Call,
  table: Table,
  rows: Iterable<StoredRow>,
  wanted: number,
  after: Place | undefined,
): Page {
  const chosen = selectRows(dataverse, table, rows, query, after);
  return { page: chosen.slice(0, wanted), more: chosen.length > wanted };
}

function nextLink(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  page: StoredRow[],
  before: PagePosition | undefined,
): string {
  const last = page.at(-1) as StoredRow;
  const { placeOf } = orderOf(dataverse, table, call.query.orderBy);
  const cookie = writeCookie(table.primaryId, {
    pageNumber: (before?.pageNumber ?? 1) + 1,
    last: placeOf(last),
    firstId: page[0]?.id ?? last.id,
  });
  return continuation(call, ['$skiptoken'], '$skiptoken', cookie);
}

function countAnnotations(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  related: StoredRow[] | undefined,
): Record<string, unknown> {
  const { query, preferences } = call;
  const total = query.count ? countRows(dataverse, call, table, related) : -1;
  const annotations: Record<string, unknown> = {};
  if (query.count) annotations['@odata.count'] = Math.min(total, COUNT_LIMIT);
  if (preferences.annotates('Microsoft.Dynamics.CRM.totalrecordcount')) {
    annotations['@Microsoft.Dynamics.CRM.totalrecordcount'] = Math.min(total, COUNT_LIMIT);
  }
  if (preferences.annotates('Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded')) {
    annotations['@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded'] = total > COUNT_LIMIT;
  }
  return annotations;
}

function countRows(
  dataverse: Dataverse,
  { query }: Call,
  table: Table,
  related: StoredRow[] | undefined,
): number {
  if (!query.filter && !related) return rowCount(dataverse, table);
  const meets = rowFilter(dataverse, table, query);
  let total = 0;
  for (const row of related ?? rowsInOrder(dataverse, table)) if (meets(row)) total++;
  return total;
}

/** `GET contacts/$count`, as plain text (dataverse.md §2); stops at 5,000 like `$count`. */
export function readCount(dataverse: Dataverse, call: Call, table: Table, related?: StoredRow[]): Answer {
  const total = countRows(dataverse, call, table, related);
  return { status: 200, body: String(Math.min(total, COUNT_LIMIT)) };
}
