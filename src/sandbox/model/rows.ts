import { targetOf } from '../dynamics/column-values.js';
import { intersectColumns } from '../dynamics/navigation.js';
import type { RecordStore } from '../dynamics/record-store.js';
import type { Column, Schema, Table } from '../dynamics/schema.js';
import { acceptValue } from '../dynamics/writing/column-input.js';
import { dataverseTime } from '../seed/contact.js';
import { chance, createRandom, guid, pick, whole, type Random } from '../seed/random.js';
import { ROWS_PER_COMMIT, type SeedPlan } from '../seed/seed.js';
import { drawValue, isNumbered, numbered, type Drawn } from './column-values.js';
import type { ModelFaults } from './faults.js';
import type { Model, ModelRows, ModelTable } from './model-schema.js';
import type { NewTables } from './tables.js';

export interface RowSeed {
  /** Called now and then, so that a large seed is written in pieces. */
  commit(): void;
  schema: Schema;
  records: RecordStore;
  plan: SeedPlan;
}

/** Share of the rows in which a column is null that says nothing of it. */
const USUALLY_EMPTY = 0.1;
/** Lookups are drawn from that many of the oldest rows, so that a large table does not have to be gone through. */
const CANDIDATES = 5000;

/**
 * Fills the new tables, parents first, through the same store and version counter as the protocol. The same plan
 * makes the same rows, ids included, whatever other tables there are.
 */
export function seedRows(seed: RowSeed, { dynamics }: Model, made: NewTables): void {
  for (const name of parentsFirst(seed.schema, made.tables)) {
    const model = dynamics.tables[name];
    const table = seed.schema.table(name.toLowerCase());
    if (model && table) seedTable(seed, table, model, randomOf(seed.plan, name));
  }
  for (const name of made.manyToMany) {
    const amount = amountOf(dynamics.manyToMany[name]?.rows ?? 0, seed.plan);
    linkRows(seed, name, amount, randomOf(seed.plan, name));
  }
}

/** Whether the values that a model gives as samples fit their columns. */
export function checkSamples(
  { schema }: Pick<RowSeed, 'schema'>,
  { dynamics }: Model,
  faults: ModelFaults,
): void {
  for (const [name, model] of Object.entries(dynamics.tables)) {
    const table = schema.table(name.toLowerCase());
    if (!table) continue;
    for (const { path, column, drawn } of filled(table, model)) {
      for (const value of drawn.sample ?? [])
        faults.attempt(`dynamics.tables.${name}.${path}.sample`, () =>
          acceptValue(table, column, numbered(value, mostOf(model.rows))),
        );
    }
  }
}

/** The columns that a model fills, as far as they were made. */
function filled(table: Table, model: ModelTable): { path: string; column: Column; drawn: Drawn }[] {
  const named: [string, string, Drawn][] = [
    ['primaryName', model.primaryName.name, model.primaryName],
    ...Object.entries(model.columns).map(([name, drawn]): [string, string, Drawn] => [
      `columns.${name}`,
      name,
      drawn,
    ]),
  ];
  return named.flatMap(([path, name, drawn]) => {
    const column = table.columns[name.toLowerCase()];
    return column ? [{ path, column, drawn }] : [];
  });
}

function seedTable(seed: RowSeed, table: Table, model: ModelTable, random: Random): void {
  const { records, plan } = seed;
  const columns = columnsToFill(table, model);
  const parents = new Map<string, string[]>();
  const idsOf = (target: string): string[] => {
    let ids = parents.get(target);
    if (!ids) parents.set(target, (ids = oldestIds(records, target)));
    return ids;
  };
  const currency = columns.some(([column]) => column.type === 'Money')
    ? records.rows('transactioncurrency').next().value?.id
    : undefined;
  const amount = amountOf(model.rows, plan);
  for (let number = 1; number <= amount; number += 1) {
    const created = whole(random, Date.UTC(2022, 0, 1) / 1000, Date.UTC(2025, 5, 30) / 1000) * 1000;
    const values: Record<string, unknown> = {
      [table.primaryId]: guid(random),
      createdon: dataverseTime(created),
      modifiedon: dataverseTime(created + whole(random, 0, 180 * 86_400) * 1000),
      ...(currency !== undefined && { transactioncurrencyid: currency }),
    };
    for (const [column, drawn] of columns) fill(values, column, drawn, random, number, idsOf);
    values['statecode'] = chance(random, model.inactive) ? 1 : 0;
    values['statuscode'] = pick(random, reasonsOf(table, values['statecode']));
    records.insert(table.logicalName, values);
    if (number % ROWS_PER_COMMIT === 0) seed.commit();
  }
}

