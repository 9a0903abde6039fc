import { audit, retrieveAttributeChangeHistory } from './audit.js';
import { bulkDelete } from './batch/bulk-delete.js';
import { jsonBody, type Answer, type Call, type Dataverse } from './call.js';
import { badRequest, rowNotFound } from './errors.js';
import { acceptGuid } from './writing/column-input.js';
import { createCursor } from './odata/cursor.js';
import { updateRow } from './writing/store-row.js';

/** How many requests the environment suggests to send at a time (dataverse.md §1, "WhoAmI"). */
const PARALLELISM_HINT = '4';
const PLATFORM_VERSION = '9.2.24114.00185';

type Operation = (dataverse: Dataverse, call: Call, parameters: string) => Answer;

/** Functions and actions at the service root, by method and name. */
export const operations: Record<string, Operation> = {
  'GET WhoAmI': whoAmI,
  'GET RetrieveTotalRecordCount': retrieveTotalRecordCount,
  'GET RetrieveVersion': (_dataverse, call) => ({
    status: 200,
    body: { '@odata.context': responseContext(call, 'RetrieveVersion'), Version: PLATFORM_VERSION },
  }),
  'GET RetrieveAttributeChangeHistory': retrieveAttributeChangeHistory,
  'POST Merge': merge,
  'POST BulkDelete': bulkDelete,
};

const responseContext = (call: Call, name: string): string =>
  `${call.base}$metadata#Microsoft.Dynamics.CRM.${name}Response`;

function whoAmI({ records }: Dataverse, call: Call): Answer {
  const { businessUnitId, userId, organizationId } = records.caller();
  return {
    status: 200,
    headers: { 'x-ms-dop-hint': PARALLELISM_HINT },
    body: {
      '@odata.context': responseContext(call, 'WhoAmI'),
      BusinessUnitId: businessUnitId,
      UserId: userId,
      OrganizationId: organizationId,
    },
  };
}

/** `RetrieveTotalRecordCount(EntityNames=['contact'])`; the real one is a snapshot up to a day old. */
function retrieveTotalRecordCount({ schema, records }: Dataverse, call: Call, parameters: string): Answer {
  const alias = /^\s*EntityNames\s*=\s*@(\w+)\s*$/.exec(parameters)?.[1];
  const list =
    alias === undefined ? parameters.replace(/^\s*EntityNames\s*=/, '') : (call.query.aliases[alias] ?? '');
  const names = entityNames(list);
  const unknown = names.find((name) => !schema.table(name));
  if (names.length === 0 || unknown !== undefined) {
    throw badRequest(`The entity with a name = '${unknown ?? ''}' was not found in the MetadataCache.`);
  }
  return {
    status: 200,
    body: {
      '@odata.context': responseContext(call, 'RetrieveTotalRecordCount'),
      EntityRecordCountCollection: {
        Count: names.length,
        IsReadOnly: false,
        Keys: names,
        Values: names.map((name) => records.count(name)),
      },
    },
  };
}

function entityNames(list: string): string[] {
  const cursor = createCursor(list);
  const names: string[] = [];
  cursor.expect('[');
  while (!cursor.take(']')) {
    const quoted = cursor.takeMatch(/'([^']*)'|"([^"]*)"/y);
    if (!quoted) throw cursor.fault();
    names.push(quoted[1] ?? quoted[2] ?? '');
    cursor.take(',');
  }
  return names;
}

/**
 * `POST Merge`: the subordinate is deactivated and points to the target; what pointed to it points to the
 * target from now on (dataverse.md §8).
 */
function merge(dataverse: Dataverse, call: Call): Answer {
  const { schema, records } = dataverse;
  const body = jsonBody(call);
  const target = mergedRow(dataverse, body['Target']);
  const subordinate = mergedRow(dataverse, body['Subordinate']);
  const { table } = target;
  if (table !== subordinate.table || !table.columns['masterid'] || target.row.id === subordinate.row.id) {
    throw badRequest('Target and Subordinate must be two different rows of one table that can be merged.');
  }
  records.transaction(() => {
    const content = body['UpdateContent'];
    if (typeof content === 'object' && content !== null) {
      const { '@odata.type': _type, [table.primaryId]: _id, ...values } = content as Record<string, unknown>;
      if (Object.keys(values).length > 0) updateRow(dataverse, call, table, target.row, values);
    }
    for (const { kind, referenced, referencing, referencingAttribute: column } of schema.relationships()) {
      if (
        kind !== 'OneToMany' ||
        referenced !== table.logicalName ||
        column === undefined ||
        column === 'masterid'
      )
        continue;
      for (const row of records.referencing(referencing, column, subordinate.row.id)) {
        records.update(referencing, row.id, { [column]: target.row.id });
      }
    }
    const merged = records.update(table.logicalName, subordinate.row.id, {
      statecode: 1,
      statuscode: 2,
      merged: true,
      masterid: target.row.id,
    });
    audit(dataverse, table, subordinate.row, merged);
  });
  return { status: 204 };
}

function mergedRow({ schema, records }: Dataverse, reference: unknown) {
  const fields =
    typeof reference === 'object' && reference !== null ? (reference as Record<string, unknown>) : {};
  const name =
    String(fields['@odata.type'] ?? '')
      .split('.')
      .pop() ?? '';
  const table =
    schema.table(name) ??
    schema.tables().find(({ primaryId, columns }) => columns['masterid'] && fields[primaryId] !== undefined);
  if (!table || fields[table.primaryId] === undefined) {
    throw badRequest('Target and Subordinate must each name a row by its type and its primary key.');
  }
  const id = acceptGuid(fields[table.primaryId]);
  const row = records.get(table.logicalName, id);
  if (!row) throw rowNotFound(table.logicalName, id);
  return { table, row };
}
