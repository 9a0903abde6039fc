/*
 * The mapping that a history runs on, and how it may be edited on the way: contacts with the parcels and items of parcels.ts.
 */

export const tables = ['contact', 'new_parcel', 'new_item'] as const;
export type Table = (typeof tables)[number];
export type Edition = 'standard' | 'v8';

export interface Variant {
  /** Only active rows: `keep` leaves the records of rows that leave the filter, `delete` does not. */
  filter: Record<Table, 'none' | 'keep' | 'delete'>;
  /** Whether an address that changes travels at once, or with a resync only. */
  emailFollows: boolean;
  nickname: boolean;
  weight: boolean;
  /** Whether women are sent as such; otherwise as unknown. */
  female: boolean;
  /** `narrow`: more than one deletion, and more than a tenth of what is managed, waits for a person. */
  brake: 'wide' | 'narrow';
}

export const firstVariant: Variant = {
  filter: { contact: 'none', new_parcel: 'none', new_item: 'none' },
  emailFollows: true,
  nickname: false,
  weight: true,
  female: true,
  brake: 'wide',
};

export function documentOf(variant: Variant, edition: Edition): string {
  const { emailFollows, nickname, weight, female } = variant;
  // v8 drops the prefix of custom filters (campaign.md §1).
  const addressBy = edition === 'v8' ? 'filter:crmid' : 'filter:bycrmid';
  return `version: 1
tables:
  - dynamics: new_item
    campaign: cusItem
    key: { to: cusCrmId, addressBy: ${addressBy} }
    fields: [{ from: new_name, to: cusName }, { from: new_pieces, to: cusPieces }]
    links: [{ from: new_parcelid, to: cusParcel, table: new_parcel, by: pkey }]
${rulesOf('new_item', variant)}
  - dynamics: new_parcel
    campaign: cusParcel
    key: { to: cusCrmId, addressBy: ${addressBy} }
    fields: [{ from: new_name, to: cusName }${weight ? ', { from: new_weight, to: cusWeight }' : ''}]
    links: [{ from: new_contactid, to: cusProfileId, table: contact, by: key, required: true }]
${rulesOf('new_parcel', variant)}
  - dynamics: contact
    campaign: profile
    key: { to: externalId }
    fields:
      - { from: firstname, to: firstName }
      - { from: middlename, to: middleName }
      - { from: lastname, to: lastName }
      - { from: birthdate, to: birthDate }
      - { from: emailaddress1, to: email, applyUpdates: ${emailFollows} }
      - { from: mobilephone, to: mobilePhone }
      - { from: gendercode, to: gender, choice: label }
      - { from: address1_city, to: location.city }
${nickname ? '      - { from: nickname, to: thumbnail }\n' : ''}\
    replacements:
      - { field: gendercode, from: 1, to: male }
      - { field: gendercode, from: 2, to: ${female ? 'female' : 'unknown'} }
${rulesOf('contact', variant)}
`;
}

function rulesOf(table: Table, { filter, brake }: Variant): string {
  const kind = filter[table];
  const where = 'where: [{ field: statecode, is: equal, value: 0 }]';
  const filters =
    kind === 'none' ? '' : `    filters: { ${where}, deleteFilteredOut: ${kind === 'delete'} }\n`;
  const share = brake === 'narrow' ? 'share: 10%, atLeast: 1' : 'share: 100%, atLeast: 1000';
  return `${filters}    deletionBrake: { ${share} }`;
}
