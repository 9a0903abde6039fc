import { retrieveAuditDetails } from './audit.js';
import { jsonBody, type Answer, type Call, type Dataverse } from './call.js';
import { isBulkAction, runBulkAction } from './batch/bulk-actions.js';
import { unknownSegment } from './errors.js';
import { operations } from './functions.js';
import { findNavigation, type Navigation } from './navigation.js';
import { parseResourcePath, type Segment } from './odata/resource-path.js';
import { retrieveUserPrivileges } from './privileges.js';
import { pageOf, readCollection, readCount } from './reading/collection.js';
import { columnOf } from './reading/columns.js';
import { lookedUpRow } from './reading/lookups.js';
import { relatedRows } from './reading/related-rows.js';
import { readProperty, readSingle } from './reading/single.js';
import { countDelta } from './reading/tracked.js';
import type { StoredRow } from './records.js';
import { findRow, requireRow, resolveContentId, rowAddress } from './row-address.js';
import type { Table } from './schema.js';
import { methodNotAllowed, readReferences, writeReference } from './writing/references.js';
import { hangNew } from './writing/store-row.js';
import { create, created, patch, remove, writeProperty } from './writing/writes.js';

const NAMESPACE = 'Microsoft.Dynamics.CRM.';

/** Whether the record protocol answers a path; the metadata protocol answers the others. */
export function isRecordPath({ schema }: Dataverse, path: string): boolean {
  const name = /^\/*([^/(?]*)/.exec(path)?.[1] ?? '';
  const bare = name.replace(NAMESPACE, '');
  return name === '' || schema.tableByEntitySet(name) !== undefined || OPERATION_NAMES.has(bare);
}

const OPERATION_NAMES = new Set(Object.keys(operations).map((operation) => operation.split(' ')[1]));

/**
 * Answers one call of the record protocol (dataverse.md §2 to §5). Throws a `DataverseError` for what the real
 * service refuses; whatever a failed call has begun to write is undone.
 */
export function answerCall(dataverse: Dataverse, given: Call): Answer {
  const call = { ...given, path: resolveContentId(given.path, given.references) };
  const segments = parseResourcePath(call.path);
  const [first, ...rest] = segments;
  if (!first) return requireGet(call, () => serviceDocument(dataverse, call));
  const operation =
    rest.length === 0 ? operations[`${call.method} ${first.name.replace(NAMESPACE, '')}`] : undefined;
  if (operation) return operation(dataverse, call, first.inside ?? '');
  if (first.name === '$batch' || OPERATION_NAMES.has(first.name)) throw methodNotAllowed(call);
  const table = dataverse.schema.tableByEntitySet(first.name);
  if (!table) throw unknownSegment(first.name);
  return first.inside === undefined
    ? onCollection(dataverse, call, table, rest)
    : onRow(dataverse, call, table, first.inside, rest);
}

function serviceDocument({ schema }: Dataverse, call: Call): Answer {
  const sets = schema
    .tables()
    .map(({ entitySetName }) => entitySetName)
    .sort();
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata`,
      value: sets.map((name) => ({ name, kind: 'EntitySet', url: name })),
    },
  };
}

function onCollection(dataverse: Dataverse, call: Call, table: Table, rest: Segment[]): Answer {
  const [next, ...beyond] = rest;
  if (!next) {
    if (call.method === 'GET') return readCollection(dataverse, call, table);
    if (call.method === 'POST') return create(dataverse, call, table);
    throw methodNotAllowed(call);
  }
  if (beyond.length > 0) throw unknownSegment(next.name);
  if (next.name === '$count') {
    return requireGet(call, () =>
      call.query.deltaToken === undefined
        ? readCount(dataverse, call, table)
        : countDelta(dataverse, call, table),
    );
  }
  const action = next.name.replace(NAMESPACE, '');
  if (!isBulkAction(action)) throw unknownSegment(next.name);
  if (call.method !== 'POST') throw methodNotAllowed(call);
  return runBulkAction(dataverse, call, table, action);
}

function onRow(dataverse: Dataverse, call: Call, table: Table, inside: string, rest: Segment[]): Answer {
  const address = rowAddress(table, inside);
  if (rest.length > 0) return behindRow(dataverse, call, table, requireRow(dataverse, address), rest);
  switch (call.method) {
    case 'GET':
      return readSingle(dataverse, call, table, requireRow(dataverse, address));
    case 'PATCH':
      return patch(dataverse, call, address);
    case 'DELETE':
      return remove(dataverse, call, address);
    default:
      throw methodNotAllowed(call);
  }
}

/** What follows a row in a path: a column, or a navigation property and what follows that. */
function behindRow(dataverse: Dataverse, call: Call, table: Table, row: StoredRow, rest: Segment[]): Answer {
  const [segment, ...beyond] = rest;
  if (!segment) throw unknownSegment('');
  if (table.logicalName === 'audit' && segment.name.replace(NAMESPACE, '') === 'RetrieveAuditDetails') {
    return requireGet(call, () => retrieveAuditDetails(dataverse, call, row));
  }
  if (
    table.logicalName === 'systemuser' &&
    segment.name.replace(NAMESPACE, '') === 'RetrieveUserPrivileges'
  ) {
    return requireGet(call, () => retrieveUserPrivileges(dataverse, call, row));
  }
  const column = columnOf(table, segment.name);
  if (column) {
    const raw = beyond[0]?.name === '$value';
    if (beyond.length > (raw ? 1 : 0)) throw unknownSegment(beyond[0]?.name ?? '');
    if (call.method === 'GET') return readProperty(dataverse, call, table, row, column, segment.name, raw);
    if (call.method === 'PUT' || call.method === 'DELETE')
      return writeProperty(dataverse, call, table, row, column);
    throw methodNotAllowed(call);
  }
  const navigation = findNavigation(dataverse.schema, table, segment.name);
  if (!navigation) throw unknownSegment(segment.name);
  if (beyond[0]?.name === '$ref' && beyond.length === 1) {
    if (call.method === 'GET') return readReferences(dataverse, call, table, row, navigation);
    return writeReference(dataverse, call, table, row, navigation, itemIdOf(dataverse, navigation, segment));
  }
  return navigation.kind === 'single'
    ? alongLookup(dataverse, call, table, row, navigation, beyond)
    : amongRelated(dataverse, call, table, row, navigation, segment, beyond);
}

function itemIdOf(dataverse: Dataverse, navigation: Navigation, { inside }: Segment): string | undefined {
  const table = navigation.kind === 'single' ? undefined : dataverse.schema.table(navigation.table);
  if (!table || inside === undefined) return undefined;
  return requireRow(dataverse, rowAddress(table, inside)).id;
}

function alongLookup(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  { column, targets }: Extract<Navigation, { kind: 'single' }>,
  beyond: Segment[],
): Answer {
  const found = lookedUpRow(dataverse, table, row, column);
  if (!found || !targets.includes(found.table.logicalName)) return { status: 204 };
  if (beyond.length > 0) return behindRow(dataverse, call, found.table, found.row, beyond);
  return requireGet(call, () => readSingle(dataverse, call, found.table, found.row));
}

function amongRelated(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  navigation: Exclude<Navigation, { kind: 'single' }>,
  { name, inside }: Segment,
  beyond: Segment[],
): Answer {
  const target = dataverse.schema.table(navigation.table);
  if (!target) throw unknownSegment(name);
  const related = () => relatedRows(dataverse, navigation, row.id);
  if (inside !== undefined) {
    const item = findRow(dataverse, rowAddress(target, inside));
    if (!item || !related().some(({ id }) => id === item.id)) throw unknownSegment(name);
    if (beyond.length > 0) return behindRow(dataverse, call, target, item, beyond);
    return requireGet(call, () => readSingle(dataverse, call, target, item));
  }
  if (beyond[0]?.name === '$count')
    return requireGet(call, () => readCount(dataverse, call, target, related()));
  if (beyond.length > 0) throw unknownSegment(beyond[0]?.name ?? '');
  if (call.method === 'GET') return pageOf(dataverse, call, target, related());
  if (call.method !== 'POST') throw methodNotAllowed(call);
  const child = dataverse.records.transaction(() =>
    hangNew(dataverse, call, table, row.id, navigation, target, jsonBody(call)),
  );
  return created(dataverse, call, target, child);
}

function requireGet(call: Call, answer: () => Answer): Answer {
  if (call.method !== 'GET') throw methodNotAllowed(call);
  return answer();
}
