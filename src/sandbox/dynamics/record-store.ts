import { randomUUID } from 'node:crypto';
import type { SandboxContext } from '../context.js';
import { columnDefault, creationValues, isoSeconds, targetOf } from './column-values.js';
import { dataverseError, duplicateRecord, rowNotFound } from './errors.js';
import { intersectColumns } from './navigation.js';
import type { Records, StoredRow } from './records.js';
import { createRowVersion } from './row-version.js';
import type { AlternateKey, Relationship, Schema, Table } from './schema.js';
import { createTableRows, type TableRows, type TrackedChange } from './table-rows.js';

/** All rows, with what the protocol needs beyond `Records`: order, changes, keys and undo. */
export interface RecordStore extends Records {
  /** Rows in the order of their primary key, behind `afterId` if given. */
  ordered(logicalName: string, afterId?: string): IterableIterator<StoredRow>;
  /** What changed behind a row version, oldest first, each row once: its last change. */
  changesSince(logicalName: string, version: number): IterableIterator<TrackedChange>;
  /** The row with these values of an alternate key; values as stored. */
  findByKey(logicalName: string, key: AlternateKey, values: readonly unknown[]): StoredRow | undefined;
  /** Rows whose lookup column holds this id. */
  referencing(logicalName: string, column: string, id: string): StoredRow[];
  /** Runs `work`; when it throws, every change it made is undone and the error goes on. */
  transaction<T>(work: () => T): T;
  /** Deletes all rows of a table without a trace, when the table itself goes. */
  dropTable(logicalName: string): void;
  /** The application user whose calls these are, with its organisation. */
  caller(): Caller;
}

export interface Caller {
  userId: string;
  businessUnitId: string;
  organizationId: string;
}

/** Columns of system tables that the platform itself keeps unique, without an alternate key over them. */
const UNIQUE_NAMES: Record<string, string> = { publisher: 'uniquename', solution: 'uniquename' };

/** Stands for a row that the organisation has not been given yet. */
const NO_ROW = '00000000-0000-0000-0000-000000000000';

/**
 * The rows of the sandbox's Dataverse, over the store (DESIGN §10).
 *
 * Values that are null, and constant defaults of standard columns, are not stored: read columns with
 * `readColumn`, which knows both. Rows are never changed in place.
 */
