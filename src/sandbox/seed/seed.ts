import type { SandboxContext } from '../context.js';
import type { Records } from '../dynamics/records.js';
import { drawContact, dataverseTime, type Columns } from './contact.js';
import { createRandom, guid, pick, type Random } from './random.js';

/** What a seed makes: the same rows, ids included, for the same numbers. */
export interface SeedPlan {
  contacts: number;
  seed: number;
}

/** So many rows lie between two commits: memory stays level, and the log is written in large pieces. */
export const ROWS_PER_COMMIT = 1000;

const ACCOUNT_NAMES = [
  'Blumenhaus Köhler GmbH & Co. KG',
  "O'Neill & Daughters Ltd",
  'Société Générale de Pâtisserie',
  'Müller & Söhne AG',
  'Ångström Elektronik AB',
  '株式会社さくら商事',
  'شركة النخيل للتجارة',
  'Żabka Księgarnia sp. z o.o.',
  'Café "El Niño" S.L.',
  'Contoso Sample Works',
];

/** Fills the contact table, and a few accounts for contacts to belong to, through the same store as the protocol. */
export function seedContacts(context: SandboxContext, records: Records, plan: SeedPlan): void {
  const random = createRandom(plan.seed);
  const accountIds = plan.contacts > 0 ? seedAccounts(records, random) : [];
  const recentEmails: string[] = [];
  for (let index = 0; index < plan.contacts; index += 1) {
    const earlierEmail = recentEmails.length > 0 ? pick(random, recentEmails) : undefined;
    const columns = drawContact(random, { index, accountIds, earlierEmail });
    rememberEmail(recentEmails, columns);
    records.insert('contact', columns);
    if (index % ROWS_PER_COMMIT === ROWS_PER_COMMIT - 1) context.store.commit();
  }
  context.store.commit();
}

function seedAccounts(records: Records, random: Random): string[] {
  return ACCOUNT_NAMES.map((name, index) => {
    const createdon = dataverseTime(Date.UTC(2018, index, 1, 9, 30));
    return records.insert('account', { accountid: guid(random), name, createdon, modifiedon: createdon }).id;
  });
}

function rememberEmail(recent: string[], columns: Columns): void {
  const email = columns['emailaddress1'];
  if (typeof email === 'string' && recent.length < 200) recent.push(email);
}
