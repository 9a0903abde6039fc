import type { ModelDocument } from '../../src/sandbox/model/model-schema.js';

/*
 * A company with very many custom tables, all of them wide: columns of every kind in turn, in families of tables each of
 * which is the child of the one before it, linked alternately by key and by PKey.
 */

type Tables = NonNullable<NonNullable<ModelDocument['dynamics']>['tables']>;
type Resources = NonNullable<NonNullable<ModelDocument['campaign']>['resources']>;
type Columns = NonNullable<Tables[string]['columns']>;
type Fields = NonNullable<Resources[string]['fields']>;

/** One kind of column, the field that takes it, and a value on both sides, written by hand. */
interface Kind {
  column: Columns[string];
  field: Fields[string];
  choice?: 'label';
  /** The value of the n-th row in Dynamics. */
  sent: (n: number) => unknown;
  /** What Campaign then answers. */
  held: (n: number) => unknown;
  /** What it answers for an empty one. */
  empty: unknown;
}

const day = (n: number): string => `2026-02-${String((n % 28) + 1).padStart(2, '0')}`;
const OPTIONS = { 1: 'Silver', 2: 'Gold', 3: 'Platinum' };
const labelOf = (n: number): string => ['Silver', 'Gold', 'Platinum'][n % 3] ?? '';

export const kinds: Record<string, Kind> = {
  String: {
    column: { type: 'String', maxLength: 60 },
    field: { type: 'string', length: 60 },
    sent: (n) => `Łódź – „${n}“ 🌷`,
    held: (n) => `Łódź – „${n}“ 🌷`,
    empty: '',
  },
  Memo: {
    column: { type: 'Memo', maxLength: 400 },
    field: { type: 'string', length: 400 },
    sent: (n) => `first line ${n}\nsecond line`,
    held: (n) => `first line ${n}\nsecond line`,
    empty: '',
  },
  Integer: {
    column: { type: 'Integer' },
    field: { type: 'long' },
    sent: (n) => -1_000_000 - n,
    held: (n) => -1_000_000 - n,
    empty: 0,
  },
  BigInt: {
    column: { type: 'BigInt' },
    field: { type: 'string', length: 20 },
    sent: (n) => 4_503_599_627_370_496 + n,
    held: (n) => String(4_503_599_627_370_496 + n),
    empty: '',
  },
  Decimal: {
    column: { type: 'Decimal', precision: 3 },
    field: { type: 'double' },
    sent: (n) => n + 0.125,
    held: (n) => n + 0.125,
    empty: 0,
  },
  Double: {
    column: { type: 'Double', precision: 2 },
    field: { type: 'double' },
    sent: (n) => n + 0.25,
    held: (n) => n + 0.25,
    empty: 0,
  },
  Money: {
    column: { type: 'Money', precision: 2, min: 0, max: 1_000_000 },
    field: { type: 'double' },
    sent: (n) => n + 0.5,
    held: (n) => n + 0.5,
    empty: 0,
  },
  Boolean: {
    column: { type: 'Boolean' },
    field: { type: 'boolean' },
    sent: (n) => n % 2 === 0,
    held: (n) => n % 2 === 0,
    empty: false,
  },
  'Picklist by number': {
    column: { type: 'Picklist', options: OPTIONS },
    field: { type: 'long' },
    sent: (n) => (n % 3) + 1,
    held: (n) => (n % 3) + 1,
    empty: 0,
  },
  'Picklist by label': {
    column: { type: 'Picklist', options: OPTIONS },
    field: { type: 'enum', values: { none: 'None', silver: 'Silver', gold: 'Gold', platinum: 'Platinum' } },
    choice: 'label',
    sent: (n) => (n % 3) + 1,
    held: (n) => labelOf(n).toLowerCase(),
    empty: 'none',
  },
  MultiSelectPicklist: {
    column: { type: 'MultiSelectPicklist', options: OPTIONS },
    field: { type: 'string', length: 60 },
    choice: 'label',
    sent: () => '1,3',
    held: () => 'Silver; Platinum',
    empty: '',
  },
  'DateTime of a user': {
    column: { type: 'DateTime' },
    field: { type: 'datetime' },
    sent: (n) => `${day(n)}T23:59:58Z`,
    held: (n) => `${day(n)} 23:59:58.000Z`,
    empty: '',
  },
  'DateTime without a zone': {
    column: { type: 'DateTime', behavior: 'TimeZoneIndependent' },
    field: { type: 'date' },
    sent: (n) => `${day(n)}T23:30:00Z`,
    held: day,
    empty: '',
  },
  'day without a time': {
    column: { type: 'DateTime', behavior: 'DateOnly' },
    field: { type: 'date' },
    sent: day,
    held: day,
    empty: '',
  },
};

