import { targetOf } from '../dynamics/column-values.js';
import { drawPerson, fillDigits, type Person } from './person.js';
import { chance, guid, pick, whole, type Random } from './random.js';

/** Columns of one row, by logical name; a column that is not set is absent. */
export type Columns = Record<string, unknown>;

/** What is not drawn but counted, so that a seed of a known size has known exceptions. */
export interface ContactPlace {
  /** Position in the seed, from 0. */
  index: number;
  /** Rows that a contact may belong to. */
  accountIds: readonly string[];
  /** An address that was given before, for the few who share one. */
  earlierEmail: string | undefined;
}

/** First names of the column's full 50 characters, which many a target cannot hold: 2 per 1,000. */
const isLongNamed = (index: number): boolean => index % 500 === 137;
/** 8 per 1,000. */
const isInactive = (index: number): boolean => index % 125 === 60;
/** An emoji in the first name: 2 per 1,000. */
const hasEmoji = (index: number): boolean => index % 500 === 311;

/** In the company's language, whatever the person's. */
const JOBS = [
  'Buyer',
  'Chief Engineer',
  'Head of Sales',
  'Office Manager',
  'Founder & CEO 🚀',
  'Nurse',
  'Student',
  'Purchasing, 2nd shift',
];
const SALUTATIONS = { female: ['Ms.', 'Mrs.', 'Dr.', 'Prof.'], male: ['Mr.', 'Dr.', 'Prof.'] };
const EMOJI = ['🌸', '✨', '👩‍🚀', '🇳🇴', '❤️'];

/** A contact with realistic columns of the Dataverse table (dataverse.md §8), dates and id included. */
export function drawContact(random: Random, place: ContactPlace): Columns {
  const person = drawPerson(random);
  const created = drawMoment(random, Date.UTC(2019, 0, 1), Date.UTC(2025, 5, 30));
  const columns: Columns = {
    contactid: guid(random),
    firstname: firstName(person, place.index),
    lastname: person.lastName,
    gendercode: person.female ? 2 : 1,
    address1_country: person.locale.country,
    createdon: dataverseTime(created),
    modifiedon: dataverseTime(drawMoment(random, created, Date.UTC(2025, 11, 31))),
  };
  addReachability(columns, person, random, place);
  addAddress(columns, person, random);
  addPersonalDetails(columns, person, random);
  addConsent(columns, random);
  if (place.accountIds.length > 0 && chance(random, 0.15)) {
    columns['parentcustomerid'] = pick(random, place.accountIds);
    columns[targetOf('parentcustomerid')] = 'account';
  }
  if (isInactive(place.index)) Object.assign(columns, { statecode: 1, statuscode: 2 });
  thinOut(columns, random, place.index);
  return columns;
}

function firstName(person: Person, index: number): string {
  if (isLongNamed(index)) return longName(person);
  return hasEmoji(index) ? `${person.firstName} ${EMOJI[index % EMOJI.length]}` : person.firstName;
}

/** Given names of the same language, one after another, cut at the column's 50 characters. */
function longName(person: Person): string {
  const names = (person.female ? person.locale.women : person.locale.men).map(
    (name) => name.split('|')[0] ?? name,
  );
  let joined = person.firstName;
  for (let next = 0; joined.length < 50; next += 1) joined += ` ${names[next % names.length]}`;
  return joined.slice(0, 50).replace(/\s$/, 'o');
}

function addReachability(columns: Columns, person: Person, random: Random, place: ContactPlace): void {
  const shared = chance(random, 0.01);
  columns['emailaddress1'] = shared && place.earlierEmail !== undefined ? place.earlierEmail : person.email;
  if (chance(random, 0.6)) columns['telephone1'] = fillDigits(random, person.locale.phone);
  if (chance(random, 0.7)) columns['mobilephone'] = fillDigits(random, person.locale.mobile);
  if (chance(random, 0.05)) columns['fax'] = fillDigits(random, person.locale.phone);
}

function addAddress(columns: Columns, person: Person, random: Random): void {
  columns['address1_line1'] = person.addressLine;
  columns['address1_city'] = person.city.name;
  columns['address1_postalcode'] = person.postalCode;
  if (person.city.county !== undefined) columns['address1_county'] = person.city.county;
  if (chance(random, 0.1))
    columns['address1_line2'] = `${pick(random, ['2', '3', '14'])}/${pick(random, ['A', 'B', 'C'])}`;
}

function addPersonalDetails(columns: Columns, person: Person, random: Random): void {
  if (chance(random, 0.7))
    columns['birthdate'] = new Date(drawMoment(random, Date.UTC(1935, 0, 1), Date.UTC(2007, 0, 1)))
      .toISOString()
      .slice(0, 10);
  if (chance(random, 0.3))
    columns['salutation'] = pick(random, person.female ? SALUTATIONS.female : SALUTATIONS.male);
  if (chance(random, 0.25)) columns['jobtitle'] = pick(random, JOBS);
  if (chance(random, 0.05)) columns['middlename'] = person.firstName.slice(0, 1);
  if (chance(random, 0.1)) columns['familystatuscode'] = whole(random, 1, 4);
  if (chance(random, 0.2)) columns['preferredcontactmethodcode'] = whole(random, 1, 5);
  if (chance(random, 0.03))
    columns['description'] = 'Asked to be called after 6 pm.\nSpeaks several languages 🙂';
}

/** Most people never touched these: the columns then have the table's own defaults. */
function addConsent(columns: Columns, random: Random): void {
  if (chance(random, 0.08)) columns['donotemail'] = true;
  if (chance(random, 0.12)) columns['donotbulkemail'] = true;
  if (chance(random, 0.05)) columns['donotphone'] = true;
  if (chance(random, 0.03)) columns['donotpostalmail'] = true;
  if (chance(random, 0.02)) columns['donotfax'] = true;
  if (chance(random, 0.02)) columns['followemail'] = false;
}

/** People about whom little is known. The long-named keep their name, which is what they are for. */
function thinOut(columns: Columns, random: Random, index: number): void {
  if (chance(random, 0.015)) delete columns['emailaddress1'];
  if (chance(random, 0.02)) delete columns['gendercode'];
  if (chance(random, 0.01) && !isLongNamed(index)) delete columns['firstname'];
  if (!chance(random, 0.12)) return;
  for (const name of Object.keys(columns)) if (name.startsWith('address1_')) delete columns[name];
}

const drawMoment = (random: Random, fromMs: number, toMs: number): number =>
  fromMs + Math.floor((random() * (toMs - fromMs)) / 1000) * 1000;

/** Dataverse keeps and shows whole seconds. */
export const dataverseTime = (milliseconds: number): string =>
  new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z');
