import type { ParkedRowView } from '../../src/contracts.js';
import { tables, type Edition, type Table, type Variant } from './convergence-mapping.js';
import type { Profile } from './systems.js';

/*
 * What must be in Campaign for what is in Dynamics: written by hand from the mapping's words and not with the product's code.
 * A record that a row must no longer have, and may have had before, is allowed where the mapping says that it stays.
 */

export interface Row {
  id: string;
  active: boolean;
  /** The row's parent in the table before it. */
  parent?: string;
  columns: Record<string, unknown>;
}

/** Both systems as they are, read by a user, and what the service says that it has set aside. */
export interface Observed {
  rows: Record<Table, Row[]>;
  /** Our records and those of others, by key; each with the key of the record that its link leads to. */
  records: Record<Table, Map<string, { record: Profile; leadsTo: string | undefined }[]>>;
  parked: Record<Table, Map<string, ParkedRowView>>;
  held: Record<Table, Set<string>>;
}

export interface Terms {
  variant: Variant;
  edition: Edition;
  disowned: ReadonlySet<string>;
  /** Keys of records that were never ours. */
  strangers: ReadonlySet<string>;
  /** A verify has been: fields that do not follow updates must be right as well. */
  verified: boolean;
}

/**
 * Whether children may lead to a row's record: it is there and ours. Of a disowned one only a look would tell, and one that goes takes
 * no child any more, but cannot go while a person has not decided on a child.
 */
type Landed = 'yes' | 'no' | 'maybe' | 'going';

/** All that is not as it must be. */
export function differences(observed: Observed, terms: Terms): string[] {
  const found: string[] = [];
  let parents = new Map<string, Landed>();
  for (const table of tables) {
    const landed = new Map<string, Landed>();
    const withHeldChildren = parentsOfHeld(table, observed);
    for (const row of observed.rows[table]) {
      const judged = judge(table, row, { parents, withHeldChildren }, observed, terms);
      found.push(...judged.faults.map((fault) => `${table} ${row.id}: ${fault}`));
      landed.set(row.id, judged.landed);
    }
    found.push(...withoutRow(table, observed, terms, withHeldChildren).map((fault) => `${table} ${fault}`));
    parents = landed;
  }
  return found;
}

/** Ids of the records that a held child's record leads to. */
function parentsOfHeld(table: Table, { records, held }: Observed): Set<string> {
  const children = tables[tables.indexOf(table) + 1];
  if (!children) return new Set();
  const ofHeld = [...held[children]].flatMap((id) => records[children].get(id) ?? []);
  return new Set(ofHeld.flatMap(({ leadsTo }) => leadsTo ?? []));
}

function judge(
  table: Table,
  row: Row,
  { parents, withHeldChildren }: { parents: Map<string, Landed>; withHeldChildren: Set<string> },
  { records, parked, held }: Observed,
  terms: Terms,
): { faults: string[]; landed: Landed } {
  const mine = records[table].get(row.id) ?? [];
  const park = parked[table].get(row.id);
  const isHeld = held[table].has(row.id);
  const isDisowned = terms.disowned.has(row.id);
  const faults: string[] = [];
  const landed: Landed = mine.length === 0 ? 'no' : isDisowned ? 'maybe' : 'yes';
  const told = park ? `${park.code} ${park.field ?? ''}` : 'not parked';
  if (mine.length > 1) faults.push(`${mine.length} records`);
  const leadsToOneThatGoes = mine.some(
    ({ leadsTo }) => leadsTo !== undefined && (parents.get(leadsTo) ?? 'going') === 'going',
  );

  const kind = terms.variant.filter[table];
  const isOut = kind !== 'none' && !row.active;
  const isBare = table === 'new_parcel' && row.parent === undefined;
  if (isOut || isBare) {
    if (park) faults.push(`is filtered, and ${told}`);
    const mustGo = isBare && !isOut ? true : kind === 'delete';
    const waits = withHeldChildren.has(row.id);
    if (mustGo && mine.length > 0 && !isHeld && !isDisowned && !waits)
      faults.push('its record is still there');
    const mayGo = mustGo || leadsToOneThatGoes;
    if (!mayGo && isHeld) faults.push('is held, and nothing asks for its deletion');
    return { faults, landed: waits && mayGo ? 'going' : landed };
  }
  if (isHeld && leadsToOneThatGoes)
    return { faults, landed: withHeldChildren.has(row.id) ? 'going' : 'maybe' };
  if (isHeld) faults.push('is held, and is to be there');
  const parent = row.parent === undefined ? 'yes' : (parents.get(row.parent) ?? 'no');
  const tooLong = longField(table, row);
  if (tooLong !== undefined) {
    if (park?.code !== 'TEXT_TOO_LONG' || park.field !== tooLong)
      faults.push(`${tooLong} is too long, and it is ${told}`);
    return { faults, landed };
  }
  if (parent === 'no' || (parent !== 'yes' && park)) {
    if (park && park.code !== 'PARENT_MISSING') faults.push(`its parent is missing, and it is ${told}`);
    return { faults, landed };
  }
  // A person kept it in Campaign, and approved what it leads to.
  if (isDisowned && park?.code === 'HIDDEN_IN_CAMPAIGN') return { faults, landed };
  if (park) faults.push(`is ${told}`);
  const [only] = mine;
  if (!only) faults.push('no record');
  else faults.push(...wrongValues(table, row, only, terms));
  return { faults, landed };
}