/** Of one column: `new_c007`, `cusC007`, and its kind. */
export interface WideColumn {
  name: string;
  field: string;
  kind: Kind;
}
export interface WideTable {
  /** `new_t07`. */
  name: string;
  resource: string;
  columns: WideColumn[];
  parent?: { table: WideTable; by: 'key' | 'pkey' };
}

/** Tables in families: of `deep` links each, from a table to its child's child's … child. Parents come first. */
export function wideTables({
  tables,
  columns,
  deep,
}: {
  tables: number;
  columns: number;
  deep: number;
}): WideTable[] {
  const made: WideTable[] = [];
  const everyKind = Object.values(kinds);
  while (made.length < tables) {
    const number = made.length;
    const generation = number % (deep + 1);
    const before = made.at(-1);
    made.push({
      name: `new_t${padded(number, 2)}`,
      resource: `cusT${padded(number, 2)}`,
      columns: Array.from({ length: columns }, (_, index) => ({
        name: `new_c${padded(index, 3)}`,
        field: `cusC${padded(index, 3)}`,
        // Begun elsewhere in every table, so that no column has the same kind in all of them.
        kind: itemAt(everyKind, (index + number) % everyKind.length),
      })),
      ...(generation > 0 && before && { parent: { table: before, by: generation % 2 ? 'key' : 'pkey' } }),
    });
  }
  return made;
}

/** What the customisers of both systems have made of them. */
export function wideModel(tables: WideTable[]): ModelDocument {
  const dynamics = tables.map(({ name, columns, parent }): [string, Tables[string]] => [
    name,
    {
      columns: {
        ...Object.fromEntries(columns.map((column) => [column.name, column.kind.column])),
        ...(parent && { new_parentid: { type: 'Lookup' as const, to: parent.table.name } }),
      },
    },
  ]);
  const campaign = tables.map(({ resource, columns, parent }): [string, Resources[string]] => [
    resource,
    {
      fields: {
        cusCrmId: { type: 'string', length: 36, unique: true },
        ...Object.fromEntries(columns.map(({ field, kind }) => [field, kind.field])),
        ...(parent?.by === 'key' && { cusParentId: { type: 'string' as const, length: 36 } }),
      },
      ...(parent && {
        links: {
          cusParent: {
            to: parent.table.resource,
            ...(parent.by === 'key' && { join: { cusParentId: 'cusCrmId' } }),
          },
        },
      }),
      filters: { bycrmid: { restName: 'crmid', where: { crmid_parameter: 'cusCrmId' } } },
    },
  ]);
  return {
    version: 1,
    withDefaults: false,
    dynamics: { tables: Object.fromEntries(dynamics) },
    campaign: { resources: Object.fromEntries(campaign) },
  };
}

/** The sync.yaml for all of them, children before their parents: the order of the file is not the order of the work. */
export function wideMapping(tables: WideTable[]): string {
  const entries = tables
    .toReversed()
    .map(({ name, resource, columns, parent }) =>
      [
        `  - dynamics: ${name}`,
        `    campaign: ${resource}`,
        '    every: 1d',
        '    key: { to: cusCrmId, addressBy: filter:bycrmid }',
        '    fields:',
        ...columns.map(
          (column) =>
            `      - { from: ${column.name}, to: ${column.field}${column.kind.choice ? ', choice: label' : ''} }`,
        ),
        ...(parent
          ? [
              `    links: [{ from: new_parentid, to: ${parent.by === 'key' ? 'cusParentId' : 'cusParent'}, table: ${parent.table.name}, by: ${parent.by} }]`,
            ]
          : []),
      ].join('\n'),
    );
  return `version: 1\ntables:\n${entries.join('\n')}\n`;
}

const padded = (number: number, digits: number): string => String(number).padStart(digits, '0');

function itemAt<T>(items: readonly T[], index: number): T {
  const item = items[index];
  if (item === undefined) throw new Error(`there is no item ${index}`);
  return item;
}