/** How each column is drawn: samples in the form in which they are stored, and keys without gaps. */
function columnsToFill(table: Table, model: ModelTable): [Column, Drawn][] {
  const keyed = new Set(table.keys.flatMap(({ columns }) => columns));
  return filled(table, model).map(({ column, drawn }) => {
    const isKey = keyed.has(column.logicalName);
    const sample =
      drawn.sample?.map((value) => (isNumbered(value) ? value : acceptValue(table, column, value))) ??
      (isKey && column.type === 'String' ? ['{n}'] : undefined);
    return [column, { sample, empty: drawn.empty ?? (isKey || column.isPrimaryName ? 0 : USUALLY_EMPTY) }];
  });
}

function fill(
  values: Record<string, unknown>,
  column: Column,
  drawn: Drawn,
  random: Random,
  number: number,
  idsOf: (table: string) => string[],
): void {
  if (chance(random, drawn.empty ?? 0)) return;
  const { targets } = column;
  if (!targets) {
    values[column.logicalName] = drawValue(random, column, drawn, number);
    return;
  }
  const target = pick(random, targets);
  const ids = idsOf(target);
  if (ids.length === 0) return;
  values[column.logicalName] = pick(random, ids);
  if (targets.length > 1) values[targetOf(column.logicalName)] = target;
}

const reasonsOf = ({ columns }: Table, state: unknown): number[] =>
  (columns['statuscode']?.options ?? []).flatMap((option) =>
    (option.state ?? 0) === state ? [option.value] : [],
  );

/** Pairs of rows, each once. */
function linkRows({ schema, records }: RowSeed, name: string, amount: number, random: Random): void {
  const relationship = schema.relationships().find(({ schemaName }) => schemaName === name);
  if (relationship?.intersect === undefined) return;
  const [first, second] = intersectColumns(schema, relationship);
  const firstIds = oldestIds(records, relationship.referenced);
  const secondIds = oldestIds(records, relationship.referencing);
  const wanted = Math.min(amount, Math.floor((firstIds.length * secondIds.length) / 2));
  const pairs = new Set<string>();
  while (pairs.size < wanted) {
    const pair = [pick(random, firstIds), pick(random, secondIds)] as const;
    if (pairs.has(pair.join())) continue;
    pairs.add(pair.join());
    records.insert(relationship.intersect, {
      [`${relationship.intersect}id`]: guid(random),
      [first]: pair[0],
      [second]: pair[1],
    });
  }
}

function oldestIds(records: RecordStore, table: string): string[] {
  const ids: string[] = [];
  for (const { id } of records.rows(table)) {
    if (ids.push(id) === CANDIDATES) break;
  }
  return ids;
}

const amountOf = (rows: ModelRows, { contacts }: SeedPlan): number =>
  typeof rows === 'number' ? rows : Math.min(Math.ceil(rows.perContact * contacts), rows.atMost);

const mostOf = (rows: ModelRows): number => (typeof rows === 'number' ? rows : rows.atMost);

/** Another stream of random numbers for each table. */
function randomOf({ seed }: SeedPlan, name: string): Random {
  let mixed = seed;
  for (const character of name) mixed = Math.imul(mixed, 31) + (character.codePointAt(0) ?? 0);
  return createRandom(mixed);
}

/** Tables in an order in which lookups lead to rows that are there; a cycle is cut where it is met. */
function parentsFirst(schema: Schema, names: readonly string[]): string[] {
  const ordered: string[] = [];
  const visited = new Set<string>();
  const byLogicalName = new Map(names.map((name) => [name.toLowerCase(), name]));
  const visit = (name: string): void => {
    if (visited.has(name)) return;
    visited.add(name);
    for (const { targets } of Object.values(schema.table(name.toLowerCase())?.columns ?? {})) {
      for (const target of targets ?? []) {
        const parent = byLogicalName.get(target);
        if (parent !== undefined) visit(parent);
      }
    }
    ordered.push(name);
  };
  for (const name of names) visit(name);
  return ordered;
}