/** Records, parked and held rows of ids that Dynamics has no more. */
function withoutRow(
  table: Table,
  { rows, records, parked, held }: Observed,
  { disowned, strangers }: Terms,
  withHeldChildren: Set<string>,
): string[] {
  const ids = new Set(rows[table].map(({ id }) => id));
  const isGone = (id: string): boolean => !ids.has(id);
  return [
    ...[...records[table].keys()]
      .filter(
        (key) =>
          isGone(key) &&
          !strangers.has(key) &&
          !held[table].has(key) &&
          !disowned.has(key) &&
          !withHeldChildren.has(key),
      )
      .map((key) => `${key}: a record without a row`),
    ...[...parked[table].keys()].filter(isGone).map((id) => `${id}: parked, and there is no such row`),
  ];
}

const text = ({ columns }: Row, column: string): string => {
  const value = columns[column];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

function longField(table: Table, row: Row): string | undefined {
  const isLonger = (column: string, length: number): boolean => [...text(row, column)].length > length;
  if (table !== 'contact') return isLonger('new_name', 40) ? 'cusName' : undefined;
  if (isLonger('firstname', 30)) return 'firstName';
  return isLonger('middlename', 30) ? 'middleName' : undefined;
}

function wrongValues(
  table: Table,
  row: Row,
  { record, leadsTo }: { record: Profile; leadsTo: string | undefined },
  terms: Terms,
): string[] {
  const wrong = Object.entries(expectedValues(table, row, terms)).flatMap(([field, value]) =>
    record[field] === value
      ? []
      : [`${field} is ${JSON.stringify(record[field])}, not ${JSON.stringify(value)}`],
  );
  if (table !== 'contact' && leadsTo !== row.parent)
    wrong.push(`its link leads to ${leadsTo ?? 'nothing'}, not to ${row.parent ?? 'nothing'}`);
  const city = (record.location as { city?: string } | undefined)?.city;
  // v8 takes a profile's location with a new record only (campaign.md §1).
  if (table === 'contact' && terms.edition === 'standard' && city !== text(row, 'address1_city'))
    wrong.push(`location.city is ${JSON.stringify(city)}`);
  return wrong;
}

function expectedValues(table: Table, row: Row, { variant, verified }: Terms): Record<string, unknown> {
  switch (table) {
    case 'contact':
      return {
        firstName: text(row, 'firstname'),
        middleName: text(row, 'middlename'),
        lastName: text(row, 'lastname'),
        birthDate: text(row, 'birthdate'),
        mobilePhone: text(row, 'mobilephone'),
        gender: genderOf(row.columns.gendercode, variant),
        ...((variant.emailFollows || verified) && { email: text(row, 'emailaddress1') }),
        ...(variant.nickname && { thumbnail: text(row, 'nickname') }),
      };
    case 'new_parcel':
      return {
        cusName: text(row, 'new_name'),
        ...(variant.weight && { cusWeight: row.columns.new_weight }),
      };
    case 'new_item':
      return { cusName: text(row, 'new_name'), cusPieces: row.columns.new_pieces };
  }
}

function genderOf(code: unknown, { female }: Variant): string {
  if (code === 1) return 'male';
  return code === 2 && female ? 'female' : 'unknown';
}
