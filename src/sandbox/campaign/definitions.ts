/** Campaign resources as data: what the engine's protocol, its metadata and its errors all work from. */
export type CampaignEndpoint = 'profileAndServices' | 'profileAndServicesExt' | 'customResources';

export type FieldType =
  | 'string'
  | 'long'
  | 'double'
  | 'boolean'
  | 'date'
  | 'datetime'
  | 'enum'
  | 'uuid'
  | 'object'
  | 'link'
  | 'collection';

export interface EnumValue {
  name: string;
  value: number | string;
  label: string;
}

export interface FieldDefinition {
  type: FieldType;
  label: string;
  /** Characters, for strings and enumerations. */
  length?: number;
  /** Of an enumeration; its name is the schema's, then the field's unless `enumeration` says otherwise. */
  values?: EnumValue[];
  enumeration?: string;
  /** Computed or kept by the system: a client's value is refused. */
  readOnly?: boolean;
  mandatory?: boolean;
  /** Read default where it is not the type's own (`""`, 0, false, null). */
  default?: unknown;
  /** Of an object. */
  fields?: Record<string, FieldDefinition>;
  /** Of a link or a collection: the resource it leads to. */
  target?: string;
  /** Of a collection: the target's link field that leads back. */
  mappedBy?: string;
  /**
   * Of a link that joins on values: our column holding the target's `targetField`. Writing the column is then
   * enough, and the order of parent and child does not matter (campaign.md §2).
   */
  join?: { field: string; targetField: string };
  /** `1`: an inner join, which hides a row whose target is missing. Default `0..1`. */
  cardinality?: '1' | '0..1';
  /** A datetime that is set whenever the value of this boolean field changes. */
  stampOf?: string;
  /** Part of an extension: only under `profileAndServicesExt`. */
  extension?: boolean;
  /** Gone in v8 (campaign.md §1). */
  standardOnly?: boolean;
}

export interface ResourceDefinition {
  /** API name, e.g. `profile` or `cusAccount`. */
  name: string;
  /** e.g. `nms:recipient`. */
  schema: string;
  label: string;
  endpoints: CampaignEndpoint[];
  fields: Record<string, FieldDefinition>;
  /** Fields whose value, when set, no second record may have. */
  keys?: string[];
  /** The field that addresses a record in the URL; `limits.campaign.identificationKeys` overrides it. */
  identificationKey?: string;
  /** Reached through its parent's collection only. */
  nested?: boolean;
  /** Gone in v8 (campaign.md §1). */
  standardOnly?: boolean;
}

/** A filter of a resource: all its conditions must hold. */
export interface FilterDefinition {
  resource: string;
  /** As it stands in the address, `by` prefix included. */
  name: string;
  /** Of a custom filter: its name on v8, where there is no forced prefix, and no call without such a name. */
  restName?: string;
  label: string;
  conditions: FilterCondition[];
}

export interface FilterCondition {
  /** Alternatives: one of these fields must match. */
  fields: string[];
  operator: '=' | '<>' | '>' | '>=' | '<' | '<=' | 'startsWith';
  /** Name of the query parameter, with the `_parameter` suffix where it has one. */
  parameter: string;
  /** A second parameter that names the field to look at, as `filterType` of `byText`. */
  fieldParameter?: string;
  /** Without its parameter the condition does not apply; otherwise nothing matches. */
  optional?: boolean;
}

/** Read default of a field: nothing is null but a link (campaign.md §2, "Links, collections, values"). */
export function readDefault(field: FieldDefinition): unknown {
  if (field.default !== undefined) return field.default;
  switch (field.type) {
    case 'boolean':
      return false;
    case 'long':
    case 'double':
      return 0;
    case 'link':
      return null;
    case 'enum':
      return field.values?.[0]?.name ?? '';
    case 'string':
    case 'date':
    case 'datetime':
    case 'uuid':
    case 'object':
    case 'collection':
      return '';
  }
}
