import type { Answer, Call, Dataverse } from '../call.js';
import { badRequest, dataverseError, expiredDeltaError } from '../errors.js';
import { readPrivilege } from '../privileges.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';
import type { TrackedChange } from '../table-rows.js';
import { readDeltaToken, writeDeltaToken, type DeltaToken } from './delta-token.js';
import { contextUrl, continuation } from './links.js';
import { writeCookie, type PagePosition, type TrackingPosition } from './paging-cookie.js';
import { appliedPreferences } from './preferences-applied.js';
import { rendererOf } from './render.js';
import { rowsInOrder } from './row-source.js';

const DAY_MS = 86_400_000;

/**
 * A page of a first tracked read: all rows in primary key order, live, the delta link on the last page only
 * (dataverse.md §3, "Initial read").
 */
export function readTracked(dataverse: Dataverse, call: Call, table: Table, position?: PagePosition): Answer {
  requireTrackable(dataverse, call, table);
  const pageSize = pageSizeOf(dataverse, call);
  const render = rendererOf(dataverse, call, table, call.query);
  const started: DeltaToken = position?.tracking ?? now(dataverse);
  const page: StoredRow[] = [];
  let more = false;
  for (const row of rowsInOrder(dataverse, table, position?.last.id)) {
    more = page.length >= pageSize;
    if (more) break;
    page.push(row);
  }
  const body: Record<string, unknown> = { '@odata.context': contextUrl(call, table, call.query) };
  if (more) {
    const last = page.at(-1) as StoredRow;
    const cookie = writeCookie(table.primaryId, {
      pageNumber: (position?.pageNumber ?? 1) + 1,
      last: { values: [], id: last.id },
      firstId: page[0]?.id ?? last.id,
      tracking: { kind: 'initial', version: started.version, atMs: started.atMs },
    });
    body['@odata.nextLink'] = continuation(call, TOKENS, '$skiptoken', cookie);
  } else {
    const fromFirst = dataverse.context.limits().dynamics.deltaTokenFrom === 'first-page';
    const token = writeDeltaToken(fromFirst ? started : now(dataverse));
    body['@odata.deltaLink'] = continuation(call, TOKENS, '$deltatoken', token);
  }
  body['value'] = page.map(render);
  return { status: 200, headers: appliedPreferences(call, true), body };
}

/** A page of what changed behind a token: changed rows by row version, then deletions (dataverse.md §3, "Delta read"). */
export function readDelta(dataverse: Dataverse, call: Call, table: Table, position?: PagePosition): Answer {
  requireTrackable(dataverse, call, table);
  const from = position?.tracking ?? readDeltaToken(call.query.deltaToken ?? '');
  if (!position) requireFresh(dataverse, table, from);
  const start: TrackingPosition = position?.tracking ?? { kind: 'delta', ...from, from: from.version };
  const { changes, upTo, next } = takeChanges(dataverse, table, start, pageSizeOf(dataverse, call));
  const render = rendererOf(dataverse, call, table, call.query);
  const body: Record<string, unknown> = { '@odata.context': contextUrl(call, table, call.query, '/$delta') };
  if (next) {
    const cookie = writeCookie(table.primaryId, {
      pageNumber: (position?.pageNumber ?? 1) + 1,
      last: { values: [], id: idOf(changes.at(-1)) },
      firstId: idOf(changes[0]),
      tracking: next,
    });
    body['@odata.nextLink'] = continuation(call, TOKENS, '$skiptoken', cookie);
  } else {
    const token = writeDeltaToken({ version: upTo, atMs: dataverse.context.clock.nowMs() });
    body['@odata.deltaLink'] = continuation(call, TOKENS, '$deltatoken', token);
  }
  body['value'] = changes.map((change) =>
    change.kind === 'changed'
      ? render(change.row)
      : {
          '@odata.context': `${call.base}$metadata#${table.entitySetName}/$deletedEntity`,
          id: change.id,
          reason: 'deleted',
        },
  );
  return { status: 200, headers: appliedPreferences(call, call.preferences.trackChanges), body };
}

