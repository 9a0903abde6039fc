import type { Profile } from './systems.js';

/**
 * What sync.example.yaml says a contact must look like in Campaign, written by hand and not with the product's mapping, so that
 * a mistake in the one cannot hide in the other. Undefined: the row cannot be sent (a name longer than its Campaign field).
 */
export function expectedProfile(contact: Record<string, unknown>): Record<string, unknown> | undefined {
  const text = (column: string): string =>
    contact[column] === null || contact[column] === undefined ? '' : String(contact[column]);
  const firstName = text('firstname');
  const middleName = text('middlename');
  if ([...firstName].length > 30 || [...middleName].length > 30) return undefined;
  return {
    externalId: String(contact.contactid),
    firstName,
    middleName,
    lastName: text('lastname'),
    email: text('emailaddress1'),
    mobilePhone: text('mobilephone'),
    phone: text('telephone1'),
    birthDate: text('birthdate'),
    gender: contact.gendercode === 1 ? 'male' : contact.gendercode === 2 ? 'female' : 'unknown',
  };
}

export const mappedColumns = [
  'contactid',
  'firstname',
  'middlename',
  'lastname',
  'emailaddress1',
  'mobilephone',
  'telephone1',
  'birthdate',
  'gendercode',
];

/** The differences between what must be in Campaign and what is: empty when both systems are in step. */
export function differences(contacts: Record<string, unknown>[], profiles: Profile[]): string[] {
  const byKey = new Map<string, Profile[]>();
  for (const profile of profiles) {
    if (profile.externalId !== '')
      byKey.set(profile.externalId, [...(byKey.get(profile.externalId) ?? []), profile]);
  }
  const found: string[] = [];
  for (const contact of contacts) {
    const id = String(contact.contactid);
    const expected = expectedProfile(contact);
    const held = byKey.get(id) ?? [];
    byKey.delete(id);
    if (!expected) continue;
    if (held.length !== 1) found.push(`${id}: ${held.length} profiles`);
    const [profile] = held;
    for (const [field, value] of Object.entries(expected)) {
      if (profile && profile[field] !== value) {
        found.push(`${id}: ${field} is ${JSON.stringify(profile[field])}, not ${JSON.stringify(value)}`);
      }
    }
  }
  for (const id of byKey.keys()) found.push(`${id}: a profile without a contact`);
  return found;
}
