import { randomUUID } from 'node:crypto';
import { jsonBody, type Answer, type Call, type Dataverse } from '../call.js';
import { propertyName } from '../column-values.js';
import { badRequest } from '../errors.js';
import type { ComparisonOperator, FilterNode } from '../odata/filter.js';
import { parseQuery } from '../odata/query.js';
import { rowsInOrder } from '../reading/row-source.js';
import { selectRows } from '../reading/select-rows.js';
import type { Table } from '../schema.js';

type Json = Record<string, unknown>;

/**
 * `POST BulkDelete`, the way to delete many rows of standard tables (dataverse.md §5). The real one is a job
 * that runs some time later; here it has run when its id is answered.
 */
export function bulkDelete(dataverse: Dataverse, call: Call): Answer {
  const { schema, records } = dataverse;
  const querySet = jsonBody(call)['QuerySet'];
  if (!Array.isArray(querySet) || querySet.length === 0)
    throw badRequest("The parameter 'QuerySet' is missing or empty.");
  records.transaction(() => {
    for (const query of querySet as Json[]) {
      const table = schema.table(String(query['EntityName']));
      if (!table)
        throw badRequest(`The entity with a name = '${String(query['EntityName'])}' was not found.`);
      const filter = criteria(table, query['Criteria']);
      const chosen = selectRows(dataverse, table, rowsInOrder(dataverse, table), {
        ...parseQuery(''),
        filter,
      });
      for (const { id } of chosen)
        if (records.get(table.logicalName, id)) records.remove(table.logicalName, id);
      dataverse.context.stats.add('dynamics', 'bulkRows', chosen.length);
    }
  });
  return {
    status: 200,
    body: {
      '@odata.context': `${call.base}$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse`,
      JobId: randomUUID(),
    },
  };
}

/** A FilterExpression as the filter it says. */
function criteria(table: Table, given: unknown): FilterNode | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const { Conditions, Filters, FilterOperator } = given as Json;
  const parts = [
    ...asList(Conditions).map((entry) => condition(table, entry)),
    ...asList(Filters).flatMap((entry) => criteria(table, entry) ?? []),
  ];
  const kind = FilterOperator === 'Or' || FilterOperator === 1 ? 'or' : 'and';
  return parts.length === 0 ? undefined : parts.reduce((left, right) => ({ kind, left, right }));
}

const asList = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : []);

const COMPARISONS: Record<string, ComparisonOperator> = {
  Equal: 'eq',
  NotEqual: 'ne',
  GreaterThan: 'gt',
  GreaterEqual: 'ge',
  LessThan: 'lt',
  LessEqual: 'le',
};

function condition(table: Table, entry: Json): FilterNode {
  const operator = String(entry['Operator']);
  const column = table.columns[String(entry['AttributeName'])];
  if (!column)
    throw badRequest(
      `'${table.logicalName}' entity doesn't contain attribute with Name = '${String(entry['AttributeName'])}'.`,
    );
  const path = [propertyName(column)];
  const values = asList(entry['Values']).map(({ Value }) => Value);
  const comparison = COMPARISONS[operator];
  if (operator === 'Null' || operator === 'NotNull') {
    const literal = { type: 'null', value: null } as const;
    return {
      kind: 'compare',
      operator: operator === 'Null' ? 'eq' : 'ne',
      left: { kind: 'path', path },
      right: { kind: 'literal', literal },
    };
  }
  if (operator === 'In' || operator === 'NotIn')
    return { kind: 'query-function', name: operator, path, values: values.map(String) };
  if (!comparison || values.length !== 1)
    throw badRequest(`The condition operator '${operator}' is not supported here.`);
  const value = values[0];
  const left = { kind: 'path', path } as const;
  if (typeof value === 'number')
    return {
      kind: 'compare',
      operator: comparison,
      left,
      right: { kind: 'literal', literal: { type: 'number', value } },
    };
  if (typeof value === 'boolean')
    return {
      kind: 'compare',
      operator: comparison,
      left,
      right: { kind: 'literal', literal: { type: 'boolean', value } },
    };
  const text = String(value);
  const literal =
    column.type === 'DateTime'
      ? ({ type: 'dateTime', value: Date.parse(text) } as const)
      : ({ type: 'string', value: text } as const);
  return { kind: 'compare', operator: comparison, left, right: { kind: 'literal', literal } };
}
