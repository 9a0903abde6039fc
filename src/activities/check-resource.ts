import { randomUUID } from 'node:crypto';
import type { Address, FieldMetadata, ResourceMetadata } from '../campaign/client.js';
import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { readAddressBy, readConstantAddress } from '../mapping/links.js';
import type { ConstantLink, TableMapping } from '../mapping/schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { fault, faultOf, fine, listed, looked, seenOrFault, warning, type About } from './findings.js';

/** The Campaign half of one table's mapping. */
export interface CheckedResource {
  findings: Finding[];
  /** Absent: the resource could not be read. */
  resource?: ResourceMetadata;
}

const GUID_LENGTH = 36;
/** Records that are looked at for a known key. */
const SAMPLE_SIZE = 25;

/** Whether the resource, the fields that the mapping fills, its key and its constant links are there. */
export async function checkResource(
  dependencies: ActivityDependencies,
  mapping: TableMapping,
  options: CallOptions,
): Promise<CheckedResource> {
  const { campaign } = dependencies;
  const name = mapping.campaign;
  const seen = await seenOrFault({ area: 'resource', subject: name }, () => campaign.resource(name, options));
  if ('fault' in seen) return { findings: [seen.fault] };
  const resource = seen.value;
  const constants = mapping.links.filter((link): link is ConstantLink => 'resource' in link);
  const looks = await Promise.all([
    addressFindings(dependencies, mapping, resource, options),
    ...constants.map((link) => constantFindings(dependencies, name, link, options)),
  ]);
  return {
    resource,
    findings: [
      ...targetFindings(mapping, resource),
      ...mandatoryFindings(mapping, resource),
      ...insertOnlyFindings(mapping, resource),
      ...keyFieldFindings(mapping, resource),
      ...looks.flat(),
    ],
  };
}

const fieldOf = ({ fields }: ResourceMetadata, path: string): FieldMetadata | undefined =>
  Object.hasOwn(fields, path) ? fields[path] : undefined;

/** Key, fields and links that the mapping fills. */
const targetsOf = ({ key, fields, links }: TableMapping): string[] => [
  key.to,
  ...[...fields, ...links].map(({ to }) => to),
];

function targetFindings(mapping: TableMapping, resource: ResourceMetadata): Finding[] {
  const targets = targetsOf(mapping);
  const findings = targets.flatMap((to) => {
    const about: About = { area: 'fields', subject: `${resource.name}.${to}` };
    const field = fieldOf(resource, to);
    if (!field) return [unknownField(about, to, resource)];
    if (!field.readOnly) return [];
    return [fault(about, 'it is read-only', 'Map the column to another field, or to none.', 'FIELD_UNKNOWN')];
  });
  if (findings.length > 0) return findings;
  return [
    fine({ area: 'fields', subject: resource.name }, `${targets.length} fields are there and writable`),
  ];
}

function unknownField(about: About, to: string, { fields }: ResourceMetadata): Finding {
  const parts = Object.keys(fields).filter((path) => path.startsWith(`${to}.`));
  if (parts.length > 0)
    return fault(
      about,
      'it is an object and takes no value itself',
      `Name one of its fields: ${listed(parts)}.`,
      'FIELD_UNKNOWN',
    );
  return faultOf(about, 'FIELD_UNKNOWN');
}

function mandatoryFindings(mapping: TableMapping, { name, fields }: ResourceMetadata): Finding[] {
  const filled = new Set(targetsOf(mapping));
  return Object.values(fields)
    .filter(({ path, mandatory, readOnly }) => mandatory && !readOnly && !filled.has(path))
    .map(({ path }) =>
      fault(
        { area: 'fields', subject: `${name}.${path}` },
        'Campaign demands a value for it, and the mapping has none',
        'Map a column to it, or give it a constant `value` in sync.yaml.',
        'CAMPAIGN_REFUSED',
      ),
    );
}

function insertOnlyFindings(mapping: TableMapping, resource: ResourceMetadata): Finding[] {
  const paths = targetsOf(mapping).filter((to) => fieldOf(resource, to)?.insertOnly);
  if (paths.length === 0) return [];
  return [
    warning(
      { area: 'fields', subject: resource.name },
      `Campaign v8 takes ${listed(paths)} with new records only`,
      'Nothing can be done here: changes of these fields do not reach Campaign.',
    ),
  ];
}

function keyFieldFindings({ key }: TableMapping, resource: ResourceMetadata): Finding[] {
  const about: About = { area: 'key', subject: `${resource.name}.${key.to}` };
  const field = fieldOf(resource, key.to);
  // That it is missing or read-only is told with the other fields.
  if (!field) return [];
  const next = 'Name a text field of 36 characters or more as key.to in sync.yaml, unique in Campaign.';
  if (field.type !== 'string' && field.type !== 'other')
    return [fault(about, `it is a ${field.type} and cannot hold an id of Dynamics`, next)];
  if (field.length !== undefined && field.length < GUID_LENGTH)
    return [
      fault(
        about,
        `it takes ${field.length} characters, an id of Dynamics has ${GUID_LENGTH}`,
        next,
        'TEXT_TOO_LONG',
      ),
    ];
  return [];
}

