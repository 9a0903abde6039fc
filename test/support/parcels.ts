import { defineTable } from './customiser.js';
import type { Systems } from './systems.js';

/*
 * A company's own tables, three deep: a contact has parcels, a parcel has items. In Campaign a parcel joins to its profile on
 * a field (an inner join, which hides it without its profile: the link is required) and an item leads to its parcel by PKey.
 */

export const PARCELS = 'profileAndServicesExt/cusParcel';
export const ITEMS = 'profileAndServicesExt/cusItem';

export async function defineParcels(systems: Systems): Promise<void> {
  await defineTable(systems, 'new_Parcel', [
    { name: 'new_Weight', type: 'Decimal' },
    { name: 'new_ContactId', type: 'Lookup', to: 'contact' },
  ]);
  await defineTable(systems, 'new_Item', [
    { name: 'new_Pieces', type: 'Integer' },
    { name: 'new_ParcelId', type: 'Lookup', to: 'new_parcel' },
  ]);
  await systems.sandbox.dataModel({
    resources: [
      {
        name: 'cusParcel',
        schema: 'cus:cusParcel',
        label: 'Parcels',
        endpoints: ['profileAndServicesExt'],
        keys: ['cusCrmId'],
        fields: {
          cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
          cusName: { type: 'string', label: 'Name', length: 40 },
          cusWeight: { type: 'double', label: 'Weight' },
          cusProfileId: { type: 'string', label: 'Profile id', length: 36 },
          cusProfile: {
            type: 'link',
            label: 'Profile',
            target: 'profile',
            join: { field: 'cusProfileId', targetField: 'externalId' },
            cardinality: '1',
          },
        },
      },
      {
        name: 'cusItem',
        schema: 'cus:cusItem',
        label: 'Items',
        endpoints: ['profileAndServicesExt'],
        keys: ['cusCrmId'],
        fields: {
          cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
          cusName: { type: 'string', label: 'Name', length: 40 },
          cusPieces: { type: 'long', label: 'Pieces' },
          cusParcel: { type: 'link', label: 'Parcel', target: 'cusParcel' },
        },
      },
    ],
    filters: ['cusParcel', 'cusItem'].map((resource) => ({
      resource,
      name: 'bycrmid',
      label: 'By CRM id',
      conditions: [{ fields: ['cusCrmId'], operator: '=', parameter: 'crmid_parameter' }],
    })),
  });
}

/** Both tables, children first on purpose: the order of the file is not the order of the work. */
export const parcelsMapping = `
  - dynamics: new_item
    campaign: cusItem
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_name, to: cusName }, { from: new_pieces, to: cusPieces }]
    links: [{ from: new_parcelid, to: cusParcel, table: new_parcel, by: pkey }]
  - dynamics: new_parcel
    campaign: cusParcel
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_name, to: cusName }, { from: new_weight, to: cusWeight }]
    links: [{ from: new_contactid, to: cusProfileId, table: contact, by: key, required: true }]
`;
