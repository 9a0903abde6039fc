import { jsonBody, type Answer, type Call, type Dataverse } from '../call.js';
import { targetOf } from '../column-values.js';
import { badRequest, dataverseError } from '../errors.js';
import type { Navigation } from '../navigation.js';
import { lookedUpRow } from '../reading/lookups.js';
import { relatedRows } from '../reading/related-rows.js';
import type { StoredRow } from '../records.js';
import type { Table } from '../schema.js';
import { referencedRow } from './payload.js';
import { hang, unhang } from './store-row.js';

/** `GET contacts(<id>)/<nav>/$ref`: the address of the related row, or of each of them. */
export function readReferences(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  navigation: Navigation,
): Answer {
  const context = `${call.base}$metadata#$ref`;
  if (navigation.kind === 'single') {
    const found = lookedUpRow(dataverse, table, row, navigation.column);
    if (!found || !navigation.targets.includes(found.table.logicalName)) return { status: 204 };
    return {
      status: 200,
      body: {
        '@odata.context': context,
        '@odata.id': `${call.base}${found.table.entitySetName}(${found.row.id})`,
      },
    };
  }
  const set = dataverse.schema.table(navigation.table)?.entitySetName ?? navigation.table;
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata#Collection($ref)`,
      value: relatedRows(dataverse, navigation, row.id).map(({ id }) => ({
        '@odata.id': `${call.base}${set}(${id})`,
      })),
    },
  };
}

/**
 * Changes what a navigation property leads to: `PUT` and `DELETE` on `nav/$ref`, `POST` on `collection/$ref`,
 * `DELETE` on `collection(<id>)/$ref` or on `collection/$ref?$id=…` (dataverse.md §13).
 */
export function writeReference(
  dataverse: Dataverse,
  call: Call,
  table: Table,
  row: StoredRow,
  navigation: Navigation,
  itemId: string | undefined,
): Answer {
  if (navigation.kind === 'single') {
    const { column, targets } = navigation;
    if (call.method === 'DELETE')
      dataverse.records.update(table.logicalName, row.id, { [column.logicalName]: null });
    else if (call.method === 'PUT') {
      const found = referencedRow(dataverse, call, jsonBody(call)['@odata.id'], targets);
      dataverse.records.update(table.logicalName, row.id, {
        [column.logicalName]: found.id,
        ...((column.targets ?? targets).length > 1 && {
          [targetOf(column.logicalName)]: found.table.logicalName,
        }),
      });
    } else throw methodNotAllowed(call);
    return { status: 204 };
  }
  if (call.method === 'POST') {
    const found = referencedRow(dataverse, call, jsonBody(call)['@odata.id'], [navigation.table]);
    dataverse.records.transaction(() => hang(dataverse, table, row.id, navigation, found.id));
    return { status: 204 };
  }
  if (call.method !== 'DELETE') throw methodNotAllowed(call);
  const given = call.query.options.get('$id');
  const id =
    itemId ??
    (given === undefined ? undefined : referencedRow(dataverse, call, given, [navigation.table]).id);
  if (id === undefined) throw badRequest('The related entity to disassociate is not specified.');
  unhang(dataverse, row.id, navigation, id);
  return { status: 204 };
}

export const methodNotAllowed = ({ method }: Pick<Call, 'method'>) =>
  dataverseError(405, '0x8006088a', `The requested resource does not support http method '${method}'.`);
