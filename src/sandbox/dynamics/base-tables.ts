import { accountTable } from './metadata/base/account-table.js';
import { baseRelationships } from './metadata/base/base-relationships.js';
import { contactTable } from './metadata/base/contact-table.js';
import { systemTables } from './metadata/base/system-tables.js';
import type { Relationship, Table } from './schema.js';

/** The schema of a new organisation, before anyone customised it. */
export interface BaseSchema {
  tables: Table[];
  relationships: Relationship[];
}

/** Builds the base tables with their relationships; ids are the same on every start. */
export function baseSchema(): BaseSchema {
  const tables = [accountTable(), contactTable(), ...systemTables()];
  return { tables, relationships: baseRelationships(tables) };
}