export function createRecords(context: SandboxContext, schema: Schema): RecordStore {
  const rowVersion = createRowVersion(context.store);
  const marker = context.store.collection<string>('records-epoch');
  const tables = new Map<string, TableRows>();
  let epoch: string | undefined;
  let undo: (() => void)[] | undefined;

  function insert(logicalName: string, values: Record<string, unknown>): StoredRow {
    const table = tableOf(logicalName);
    const { rows, place } = rowsOf(logicalName);
    const given = values[table.primaryId];
    const id = typeof given === 'string' ? given.toLowerCase() : randomUUID();
    if (rows.has(id)) throw duplicateRecord();
    const kept = creationValues(table, values, isoSeconds(context.clock.nowMs()));
    requireUniqueKeys(table, kept, id);
    const row: StoredRow = { id, version: rowVersion.next(), values: kept };
    const back = place(undefined, row);
    undo?.push(back);
    return row;
  }

  function update(logicalName: string, id: string, values: Record<string, unknown>): StoredRow {
    const table = tableOf(logicalName);
    const before = existing(logicalName, id);
    const merged = mergedValues(table, before, values);
    if (table.columns['modifiedon'] && values['modifiedon'] === undefined) {
      merged['modifiedon'] = isoSeconds(context.clock.nowMs());
    }
    requireUniqueKeys(table, merged, before.id);
    const row: StoredRow = { id: before.id, version: rowVersion.next(), values: merged };
    const back = rowsOf(logicalName).place(before, row);
    undo?.push(back);
    return row;
  }

  function remove(logicalName: string, id: string): void {
    const row = existing(logicalName, id);
    transaction(() => {
      for (const relationship of schema.relationships()) {
        if (relationship.kind === 'ManyToMany') unlink(relationship, logicalName, row.id);
        else if (relationship.referenced === logicalName) cascade(relationship, row.id);
      }
      // A cascade may have come round to this row itself.
      if (rowsOf(logicalName).rows.has(row.id)) bury(logicalName, row);
    });
  }

  function cascade(relationship: Relationship, id: string): void {
    const { referencing, referencingAttribute, cascadeDelete } = relationship;
    if (referencingAttribute === undefined || cascadeDelete === 'NoCascade') return;
    for (const row of rowsOf(referencing).referencing(referencingAttribute, id)) {
      if (cascadeDelete === 'Restrict') {
        throw dataverseError(
          405,
          '0x80040227',
          'The object you tried to delete is associated with another object and cannot be deleted.',
        );
      }
      if (cascadeDelete === 'Cascade') remove(referencing, row.id);
      else update(referencing, row.id, { [referencingAttribute]: null });
    }
  }

  function unlink(relationship: Relationship, logicalName: string, id: string): void {
    const { intersect, referenced, referencing } = relationship;
    if (intersect === undefined || (referenced !== logicalName && referencing !== logicalName)) return;
    for (const column of intersectColumns(schema, relationship)) {
      for (const row of rowsOf(intersect).referencing(column, id)) bury(intersect, row);
    }
  }

  function bury(logicalName: string, row: StoredRow): void {
    const back = rowsOf(logicalName).bury(row, rowVersion.next(), context.clock.nowMs());
    undo?.push(back);
  }

  function requireUniqueKeys(table: Table, values: Record<string, unknown>, id: string): void {
    const unique = UNIQUE_NAMES[table.logicalName];
    if (unique !== undefined) {
      const other = rowsOf(table.logicalName).findByKey([unique], [values[unique]]);
      if (other && other.id !== id) throw duplicateRecord();
    }
    for (const key of table.keys) {
      if (key.status !== 'Active') continue;
      const parts = key.columns.map((column) => values[column]);
      const other = rowsOf(table.logicalName).findByKey(key.columns, parts);
      if (!other || other.id === id) continue;
      throw dataverseError(
        412,
        '0x80060892',
        `Entity Key ${key.logicalName} violated. A record with the same value for ${key.columns.join(', ')} already exists. A duplicate record cannot be created. Select one or more unique values and try again.`,
      );
    }
  }

  function transaction<T>(work: () => T): T {
    if (undo) return work();
    const steps: (() => void)[] = [];
    undo = steps;
    try {
      return work();
    } catch (error) {
      for (const step of steps.reverse()) step();
      throw error;
    } finally {
      undo = undefined;
    }
  }

  function dropTable(logicalName: string): void {
    rowsOf(logicalName).clear();
  }

  function caller(): Caller {
    const users = [...rowsOf('systemuser').rows.values()];
    const user = users.find((row) => row.values['applicationid'] !== undefined) ?? users[0];
    return {
      userId: user?.id ?? NO_ROW,
      businessUnitId: rowsOf('businessunit').rows.keys().next().value ?? NO_ROW,
      organizationId: rowsOf('organization').rows.keys().next().value ?? NO_ROW,
    };
  }

  function existing(logicalName: string, id: string): StoredRow {
    const row = rowsOf(logicalName).rows.get(id.toLowerCase());
    if (!row) throw rowNotFound(logicalName, id);
    return row;
  }

  function tableOf(logicalName: string): Table {
    const table = schema.table(logicalName);
    if (table) return table;
    throw dataverseError(400, '0x80040217', `The entity with a name = '${logicalName}' was not found.`);
  }

  function rowsOf(logicalName: string): TableRows {
    forgetAfterReset();
    let found = tables.get(logicalName);
    if (!found) tables.set(logicalName, (found = createTableRows(context.store, logicalName)));
    return found;
  }

  /** A reset empties the store beneath the indexes; the missing mark tells. */
  function forgetAfterReset(): void {
    const kept = marker.get('epoch');
    if (kept !== undefined && kept === epoch) return;
    tables.clear();
    epoch = kept ?? randomUUID();
    if (kept === undefined) marker.set('epoch', epoch);
  }

  return {
    insert,
    update,
    remove,
    get: (logicalName, id) => rowsOf(logicalName).rows.get(id.toLowerCase()),
    rows: (logicalName) => rowsOf(logicalName).rows.values(),
    count: (logicalName) => rowsOf(logicalName).rows.size,
    version: () => rowVersion.current(),
    ordered: (logicalName, afterId) => rowsOf(logicalName).ordered(afterId),
    changesSince: (logicalName, version) => rowsOf(logicalName).changesSince(version),
    findByKey: (logicalName, key, values) => rowsOf(logicalName).findByKey(key.columns, values),
    referencing: (logicalName, column, id) => rowsOf(logicalName).referencing(column, id),
    transaction,
    dropTable,
    caller,
  };
}

function mergedValues(
  table: Table,
  before: StoredRow,
  changes: Record<string, unknown>,
): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...before.values };
  for (const [name, value] of Object.entries(changes)) {
    if (name === table.primaryId) continue;
    if (value !== null && value !== undefined) {
      merged[name] = value;
      continue;
    }
    delete merged[name];
    delete merged[targetOf(name)];
    // A null must be kept where the column has a default, which an absent value would bring back.
    const column = table.columns[name];
    if (column && columnDefault(column) !== undefined) merged[name] = null;
  }
  return merged;
}
