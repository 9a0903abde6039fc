import type { Answer, Call, Dataverse } from './call.js';
import { isLookup, readColumn, targetOf } from './column-values.js';
import { badRequest } from './errors.js';
import { webApiColumns } from './metadata/web-api-columns.js';
import type { StoredRow } from './records.js';
import { requireRow, parseReference } from './row-address.js';
import type { Column, Table } from './schema.js';

/** What happened to a row, as the audit table numbers it. */
const OPERATIONS = { create: 1, update: 2, delete: 3 } as const;

interface AuditedChange {
  logicalName: string;
  oldValue: unknown;
  newValue: unknown;
}

/** Stamps change with every write; an audit is about what somebody wrote. */
const UNAUDITED = new Set(['versionnumber', 'modifiedon', 'modifiedby', 'createdon', 'createdby']);

/**
 * Notes a change made through the API in the audit table, as tables that are audited do while the organisation
 * has auditing on (dataverse.md §8, "When did this flag change?"). Nothing is noted where nothing changed.
 */
export function audit(
  dataverse: Dataverse,
  table: Table,
  before: StoredRow | undefined,
  after: StoredRow | undefined,
): void {
  const { schema, records } = dataverse;
  const row = after ?? before;
  const objects = schema.table('audit')?.columns['objectid']?.targets ?? [];
  if (!row || !objects.includes(table.logicalName) || !isAuditingOn(dataverse)) return;
  const changes = changedColumns(dataverse, table, before, after);
  if (before && after && changes.length === 0) return;
  const operation = OPERATIONS[!before ? 'create' : after ? 'update' : 'delete'];
  records.insert('audit', {
    operation,
    action: operation,
    objecttypecode: table.logicalName,
    objectid: row.id,
    [targetOf('objectid')]: table.logicalName,
    userid: records.caller().userId,
    attributemask: changes.map(({ column }) => column.columnNumber).join(','),
    changedata: JSON.stringify({
      changedAttributes: changes.map(({ column, oldValue, newValue }) => ({
        logicalName: column.logicalName,
        oldValue,
        newValue,
      })),
    }),
  });
}

function isAuditingOn({ records }: Dataverse): boolean {
  const organization = records.rows('organization').next().value;
  return organization?.values['isauditenabled'] === true;
}

function changedColumns(
  dataverse: Dataverse,
  table: Table,
  before: StoredRow | undefined,
  after: StoredRow | undefined,
) {
  const owner = dataverse.records.caller();
  const read = (row: StoredRow | undefined, column: Column) =>
    row ? readColumn(table, row, column, owner) : null;
  return webApiColumns(table)
    .filter(({ logicalName }) => logicalName !== table.primaryId && !UNAUDITED.has(logicalName))
    .map((column) => ({ column, oldValue: read(before, column), newValue: read(after, column) }))
    .filter(({ oldValue, newValue }) => oldValue !== newValue);
}

/** `audits(<id>)/Microsoft.Dynamics.CRM.RetrieveAuditDetails`: old and new values of one audit row. */
export function retrieveAuditDetails(dataverse: Dataverse, call: Call, row: StoredRow): Answer {
  const table = dataverse.schema.table(String(row.values['objecttypecode']));
  if (!table) throw badRequest('The audited table is gone.');
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata#Microsoft.Dynamics.CRM.RetrieveAuditDetailsResponse`,
      AuditDetail: detailOf(table, changesOf(row)),
    },
  };
}

/**
 * `RetrieveAttributeChangeHistory(Target=@t,AttributeLogicalName=@a,PagingInfo=@p)`: a column's values, newest
 * first. As over the real Web API, the audit record is missing: neither time nor user (dataverse.md §8).
 */
export function retrieveAttributeChangeHistory(dataverse: Dataverse, call: Call): Answer {
  const target = aliasObject(call, 't', 'target')['@odata.id'];
  const address = parseReference(dataverse, target, undefined);
  const row = requireRow(dataverse, address);
  const column = (call.query.aliases['a'] ?? '').replaceAll("'", '').trim();
  if (!address.table.columns[column]) {
    throw badRequest(
      `'${address.table.logicalName}' entity doesn't contain attribute with Name = '${column}'.`,
    );
  }
  const details = dataverse.records
    .referencing('audit', 'objectid', row.id)
    .sort((a, b) => b.version - a.version)
    .flatMap((entry) => {
      const changes = changesOf(entry).filter(({ logicalName }) => logicalName === column);
      return changes.length === 0 ? [] : [detailOf(address.table, changes)];
    });
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata#Microsoft.Dynamics.CRM.RetrieveAttributeChangeHistoryResponse`,
      AuditDetailCollection: {
        MoreRecords: false,
        PagingCookie: '',
        TotalRecordCount: details.length,
        AuditDetails: details,
      },
    },
  };
}

function aliasObject(call: Call, ...names: string[]): Record<string, unknown> {
  const text = names.map((name) => call.query.aliases[name]).find((value) => value !== undefined) ?? '';
  try {
    return JSON.parse(text.replaceAll("'", '"')) as Record<string, unknown>;
  } catch {
    throw badRequest("The parameter 'Target' must name a row by its '@odata.id'.");
  }
}

const changesOf = (row: StoredRow): AuditedChange[] =>
  (JSON.parse(String(row.values['changedata'])) as { changedAttributes: AuditedChange[] }).changedAttributes;

function detailOf(table: Table, changes: AuditedChange[]): Record<string, unknown> {
  const values = (side: 'oldValue' | 'newValue') =>
    Object.fromEntries(
      changes
        .filter((change) => change[side] !== null)
        .map((change) => [jsonName(table, change.logicalName), change[side]]),
    );
  const type = `#Microsoft.Dynamics.CRM.${table.logicalName}`;
  return {
    '@odata.type': '#Microsoft.Dynamics.CRM.AttributeAuditDetail',
    InvalidNewValueAttributes: [],
    LocLabelLanguageCode: 0,
    DeletedAttributes: { Count: 0, Keys: [], Values: [] },
    OldValue: { '@odata.type': type, ...values('oldValue') },
    NewValue: { '@odata.type': type, ...values('newValue') },
  };
}

function jsonName(table: Table, logicalName: string): string {
  const column = table.columns[logicalName];
  return column && isLookup(column) ? `_${logicalName}_value` : logicalName;
}
