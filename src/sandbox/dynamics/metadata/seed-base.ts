import { randomUUID } from 'node:crypto';
import type { SandboxContext } from '../../context.js';
import type { Credentials } from '../../identity/credentials.js';
import type { Records } from '../records.js';
import type { Schema } from '../schema.js';
import { syncMessageFilters } from './message-filters.js';
import { syncRetention } from './retention.js';

const LANGUAGE_ENGLISH = 1033;
const DEFAULT_PREFIX = 'new';

/**
 * Inserts the rows that every organisation has: organisation, business unit, currency, the application user,
 * its default team, the default publisher and solution, and the bulk messages. Does nothing when they are
 * there. A new organisation gets a new id.
 */
export function seedBase(context: SandboxContext, schema: Schema, records: Records): void {
  if (records.count('organization') > 0) return;
  const currency = records.insert('transactioncurrency', {
    currencyname: 'Euro',
    isocurrencycode: 'EUR',
    currencysymbol: '€',
    currencyprecision: 2,
    exchangerate: 1,
  }).id;
  const organization = records.insert('organization', {
    name: 'orgsandbox',
    languagecode: LANGUAGE_ENGLISH,
    localeid: LANGUAGE_ENGLISH,
    isauditenabled: true,
    maxuploadfilesize: 5120,
    basecurrencyid: currency,
  }).id;
  const businessUnit = records.insert('businessunit', {
    name: 'orgsandbox',
    organizationid: organization,
  }).id;
  const user = records.insert('systemuser', {
    fullname: '# Contact synchronisation',
    firstname: '#',
    lastname: 'Contact synchronisation',
    domainname: 'contact-synchronisation@sandbox.example',
    internalemailaddress: 'contact-synchronisation@sandbox.example',
    applicationid: applicationId(context),
    azureactivedirectoryobjectid: randomUUID(),
    accessmode: 4,
    businessunitid: businessUnit,
  }).id;
  records.insert('team', {
    name: 'orgsandbox',
    isdefault: true,
    teamtype: 0,
    businessunitid: businessUnit,
    administratorid: user,
  });
  seedSolutions(records, user);
  syncRetention(context, records);
  syncMessageFilters(context, schema, records);
}

function seedSolutions(records: Records, user: string): void {
  const by = { createdby: user, modifiedby: user };
  const publisher = records.insert('publisher', {
    uniquename: 'DefaultPublisherorgsandbox',
    friendlyname: 'Default Publisher for orgsandbox',
    customizationprefix: DEFAULT_PREFIX,
    customizationoptionvalueprefix: 10_000,
    ...by,
  }).id;
  for (const [uniquename, friendlyname, isvisible] of [
    ['Default', 'Default Solution', true],
    ['Active', 'Active Solution', false],
  ] as const) {
    records.insert('solution', {
      uniquename,
      friendlyname,
      isvisible,
      version: '1.0',
      publisherid: publisher,
      ...by,
    });
  }
}

function applicationId(context: SandboxContext): string {
  return context.store.collection<Credentials>('credentials').get('current')?.clientId ?? randomUUID();
}
