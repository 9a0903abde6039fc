import type { FilterDefinition } from './definitions.js';
import { isReachable, isV8, isVisible, type EngineCall } from './engine.js';
import { engineError, unknownField } from './engine-errors.js';
import { compare, fieldValue, select, type Selection } from './filters.js';
import type { CampaignRecord } from './record-table.js';
import { recordHref, renderField, renderRecord } from './render.js';

/** A collection as asked for: the path's filters, a projection to one field, the owner of a sub-collection. */
export interface ListRequest {
  filters: FilterDefinition[];
  /** The field of `/profile/email`. */
  projection?: string;
  /** Ids of a sub-collection's records. */
  within?: readonly number[];
  /** The collection's own address, without a query. */
  address: string;
}

/** Where a page begins, as `_lineStart` carries it: behind an id, or at a position of a sorted list. */
interface LineStart {
  after?: number;
  at?: number;
}

/** GET of a collection: `{ content, count, next?, serverSidePagination }` (campaign.md §2, §3). */
export function listRecords(call: EngineCall, request: ListRequest): Record<string, unknown> {
  const lineCount = requestedLines(call);
  const { page, next } = readPage(call, request, lineCount);
  const content = page.map((record) =>
    request.projection === undefined
      ? renderRecord(call, record, 'list')
      : renderProjection(call, record, request.projection),
  );
  const answer: Record<string, unknown> = { content };
  const wrapped = request.projection === undefined || isV8(call);
  if (wrapped) answer['count'] = { href: withQuery(`${request.address}/_count`, filterQuery(call)) };
  if (next && hasNext(call)) answer['next'] = { href: nextHref(call, request, next, lineCount) };
  if (wrapped) answer['serverSidePagination'] = true;
  return answer;
}

/** GET of `count.href`. */
export function countRecords(call: EngineCall, request: ListRequest): { count: number } {
  let count = 0;
  for (const _ of matching(call, request, 0)) count += 1;
  return { count };
}

function readPage(
  call: EngineCall,
  request: ListRequest,
  lineCount: number,
): { page: CampaignRecord[]; next?: LineStart } {
  const start = requestedStart(call);
  const order = requestedOrder(call);
  if (!order) {
    const page: CampaignRecord[] = [];
    for (const record of matching(call, request, start.after ?? 0)) {
      if (page.length === lineCount) return { page, next: { after: page.at(-1)?.id ?? 0 } };
      page.push(record);
    }
    return { page };
  }
  const sorted = [...matching(call, request, 0)]
    .map((record) => ({ record, value: fieldValue(call, record, order.field) }))
    .sort(
      (left, right) => order.direction * compare(left.value, right.value) || left.record.id - right.record.id,
    );
  const at = start.at ?? 0;
  const page = sorted.slice(at, at + lineCount).map((each) => each.record);
  return at + lineCount < sorted.length ? { page, next: { at: at + lineCount } } : { page };
}

function* matching(call: EngineCall, request: ListRequest, afterId: number): Iterable<CampaignRecord> {
  const selection: Selection = select(call, request.filters);
  for (const record of candidates(call, request.within ?? selection.ids, afterId)) {
    if (selection.accepts(record) && isReachable(call, call.definition, record)) yield record;
  }
}

function* candidates(
  call: EngineCall,
  ids: readonly number[] | undefined,
  afterId: number,
): Iterable<CampaignRecord> {
  const table = call.resources.table(call.definition.name);
  if (!ids) {
    yield* table.from(afterId);
    return;
  }
  for (const id of ids) {
    const record = id > afterId ? table.get(id) : undefined;
    if (record) yield record;
  }
}

function renderProjection(call: EngineCall, record: CampaignRecord, name: string): unknown {
  if (name === 'PKey') return call.resources.pkeys.mint(call.definition.name, record.id);
  if (name === 'href') return recordHref(call, call.definition, record.id);
  const field = call.definition.fields[name];
  return field && isVisible(call, name, field) ? renderField(call, record, name, field) : '';
}

/** The classic trap: a table above the threshold yields no `next`, unless pagination is forced (campaign.md §3). */
function hasNext(call: EngineCall): boolean {
  if (call.query.get('_forcePagination') === 'true') return true;
  return call.resources.table(call.definition.name).size <= call.context.limits().campaign.bigTableThreshold;
}

function nextHref(call: EngineCall, request: ListRequest, next: LineStart, lineCount: number): string {
  const query = new URLSearchParams(call.query);
  const path =
    request.projection === undefined ? request.address : `${request.address}/${request.projection}`;
  query.set('_lineCount', String(lineCount));
  query.set('_lineStart', `@${Buffer.from(JSON.stringify({ v: 1, ...next })).toString('base64url')}`);
  return withQuery(path, query);
}

/** `_lineStart`, `_lineCount` and `_order` say nothing about how many records there are. */
function filterQuery(call: EngineCall): URLSearchParams {
  const query = new URLSearchParams(call.query);
  for (const name of ['_lineStart', '_lineCount', '_order']) query.delete(name);
  return query;
}

function withQuery(address: string, query: URLSearchParams): string {
  const text = query.toString();
  return text === '' ? address : `${address}?${text}`;
}

function requestedLines(call: EngineCall): number {
  const { defaultLineCount, maxLineCount } = call.context.limits().campaign;
  const asked = Number(call.query.get('_lineCount') ?? defaultLineCount);
  return Number.isInteger(asked) && asked > 0 ? Math.min(asked, maxLineCount) : defaultLineCount;
}

function requestedStart(call: EngineCall): LineStart {
  const token = call.query.get('_lineStart');
  if (token === null) return {};
  try {
    const start: unknown = JSON.parse(Buffer.from(token.replace(/^@/, ''), 'base64url').toString('utf8'));
    if (typeof start === 'object' && start !== null && 'v' in start) return start as LineStart;
  } catch {
    // Falls through to the refusal: a computed token is never made by hand.
  }
  throw engineError(`XTK-170036 Unable to parse expression '${token}'.`);
}

function requestedOrder(call: EngineCall): { field: string; direction: 1 | -1 } | undefined {
  const asked = call.query.get('_order');
  if (asked === null || asked.trim() === '') return undefined;
  const [name = '', direction = 'asc'] = asked.trim().split(/\s+/);
  const field = call.definition.fields[name.split('.')[0] ?? ''];
  if (!field || ['link', 'collection'].includes(field.type)) throw unknownField(name, call.definition.name);
  return { field: name, direction: direction.toLowerCase() === 'desc' ? -1 : 1 };
}
