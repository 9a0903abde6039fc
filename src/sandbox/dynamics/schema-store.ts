import type { SandboxContext } from '../context.js';
import { baseSchema, type BaseSchema } from './base-tables.js';
import { createRowVersion } from './row-version.js';
import type { DeletedMetadata, GlobalOptionSet, Relationship, Schema, Table } from './schema.js';

export { seedBase } from './metadata/seed-base.js';

/** What the schema looks like now, for quick look-ups; built anew after a change. */
interface Snapshot {
  revision: number;
  tables: Map<string, Table>;
  byEntitySet: Map<string, Table>;
  relationships: Relationship[];
}

/** A deletion hides what the base schema would otherwise bring back. */
type Change<T> = { is: T } | { is: null };

/**
 * The schema in force: the base tables of every organisation, plus what was changed, which alone is kept in
 * the store. A reset of the store brings the base tables back.
 */
export function createSchema(context: SandboxContext): Schema {
  const { store } = context;
  const rowVersion = createRowVersion(store);
  const changedTables = store.collection<Change<Table>>('schema/tables');
  const changedRelationships = store.collection<Change<Relationship>>('schema/relationships');
  const optionSets = store.collection<GlobalOptionSet>('schema/option-sets');
  const changedAt = store.collection<number>('schema/changed-at');
  const deleted = store.collection<DeletedMetadata>('schema/deleted');
  const revisions = store.collection<number>('schema/revision');
  const base = baseSchema();
  let snapshot: Snapshot | undefined;

  function current(): Snapshot {
    // The revision is in the store, so that a reset beneath this cache is noticed.
    const revision = revisions.get('now') ?? 0;
    if (snapshot?.revision !== revision) snapshot = buildSnapshot(revision);
    return snapshot;
  }

  function buildSnapshot(revision: number): Snapshot {
    const tables = merged(base, 'tables', changedTables.entries());
    const relationships = merged(base, 'relationships', changedRelationships.entries());
    return {
      revision,
      tables,
      byEntitySet: new Map([...tables.values()].map((table) => [table.entitySetName, table])),
      relationships: [...relationships.values()],
    };
  }

  function changed(logicalName?: string): number {
    const version = rowVersion.next();
    if (logicalName !== undefined) changedAt.set(logicalName, version);
    revisions.set('now', (revisions.get('now') ?? 0) + 1);
    snapshot = undefined;
    return version;
  }

  function noteDeleted(kind: DeletedMetadata['kind'], metadataId: string): void {
    deleted.set(metadataId, { metadataId, kind, version: rowVersion.next() });
  }

  function saveTable(table: Table): void {
    changedTables.set(table.logicalName, { is: table });
    changed(table.logicalName);
  }

  function deleteTable(logicalName: string): void {
    const table = current().tables.get(logicalName);
    if (!table) return;
    changedTables.set(logicalName, { is: null });
    noteDeleted('Entity', table.metadataId);
    changed(logicalName);
  }

  function settleKey(logicalName: string, keyMetadataId: string, status: 'Active' | 'Failed'): void {
    const table = current().tables.get(logicalName);
    if (!table) return;
    const keys = table.keys.map((key) => (key.metadataId === keyMetadataId ? { ...key, status } : key));
    changedTables.set(logicalName, { is: { ...table, keys } });
    changed();
  }

  function saveRelationship(relationship: Relationship): void {
    changedRelationships.set(relationship.schemaName, { is: relationship });
    changed();
  }

  function deleteRelationship(schemaName: string): void {
    const found = current().relationships.find((relationship) => relationship.schemaName === schemaName);
    if (!found) return;
    changedRelationships.set(schemaName, { is: null });
    noteDeleted('Relationship', found.metadataId);
    changed();
  }

  function saveGlobalOptionSet(optionSet: GlobalOptionSet): void {
    optionSets.set(optionSet.name, optionSet);
    for (const table of current().tables.values()) {
      const users = Object.values(table.columns).filter(
        ({ globalOptionSet }) => globalOptionSet === optionSet.name,
      );
      if (users.length === 0) continue;
      const columns = { ...table.columns };
      for (const column of users) columns[column.logicalName] = { ...column, options: optionSet.options };
      saveTable({ ...table, columns });
    }
    changed();
  }

  function deleteGlobalOptionSet(name: string): void {
    const found = optionSets.get(name);
    if (!found) return;
    optionSets.delete(name);
    noteDeleted('OptionSet', found.metadataId);
    changed();
  }

  return {
    table: (logicalName) => current().tables.get(logicalName),
    tableByEntitySet: (entitySetName) => current().byEntitySet.get(entitySetName),
    tables: () => [...current().tables.values()],
    relationships: () => current().relationships,
    saveTable,
    deleteTable,
    saveRelationship,
    deleteRelationship,
    changedAt: (logicalName) => changedAt.get(logicalName) ?? 0,
    globalOptionSets: () => [...optionSets.values()],
    saveGlobalOptionSet,
    deleteGlobalOptionSet,
    deletedSince: (version) => [...deleted.values()].filter((entry) => entry.version > version),
    settleKey,
    noteDeleted,
  };
}

function merged<Kind extends keyof BaseSchema>(
  base: BaseSchema,
  kind: Kind,
  changes: Iterable<[string, Change<BaseSchema[Kind][number]>]>,
): Map<string, BaseSchema[Kind][number]> {
  const entries = new Map<string, BaseSchema[Kind][number]>(
    base[kind].map((entry) => ['logicalName' in entry ? entry.logicalName : entry.schemaName, entry]),
  );
  for (const [name, { is }] of changes) {
    if (is === null) entries.delete(name);
    else entries.set(name, is);
  }
  return entries;
}
