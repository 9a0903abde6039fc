import type { FieldDefinition, FilterDefinition, ResourceDefinition } from './definitions.js';
import { EMAIL_FORMATS, GENDERS, MESSAGE_TYPES, PREFERRED_LANGUAGES, TIME_ZONES } from './enumerations.js';

const text = (label: string, length: number): FieldDefinition => ({ type: 'string', label, length });
const computed = (label: string, length = 255): FieldDefinition => ({
  type: 'string',
  label,
  length,
  readOnly: true,
});
const stamp = (label: string, stampOf?: string): FieldDefinition => ({
  type: 'datetime',
  label,
  readOnly: true,
  ...(stampOf === undefined ? {} : { stampOf }),
});
const flag = (label: string): FieldDefinition => ({ type: 'boolean', label });

/** Fields that the system keeps on every resource. */
export const SYSTEM_FIELDS: Record<string, FieldDefinition> = {
  created: stamp('Created'),
  createdBy: computed('Created by', 100),
  lastModified: stamp('Last modified'),
  modifiedBy: computed('Modified by', 100),
};

const location: Record<string, FieldDefinition> = {
  address1: text('Address 1', 100),
  address2: text('Address 2', 100),
  address3: text('Address 3', 100),
  address4: text('Address 4', 100),
  city: text('City', 100),
  zipCode: text('Zip/Postcode', 15),
  stateCode: text('State/Province', 10),
  countryCode: text('Country', 3),
};

const postalAddress: Record<string, FieldDefinition> = {
  ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((line) => [`line${line}`, computed(`Line ${line}`)])),
  serialized: computed('Postal address', 2000),
  addrDefined: { type: 'boolean', label: 'Address specified', readOnly: true },
  addrErrorCount: { type: 'long', label: 'Number of errors', readOnly: true },
  addrLastCheck: stamp('Last checked'),
  addrQuality: computed('Address quality', 1),
};

/** The profile of campaign.md §4, under the `blackList*` names it has on the wire. */
export const PROFILE: ResourceDefinition = {
  name: 'profile',
  schema: 'nms:recipient',
  label: 'Profiles',
  endpoints: ['profileAndServices', 'profileAndServicesExt'],
  fields: {
    acsId: { type: 'uuid', label: 'ACS ID', length: 40, readOnly: true },
    age: { type: 'long', label: 'Age', readOnly: true },
    birthDate: { type: 'date', label: 'Birth date' },
    blackList: flag('No longer contact (by any channel)'),
    blackListAllLastModified: stamp(
      'Date of the change of "No longer contact (by any channel)"',
      'blackList',
    ),
    blackListEmail: flag('No longer contact by email'),
    blackListEmailLastModified: stamp('Date of the change of "No longer contact by email"', 'blackListEmail'),
    blackListFax: flag('No longer contact by fax'),
    blackListFaxLastModified: stamp('Date of the change of "No longer contact by fax"', 'blackListFax'),
    blackListLastModified: stamp('Date of the last change of "No longer contact"', 'blackList'),
    blackListMobile: flag('No longer contact by SMS/MMS'),
    blackListMobileLastModified: stamp(
      'Date of the change of "No longer contact by SMS/MMS"',
      'blackListMobile',
    ),
    blackListPhone: flag('No longer contact by phone'),
    blackListPhoneLastModified: stamp('Date of the change of "No longer contact by phone"', 'blackListPhone'),
    blackListPostalMail: flag('No longer contact by direct mail'),
    blackListPostalMailLastModified: stamp(
      'Date of the change of "No longer contact by direct mail"',
      'blackListPostalMail',
    ),
    blackListPushnotification: flag('No longer contact by push notification'),
    ccpaOptOut: flag('CCPA opt-out'),
    ccpaOptOutLastModified: stamp('Date of the change of "CCPA opt-out"', 'ccpaOptOut'),
    created: stamp('Created'),
    createdBy: computed('Created by', 100),
    cryptedId: computed('Encrypted identifier'),
    domain: computed('Email domain'),
    email: text('Email', 128),
    emailFormat: { type: 'enum', label: 'Email format', values: EMAIL_FORMATS },
    externalId: text('External ID', 100),
    fax: text('Fax', 32),
    firstName: text('First name', 30),
    gender: { type: 'enum', label: 'Gender', values: GENDERS },
    isExternal: flag('External'),
    lastModified: stamp('Last modified'),
    lastName: text('Last name', 50),
    location: { type: 'object', label: 'Location', fields: location },
    middleName: text('Middle name', 30),
    mobilePhone: text('Mobile', 32),
    modifiedBy: computed('Modified by', 100),
    phone: text('Phone', 32),
    postalAddress: { type: 'object', label: 'Postal address', readOnly: true, fields: postalAddress },
    preferredLanguage: { type: 'enum', label: 'Preferred language', values: PREFERRED_LANGUAGES, length: 15 },
    salutation: text('Title', 20),
    subscriptions: {
      type: 'collection',
      label: 'Subscriptions',
      target: 'subscription',
      mappedBy: 'subscriber',
    },
    thumbnail: text('Thumbnail', 255),
    timeZone: { type: 'enum', label: 'Time zone', values: TIME_ZONES, length: 64 },
    title: computed('Title'),
  },
};

