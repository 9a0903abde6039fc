import type { SandboxContext } from '../../context.js';
import type { Records } from '../records.js';
import type { Schema, Table } from '../schema.js';

/** Messages whose filter rows tell which tables offer them (dataverse.md §5, "Bulk actions"). */
const MESSAGES = ['CreateMultiple', 'UpdateMultiple', 'UpsertMultiple', 'DeleteMultiple'];

/** Standard (not elastic) tables offer UpsertMultiple without having a filter row for it. */
const UNLISTED = 'UpsertMultiple';

/**
 * Makes the `sdkmessagefilters` rows say what the tables and the limits say now. Clients probe them before
 * they use a bulk action.
 */
export function syncMessageFilters(context: SandboxContext, schema: Schema, records: Records): void {
  const overrides = context.limits().dynamics.bulkActions;
  const messages = messageIds(records);
  const wanted = new Map<string, { message: string; table: string }>();
  for (const table of schema.tables()) {
    for (const message of listedActions(table, overrides[table.logicalName])) {
      wanted.set(`${message} ${table.logicalName}`, { message, table: table.logicalName });
    }
  }
  for (const row of records.rows('sdkmessagefilter')) {
    const name = String(row.values['name']);
    if (!wanted.delete(name)) records.remove('sdkmessagefilter', row.id);
  }
  for (const [name, { message, table }] of wanted) {
    records.insert('sdkmessagefilter', {
      name,
      primaryobjecttypecode: table,
      secondaryobjecttypecode: 'none',
      sdkmessageid: messages.get(message),
    });
  }
}

function listedActions(table: Table, override: string[] | undefined): string[] {
  return (override ?? table.bulkActions).filter(
    (action) => MESSAGES.includes(action) && (table.elastic || action !== UNLISTED),
  );
}

function messageIds(records: Records): Map<string, string> {
  const ids = new Map<string, string>();
  for (const { id, values } of records.rows('sdkmessage')) ids.set(String(values['name']), id);
  for (const name of MESSAGES) {
    if (!ids.has(name)) ids.set(name, records.insert('sdkmessage', { name }).id);
  }
  return ids;
}
