import type { SandboxContext } from '../context.js';
import type { Records, StoredRow } from '../dynamics/records.js';
import { drawContact, type Columns } from './contact.js';
import { drawPerson, fillDigits } from './person.js';
import { chance, createRandom, guid, pick, type Random } from './random.js';
import { ROWS_PER_COMMIT } from './seed.js';

export interface BulkChange {
  change: number;
  create: number;
  delete: number;
}

/** Ids of the rows that were touched; each list ends after 10,000. */
export interface BulkChangeResult {
  changed: string[];
  created: string[];
  deleted: string[];
  counts: BulkChange;
}

const LISTED = 10_000;

/**
 * Changes, creates and deletes contacts at once, as a busy day would, through the same store and version
 * counter as the protocol. No row is both changed and deleted. Where there are fewer rows than asked for,
 * `counts` tells how many there were. The same state and seed yield the same changes.
 */
export function changeContacts(
  context: SandboxContext,
  records: Records,
  asked: BulkChange,
  seed: number,
): BulkChangeResult {
  const random = createRandom(seed ^ records.version());
  const accountIds = [...records.rows('account')].map((row) => row.id);
  const result: BulkChangeResult = {
    changed: [],
    created: [],
    deleted: [],
    counts: { change: 0, create: 0, delete: 0 },
  };
  let sinceCommit = 0;

  function touched(list: string[], id: string, kind: keyof BulkChange): void {
    result.counts[kind] += 1;
    if (list.length < LISTED) list.push(id);
    sinceCommit += 1;
    if (sinceCommit % ROWS_PER_COMMIT === 0) context.store.commit();
  }

  const chosen = drawIds(records, random, asked.change + asked.delete);
  for (const id of chosen.slice(0, asked.change)) {
    const row = records.get('contact', id);
    if (!row) continue;
    records.update('contact', id, drawEdit(random, row));
    touched(result.changed, id, 'change');
  }
  for (const id of chosen.slice(asked.change)) {
    records.remove('contact', id);
    touched(result.deleted, id, 'delete');
  }
  for (let made = 0; made < asked.create; made += 1) {
    const {
      createdon: _created,
      modifiedon: _modified,
      ...columns
    } = drawContact(random, { index: made, accountIds, earlierEmail: undefined });
    const row = records.insert('contact', { ...columns, contactid: guid(random) });
    touched(result.created, row.id, 'create');
  }
  context.store.commit();
  return result;
}

/** Distinct ids at random: the first steps of a shuffle. */
function drawIds(records: Records, random: Random, amount: number): string[] {
  const ids = Array.from(records.rows('contact'), (row) => row.id);
  const wanted = Math.min(amount, ids.length);
  for (let place = 0; place < wanted; place += 1) {
    const other = place + Math.floor(random() * (ids.length - place));
    [ids[place], ids[other]] = [ids[other] as string, ids[place] as string];
  }
  return ids.slice(0, wanted);
}

/** One thing that happens to people: a move, a new number, a marriage, a changed mind. Never a change to the same value. */
function drawEdit(random: Random, row: StoredRow): Columns {
  const edit = pick(random, [moved, newNumber, newEmail, newName, changedConsent, promoted])(random, row);
  const differs = Object.entries(edit).some(([name, value]) => row.values[name] !== value);
  return differs ? edit : changedConsent(random, row);
}

function moved(random: Random): Columns {
  const person = drawPerson(random);
  return {
    address1_line1: person.addressLine,
    address1_city: person.city.name,
    address1_postalcode: person.postalCode,
    address1_county: person.city.county ?? null,
    address1_country: person.locale.country,
  };
}

function newNumber(random: Random): Columns {
  const column = chance(random, 0.5) ? 'mobilephone' : 'telephone1';
  return { [column]: fillDigits(random, drawPerson(random).locale.mobile) };
}

const newEmail = (random: Random): Columns => ({ emailaddress1: drawPerson(random).email });

const newName = (random: Random): Columns => ({ lastname: drawPerson(random).lastName });

const promoted = (random: Random): Columns => ({ jobtitle: `Head of Unit ${Math.floor(random() * 10_000)}` });

function changedConsent(random: Random, row: StoredRow): Columns {
  const column = pick(random, ['donotemail', 'donotbulkemail', 'donotphone', 'donotpostalmail']);
  return { [column]: row.values[column] !== true };
}