export const SERVICE: ResourceDefinition = {
  name: 'service',
  schema: 'nms:service',
  label: 'Services',
  endpoints: ['profileAndServices', 'profileAndServicesExt'],
  identificationKey: 'name',
  fields: {
    ...SYSTEM_FIELDS,
    isTemplate: { type: 'boolean', label: 'Template', readOnly: true },
    label: text('Label', 128),
    limitedDuration: flag('Limited duration'),
    messageType: {
      type: 'enum',
      label: 'Channel',
      values: MESSAGE_TYPES,
      enumeration: 'nms:recipient:messageType',
    },
    mode: {
      type: 'enum',
      label: 'Mode',
      values: [
        { name: 'newsletter', value: 0, label: 'Newsletter' },
        { name: 'viral', value: 1, label: 'Viral' },
      ],
    },
    name: text('ID', 64),
    subscriptions: {
      type: 'collection',
      label: 'Subscriptions',
      target: 'subscription',
      mappedBy: 'service',
    },
    targetResource: { type: 'string', label: 'Target resource', length: 64, default: 'profile' },
  },
};

export const SUBSCRIPTION: ResourceDefinition = {
  name: 'subscription',
  schema: 'nms:subscription',
  label: 'Subscriptions',
  endpoints: ['profileAndServices', 'profileAndServicesExt'],
  nested: true,
  fields: {
    created: stamp('Created'),
    service: { type: 'link', label: 'Service', target: 'service', mandatory: true },
    subscriber: { type: 'link', label: 'Subscriber', target: 'profile', mandatory: true },
  },
};

/** Filters that come with Campaign (campaign.md §3), as far as they can be told from public material. */
export const BASE_FILTERS: FilterDefinition[] = [
  {
    resource: 'profile',
    name: 'byText',
    label: 'By name or email',
    conditions: [
      {
        fields: ['email', 'firstName', 'lastName'],
        operator: 'startsWith',
        parameter: 'text',
        fieldParameter: 'filterType',
      },
    ],
  },
  {
    resource: 'profile',
    name: 'byEmail',
    label: 'By email',
    conditions: [{ fields: ['email'], operator: '=', parameter: 'email' }],
  },
  {
    resource: 'profile',
    name: 'byKeysProfile',
    label: 'By keys',
    conditions: [{ fields: ['email'], operator: '=', parameter: 'email' }],
  },
  {
    resource: 'service',
    name: 'byText',
    label: 'By text',
    conditions: [{ fields: ['label', 'name'], operator: 'startsWith', parameter: 'text' }],
  },
  {
    resource: 'service',
    name: 'byChannel',
    label: 'By channel',
    conditions: [{ fields: ['messageType'], operator: '=', parameter: 'channel' }],
  },
  {
    resource: 'service',
    name: 'byTargetResource',
    label: 'By target resource',
    conditions: [{ fields: ['targetResource'], operator: '=', parameter: 'targetResource' }],
  },
];

/**
 * Custom filters that the sandbox's tenant has defined: Campaign has none for "modified since" and none by
 * key. Their parameters carry the suffix that the user interface generates.
 */
export const TENANT_FILTERS: FilterDefinition[] = [
  {
    resource: 'profile',
    name: 'bymodifiedsince',
    restName: 'modifiedsince',
    label: 'Modified since',
    conditions: [{ fields: ['lastModified'], operator: '>=', parameter: 'lm_parameter' }],
  },
  {
    resource: 'profile',
    name: 'byexternalid',
    restName: 'externalid',
    label: 'By external id',
    conditions: [{ fields: ['externalId'], operator: '=', parameter: 'externalid_parameter' }],
  },
];