/** Metadata says neither how a record is addressed nor what is unique: known and unknown keys are tried. */
async function addressFindings(
  { campaign }: ActivityDependencies,
  { key: { to, addressBy } }: TableMapping,
  resource: ResourceMetadata,
  options: CallOptions,
): Promise<Finding[]> {
  if (!fieldOf(resource, to)) return [];
  const about: About = { area: 'key', subject: `${resource.name}.${to}` };
  const by = readAddressBy(addressBy);
  if (by.kind === 'filter' && !Object.hasOwn(resource.filters, by.name))
    return [missingFilter(about, by.name, resource)];
  const address = (key: string): Address => ({ keyField: to, key, by });
  return looked(about, async () => {
    const absent = address(randomUUID());
    const [page, unknown] = await Promise.all([
      campaign.list(resource, { lineCount: SAMPLE_SIZE }, options),
      by.kind === 'filter'
        ? campaign.matches(resource, by.name, absent, options)
        : campaign.find(resource, absent, options),
    ]);
    const isFoundAnyway = Array.isArray(unknown) ? unknown.length > 0 : unknown.kind !== 'absent';
    if (isFoundAnyway)
      return [
        fault(
          about,
          `addressBy: ${addressBy} finds records for a key that no record has`,
          by.kind === 'filter'
            ? 'Publish a filter that compares this field with its parameter, and name it in addressBy.'
            : 'Say addressBy: filter:<name>.',
        ),
      ];
    const keys = page.records.flatMap(({ [to]: key }) =>
      typeof key === 'string' && key !== '' ? [key] : [],
    );
    const doubled = new Set(keys.filter((key, index) => keys.indexOf(key) < index)).size;
    if (doubled > 0)
      return [
        faultOf(
          about,
          'DUPLICATE_IN_CAMPAIGN',
          `${doubled} keys in the first ${page.records.length} records`,
        ),
      ];
    const known = keys.find((key) => PLAIN_KEY.test(key));
    if (known === undefined)
      return [
        fine(
          about,
          `addressBy: ${addressBy} finds none for an unknown key; there is no record to try a known one on`,
        ),
      ];
    const found = await campaign.find(resource, address(known), options);
    if (found.kind === 'several') return [faultOf(about, 'DUPLICATE_IN_CAMPAIGN')];
    if (found.kind === 'found' && found.record[to] === known)
      return [fine(about, `addressBy: ${addressBy} finds a record by its key, and none for an unknown key`)];
    return [
      fault(
        about,
        `addressBy: ${addressBy} does not find a record by its key`,
        by.kind === 'url'
          ? `Make ${to} the identification key of ${resource.name} in Campaign and publish, or say addressBy: filter:<name>.`
          : 'Publish a filter that compares this field with its parameter, and name it in addressBy.',
      ),
    ];
  });
}

/** Stands in an address as it is. */
const PLAIN_KEY = /^[\w-]+$/;

function missingFilter(about: About, name: string, { filters }: ResourceMetadata): Finding {
  const names = Object.keys(filters);
  return fault(
    about,
    `Campaign has no filter ${name}; it has ${names.length === 0 ? 'none' : listed(names)}`,
    'Publish a filter by this field, or mend its name in addressBy.',
  );
}

/** The record that every record of the table is linked to. */
async function constantFindings(
  { campaign }: ActivityDependencies,
  name: string,
  { to, value, resource: target, keyField, addressBy }: ConstantLink,
  options: CallOptions,
): Promise<Finding[]> {
  const about: About = { area: 'links', subject: `${name}.${to}` };
  return looked(about, async () => {
    const resource = await campaign.resource(target, options);
    const by = readConstantAddress(addressBy);
    if (!fieldOf(resource, keyField))
      return [faultOf({ area: 'links', subject: `${target}.${keyField}` }, 'FIELD_UNKNOWN')];
    if (by.kind === 'filter' && !Object.hasOwn(resource.filters, by.name))
      return [missingFilter(about, by.name, resource)];
    const found = await campaign.find(resource, { keyField, key: String(value), by }, options);
    switch (found.kind) {
      case 'found':
        return [fine(about, `the record of ${target} that it leads to is there`)];
      case 'absent':
        return [faultOf(about, 'CAMPAIGN_LINK_TARGET_MISSING', target)];
      case 'several':
        return [faultOf(about, 'DUPLICATE_IN_CAMPAIGN', target)];
    }
  });
}
