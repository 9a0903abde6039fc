import { attributeBaseType } from './definitions/attribute.js';
import { attributeTypes } from './definitions/attribute-types.js';
import { entityType } from './definitions/entity.js';
import { keyType } from './definitions/key.js';
import { booleanOptionSetType, optionSetBaseType, optionSetType } from './definitions/option-set.js';
import { allProperties, type MetadataType } from './definitions/property.js';
import { manyToManyType, oneToManyType, relationshipBaseType } from './definitions/relationship.js';

/** Every type that can be addressed, bases before what derives from them. */
export const metadataTypes: MetadataType[] = [
  entityType,
  attributeBaseType,
  ...attributeTypes,
  keyType,
  relationshipBaseType,
  oneToManyType,
  manyToManyType,
  optionSetBaseType,
  optionSetType,
  booleanOptionSetType,
];

export const NAMESPACE = 'Microsoft.Dynamics.CRM';

/** A type by its qualified name, e.g. `Microsoft.Dynamics.CRM.PicklistAttributeMetadata`, with or without `#`. */
export const typeByName = (qualified: string): MetadataType | undefined => {
  const name = qualified.replace(/^#/, '').replace(`${NAMESPACE}.`, '');
  return metadataTypes.find((type) => type.name === name);
};

/** The type that a navigation property leads to, and whether to many. */
export function navigationTarget(
  type: MetadataType,
  property: string,
): { type: MetadataType; many: boolean } | undefined {
  const declared = type.navigation?.[property];
  if (declared === undefined) return type.base && navigationTarget(type.base, property);
  const many = declared.startsWith('Collection(');
  const target = metadataTypes.find(
    ({ name }) => name === declared.replace(/^Collection\(|\)$|mscrm\./g, ''),
  );
  return target && { type: target, many };
}

const known = new Map<MetadataType, ReadonlySet<string>>();

/** Whether a type, not what derives from it, has this property. */
export function hasProperty(type: MetadataType, name: string): boolean {
  let names = known.get(type);
  if (!names) known.set(type, (names = new Set(Object.keys(allProperties(type)))));
  return names.has(name);
}
