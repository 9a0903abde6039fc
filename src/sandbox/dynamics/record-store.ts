import { createHash, randomUUID } from 'node:crypto';
import type { SandboxContext } from '../context.js';
import type { Collection } from '../store.js';
import { createChangeLog, type ChangeLog } from './change-log.js';
import { columnDefault, creationValues, isoSeconds, targetOf } from './column-values.js';
import { dataverseError, rowNotFound } from './errors.js';
import { intersectColumns } from './navigation.js';
import { createKeyIndex, type KeyIndex } from './key-index.js';
import { createLookupIndex, type LookupIndex } from './lookup-index.js';
import type { Records, StoredRow } from './records.js';
import { createRowVersion } from './row-version.js';
import type { AlternateKey, Relationship, Schema, Table } from './schema.js';
import { createSortedKeys, type SortedKeys } from './sorted-keys.js';

/** A deleted row, kept for change tracking (dataverse.md §3). */
export interface Tombstone {
  version: number;
  atMs: number;
}

export type TrackedChange =
  { kind: 'changed'; version: number; row: StoredRow } | { kind: 'deleted'; version: number; id: string };

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

interface TableRows {
  rows: Collection<StoredRow>;
  tombstones: Collection<Tombstone>;
  /** Built when first asked for, then kept up. */
  sorted: SortedKeys | undefined;
  changes: ChangeLog | undefined;
  keys: Map<string, KeyIndex>;
  lookups: Map<string, LookupIndex>;
}

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

  function rowsOf(logicalName: string): TableRows {
    forgetAfterReset();
    let found = tables.get(logicalName);
    if (!found) {
      found = {
        rows: context.store.collection<StoredRow>(`rows/${logicalName}`),
        tombstones: context.store.collection<Tombstone>(`tombstones/${logicalName}`),
        sorted: undefined,
        changes: undefined,
        keys: new Map(),
        lookups: new Map(),
      };
      tables.set(logicalName, found);
    }
    return found;
  }

  /** A reset empties the store beneath these indexes; the missing mark tells. */
  function forgetAfterReset(): void {
    const kept = marker.get('epoch');
    if (kept !== undefined && kept === epoch) return;
    tables.clear();
    epoch = kept ?? randomUUID();
    if (kept === undefined) marker.set('epoch', epoch);
  }

  function tableOf(logicalName: string): Table {
    const table = schema.table(logicalName);
    if (!table)
      throw dataverseError(400, '0x80040217', `The entity with a name = '${logicalName}' was not found.`);
    return table;
  }

  function insert(logicalName: string, values: Record<string, unknown>): StoredRow {
    const table = tableOf(logicalName);
    const { rows } = rowsOf(logicalName);
    const given = values[table.primaryId];
    const id = typeof given === 'string' ? given.toLowerCase() : randomUUID();
    if (rows.has(id)) {
      throw dataverseError(412, '0x80040237', 'A record with matching key values already exists.');
    }
    const nowText = isoSeconds(context.clock.nowMs());
    const kept = creationValues(table, values, nowText);
    requireUniqueKeys(table, kept, id);
    const row: StoredRow = { id, version: rowVersion.next(), values: kept };
    place(logicalName, undefined, row);
    return row;
  }

  function update(logicalName: string, id: string, values: Record<string, unknown>): StoredRow {
    const table = tableOf(logicalName);
    const before = existing(logicalName, id);
    const merged: Record<string, unknown> = { ...before.values };
    for (const [column, value] of Object.entries(values)) {
      if (column === table.primaryId) continue;
      // A null must be kept where the column has a default, which an absent value would bring back.
      if (value !== null && value !== undefined) merged[column] = value;
      else {
        delete merged[column];
        delete merged[targetOf(column)];
        if (hasDefault(table, column)) merged[column] = null;
      }
    }
    if (table.columns['modifiedon'] && values['modifiedon'] === undefined) {
      merged['modifiedon'] = isoSeconds(context.clock.nowMs());
    }
    requireUniqueKeys(table, merged, before.id);
    const row: StoredRow = { id: before.id, version: rowVersion.next(), values: merged };
    place(logicalName, before, row);
    return row;
  }

  function remove(logicalName: string, id: string): void {
    const row = existing(logicalName, id);
    transaction(() => {
      for (const relationship of schema.relationships()) {
        if (relationship.kind === 'ManyToMany') unlink(relationship, logicalName, row.id);
        else if (relationship.referenced === logicalName) cascade(relationship, row.id);
      }
      if (rowsOf(logicalName).rows.has(row.id)) removeRow(logicalName, row);
    });
  }

  function cascade(relationship: Relationship, id: string): void {
    const { referencing, referencingAttribute, cascadeDelete } = relationship;
    if (referencingAttribute === undefined || cascadeDelete === 'NoCascade') return;
    for (const row of referencingRows(referencing, referencingAttribute, id)) {
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

  function unlink(
    { intersect, referenced, referencing }: Relationship,
    logicalName: string,
    id: string,
  ): void {
    if (intersect === undefined || (referenced !== logicalName && referencing !== logicalName)) return;
    for (const column of intersectColumns(schema, { referenced, referencing })) {
      for (const row of referencingRows(intersect, column, id)) removeRow(intersect, row);
    }
  }

  function removeRow(logicalName: string, row: StoredRow): void {
    const { rows, tombstones, changes } = rowsOf(logicalName);
    const version = rowVersion.next();
    rows.delete(row.id);
    tombstones.set(row.id, { version, atMs: context.clock.nowMs() });
    changes?.append(row.id, version);
    reindex(logicalName, row, undefined);
    undo?.push(() => {
      rows.set(row.id, row);
      tombstones.delete(row.id);
      reindex(logicalName, undefined, row);
    });
  }

  /** Stores a new state of a row, keeping the indexes up and the way back known. */
  function place(logicalName: string, before: StoredRow | undefined, row: StoredRow): void {
    const { rows, tombstones, changes } = rowsOf(logicalName);
    const buried = tombstones.get(row.id);
    if (buried) tombstones.delete(row.id);
    rows.set(row.id, row);
    changes?.append(row.id, row.version);
    reindex(logicalName, before, row);
    undo?.push(() => {
      if (before) rows.set(row.id, before);
      else rows.delete(row.id);
      if (buried) tombstones.set(row.id, buried);
      reindex(logicalName, row, before);
    });
    if (changes && !undo && changes.length > 2 * (rows.size + tombstones.size) + CHANGE_LOG_SLACK) {
      rowsOf(logicalName).changes = undefined;
    }
  }

  function reindex(logicalName: string, before: StoredRow | undefined, after: StoredRow | undefined): void {
    const { sorted, keys, lookups } = rowsOf(logicalName);
    if (!before && after) sorted?.add(after.id);
    if (before && !after) sorted?.delete(before.id);
    for (const index of [...keys.values(), ...lookups.values()]) {
      if (before) index.delete(before);
      if (after) index.add(after);
    }
  }

  function requireUniqueKeys(table: Table, values: Record<string, unknown>, id: string): void {
    for (const key of table.keys) {
      if (key.status !== 'Active') continue;
      const parts = key.columns.map((column) => values[column]);
      const other = findByKey(table.logicalName, key, parts);
      if (!other || other.id === id) continue;
      throw dataverseError(
        412,
        '0x80060892',
        `Entity Key ${key.logicalName} violated. A record with the same value for ${key.columns.join(', ')} already exists. A duplicate record cannot be created. Select one or more unique values and try again.`,
      );
    }
  }

  function findByKey(
    logicalName: string,
    key: AlternateKey,
    values: readonly unknown[],
  ): StoredRow | undefined {
    const { keys, rows } = rowsOf(logicalName);
    const name = key.columns.join('\t');
    let index = keys.get(name);
    if (!index) {
      index = createKeyIndex(key.columns, rows.values());
      keys.set(name, index);
    }
    const id = index.find(values);
    return id === undefined ? undefined : rows.get(id);
  }

  function existing(logicalName: string, id: string): StoredRow {
    const row = rowsOf(logicalName).rows.get(id.toLowerCase());
    if (!row) throw rowNotFound(logicalName, id);
    return row;
  }

  function referencingRows(logicalName: string, column: string, id: string): StoredRow[] {
    const { rows, lookups } = rowsOf(logicalName);
    let index = lookups.get(column);
    if (!index) lookups.set(column, (index = createLookupIndex(column, rows.values())));
    return index.find(id).flatMap((found) => rows.get(found) ?? []);
  }

  function* ordered(logicalName: string, afterId?: string): IterableIterator<StoredRow> {
    const table = rowsOf(logicalName);
    table.sorted ??= createSortedKeys(table.rows.keys());
    for (const id of table.sorted.following(afterId)) {
      const row = table.rows.get(id);
      if (row) yield row;
    }
  }

  function* changesSince(logicalName: string, version: number): IterableIterator<TrackedChange> {
    const table = rowsOf(logicalName);
    table.changes ??= createChangeLog(allChanges(table));
    for (const change of table.changes.since(version)) {
      const row = table.rows.get(change.id);
      if (row) {
        if (row.version === change.version) yield { kind: 'changed', version: row.version, row };
        continue;
      }
      if (table.tombstones.get(change.id)?.version === change.version) {
        yield { kind: 'deleted', version: change.version, id: change.id };
      }
    }
  }

  function transaction<T>(work: () => T): T {
    if (undo) return work();
    const steps: (() => void)[] = [];
    undo = steps;
    try {
      return work();
    } catch (error) {
      undo = undefined;
      for (const step of steps.reverse()) step();
      throw error;
    } finally {
      undo = undefined;
    }
  }

  function dropTable(logicalName: string): void {
    const { rows, tombstones } = rowsOf(logicalName);
    rows.clear();
    tombstones.clear();
    tables.delete(logicalName);
  }

  function caller(): Caller {
    const users = [...rowsOf('systemuser').rows.values()];
    const user = users.find((row) => row.values['applicationid'] !== undefined) ?? users[0];
    const businessUnit = rowsOf('businessunit').rows.keys().next().value;
    const organization = rowsOf('organization').rows.keys().next().value;
    const standIn = (name: string) => guidFrom(`${epoch}/${name}`);
    return {
      userId: user?.id ?? standIn('user'),
      businessUnitId: businessUnit ?? standIn('businessunit'),
      organizationId: organization ?? standIn('organization'),
    };
  }

  return {
    insert,
    update,
    remove,
    get: (logicalName, id) => rowsOf(logicalName).rows.get(id.toLowerCase()),
    rows: (logicalName) => rowsOf(logicalName).rows.values(),
    count: (logicalName) => rowsOf(logicalName).rows.size,
    version: () => rowVersion.current(),
    ordered,
    changesSince,
    findByKey,
    referencing: referencingRows,
    transaction,
    dropTable,
    caller,
  };
}

const hasDefault = (table: Table, name: string): boolean => {
  const column = table.columns[name];
  return column !== undefined && columnDefault(column) !== undefined;
};

/** How many outdated entries a change log may hold before it is built anew. */
const CHANGE_LOG_SLACK = 100_000;

function* allChanges({ rows, tombstones }: TableRows): IterableIterator<{ id: string; version: number }> {
  for (const row of rows.values()) yield { id: row.id, version: row.version };
  for (const [id, { version }] of tombstones.entries()) yield { id, version };
}

/** A GUID that follows from a name. */
export function guidFrom(name: string): string {
  const hex = createHash('sha1').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