/** `GET contacts/$count?$deltatoken=…`: how many changes a delta would bring. */
export function countDelta(dataverse: Dataverse, call: Call, table: Table): Answer {
  requireTrackable(dataverse, call, table);
  const from = readDeltaToken(call.query.deltaToken ?? '');
  requireFresh(dataverse, table, from);
  let changes = 0;
  for (const _change of dataverse.records.changesSince(table.logicalName, from.version)) changes++;
  return { status: 200, body: String(changes) };
}

const TOKENS = ['$skiptoken', '$deltatoken'];

const idOf = (change: TrackedChange | undefined): string =>
  change === undefined ? '' : change.kind === 'changed' ? change.row.id : change.id;

function pageSizeOf({ context }: Dataverse, { preferences }: Call): number {
  const { maxPageSize } = context.limits().dynamics;
  return Math.min(preferences.maxPageSize ?? maxPageSize, maxPageSize);
}

const now = ({ context, records }: Dataverse): DeltaToken => ({
  version: records.version(),
  atMs: context.clock.nowMs(),
});

/**
 * One page of changes and, when more remain, where the next begins. Deletions come behind the last change,
 * and none of them is newer than what the changes were read up to: what came later is left to the next delta.
 */
function takeChanges(
  { records }: Dataverse,
  table: Table,
  start: TrackingPosition,
  pageSize: number,
): { changes: TrackedChange[]; upTo: number; next?: TrackingPosition } {
  const changes: TrackedChange[] = [];
  let { phase, version } = start;
  if (phase !== 'deleted') {
    for (const change of records.changesSince(table.logicalName, version)) {
      if (change.kind === 'deleted') continue;
      if (changes.length >= pageSize)
        return { changes, upTo: version, next: { ...start, phase: 'changed', version } };
      changes.push(change);
      version = change.version;
    }
    phase = 'deleted';
    version = start.from ?? start.version;
  }
  const upTo = start.upTo ?? records.version();
  for (const change of records.changesSince(table.logicalName, version)) {
    if (change.version > upTo) break;
    if (change.kind === 'changed') continue;
    if (changes.length >= pageSize) return { changes, upTo, next: { ...start, phase, version, upTo } };
    changes.push(change);
    version = change.version;
  }
  return { changes, upTo };
}

function requireTrackable({ context, schema }: Dataverse, { query }: Call, table: Table): void {
  for (const [option, present] of [
    ['filter', query.filter !== undefined],
    ['orderby', query.orderBy.length > 0],
    ['expand', query.expand.length > 0],
    ['top', query.top !== undefined],
  ] as const) {
    if (present)
      throw badRequest(`The "${option}" query parameter isn't supported when Change Tracking is enabled.`);
  }
  if (table.isIntersect) {
    throw dataverseError(
      400,
      '0x80072492',
      `Change tracking isn't supported for the intersect entity ${table.logicalName}.`,
    );
  }
  if (schema.table(table.logicalName)?.changeTracking !== true) {
    throw dataverseError(400, '0x80072491', `Entity ${table.logicalName} isn't enabled for change tracking.`);
  }
  if (!context.limits().dynamics.globalReadMissing.includes(table.logicalName)) return;
  throw dataverseError(
    403,
    '0x80040220',
    `Principal user is missing ${readPrivilege(table)} privilege. Required Depth: Global. Change tracking requires organization-level read access to the ${table.logicalName} entity.`,
  );
}

/** A token lives as long as the retention says, and no longer than its table's columns stay as they are. */
function requireFresh({ context, schema }: Dataverse, table: Table, token: DeltaToken): void {
  const { deltaRetentionDays, expireDeltaOnSchemaChange } = context.limits().dynamics;
  const tooOld = token.atMs + deltaRetentionDays * DAY_MS < context.clock.nowMs();
  const outdated = expireDeltaOnSchemaChange && schema.changedAt(table.logicalName) > token.version;
  if (tooOld || outdated) throw expiredDeltaError();
}
