import type { Column, Relationship, Schema, Table } from './schema.js';

/** What a navigation property of a table leads to. */
export type Navigation =
  /** Along a lookup column to one row of one of these tables. */
  | { kind: 'single'; column: Column; targets: string[] }
  /** To the rows of another table whose lookup column points here. */
  | { kind: 'children'; table: string; column: string }
  /** To the rows linked through an intersect table: ours in `own`, theirs in `other`. */
  | { kind: 'linked'; table: string; intersect: string; own: string; other: string };

/**
 * Finds a navigation property by its exact, case-sensitive name (dataverse.md §4, "Lookups").
 *
 * Activities answer to both forms of the regarding property, with and without their own name at the end.
 */
export function findNavigation(schema: Schema, table: Table, name: string): Navigation | undefined {
  return (
    declaredNavigation(schema, table, name) ??
    (table.isActivity ? regardingNavigation(schema, table, name) : undefined)
  );
}

function declaredNavigation(schema: Schema, table: Table, name: string): Navigation | undefined {
  const targets: string[] = [];
  let column: Column | undefined;
  for (const relationship of schema.relationships()) {
    const found =
      relationship.kind === 'OneToMany'
        ? childrenOf(relationship, table, name)
        : linkedOf(schema, relationship, table, name);
    if (found) return found;
    if (relationship.kind !== 'OneToMany' || relationship.referencing !== table.logicalName) continue;
    if (relationship.referencingNavigation !== name || relationship.referencingAttribute === undefined)
      continue;
    column = table.columns[relationship.referencingAttribute];
    targets.push(relationship.referenced);
  }
  if (column)
    return { kind: 'single', column, targets: column.type === 'Owner' ? ownersOf(column) : targets };
  const owner = table.columns[name];
  return owner?.type === 'Owner' ? { kind: 'single', column: owner, targets: ownersOf(owner) } : undefined;
}

/** `ownerid` leads to `owner`, the base of users and teams. */
const ownersOf = (column: Column): string[] => column.targets ?? ['systemuser', 'team'];

function childrenOf(relationship: Relationship, table: Table, name: string): Navigation | undefined {
  const { referenced, referencing, referencedNavigation, referencingAttribute } = relationship;
  if (referenced !== table.logicalName || referencedNavigation !== name || referencingAttribute === undefined)
    return undefined;
  return { kind: 'children', table: referencing, column: referencingAttribute };
}

function linkedOf(
  schema: Schema,
  relationship: Relationship,
  table: Table,
  name: string,
): Navigation | undefined {
  const { intersect, referenced, referencing, referencedNavigation, referencingNavigation } = relationship;
  if (intersect === undefined) return undefined;
  const [first, second] = intersectColumns(schema, relationship);
  if (referenced === table.logicalName && referencedNavigation === name) {
    return { kind: 'linked', table: referencing, intersect, own: first, other: second };
  }
  if (referencing === table.logicalName && referencingNavigation === name) {
    return { kind: 'linked', table: referenced, intersect, own: second, other: first };
  }
  return undefined;
}

/** The columns of an intersect table that hold the ids of its two sides. */
export function intersectColumns(
  schema: Schema,
  { referenced, referencing }: Pick<Relationship, 'referenced' | 'referencing'>,
): [string, string] {
  const first = schema.table(referenced)?.primaryId ?? `${referenced}id`;
  const second = schema.table(referencing)?.primaryId ?? `${referencing}id`;
  return first === second ? [`${first}one`, `${second}two`] : [first, second];
}

function regardingNavigation(schema: Schema, table: Table, name: string): Navigation | undefined {
  if (name === `${table.logicalName}_activity_parties`) {
    return { kind: 'children', table: 'activityparty', column: 'activityid' };
  }
  const suffix = `_${table.logicalName}`;
  if (name.toLowerCase().endsWith(suffix))
    return declaredNavigation(schema, table, name.slice(0, -suffix.length));
  const full = schema
    .relationships()
    .find(
      ({ referencing, referencingNavigation }) =>
        referencing === table.logicalName && referencingNavigation.toLowerCase() === `${name}${suffix}`,
    );
  return full && declaredNavigation(schema, table, full.referencingNavigation);
}

/** The navigation property by which a lookup column's row in this table is reached, as annotations name it. */
export function navigationName(schema: Schema, table: Table, column: Column, target: string): string {
  const relationship = schema
    .relationships()
    .find(
      ({ kind, referencing, referencingAttribute, referenced }) =>
        kind === 'OneToMany' &&
        referencing === table.logicalName &&
        referencingAttribute === column.logicalName &&
        referenced === target,
    );
  return relationship?.referencingNavigation ?? column.logicalName;
}
