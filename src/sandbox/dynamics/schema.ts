/** The Dataverse schema as data: what the record protocol and the metadata protocol both work from. */
export type ColumnType =
  | 'String'
  | 'Memo'
  | 'Integer'
  | 'BigInt'
  | 'Decimal'
  | 'Double'
  | 'Money'
  | 'Boolean'
  | 'Picklist'
  | 'MultiSelectPicklist'
  | 'State'
  | 'Status'
  | 'DateTime'
  | 'Lookup'
  | 'Customer'
  | 'Owner'
  | 'Uniqueidentifier'
  | 'PartyList'
  | 'EntityName'
  | 'ManagedProperty'
  | 'Virtual'
  | 'Image'
  | 'File';

export interface Option {
  value: number;
  /** Label by language code, e.g. `{ 1033: 'Female' }`. */
  labels: Record<string, string>;
  /** Of a Status option: the State it belongs to. */
  state?: number;
}

export interface Column {
  metadataId: string;
  logicalName: string;
  schemaName: string;
  type: ColumnType;
  columnNumber: number;
  displayName: string;
  /** Characters, for String and Memo. */
  maxLength?: number;
  format?: string;
  min?: number;
  max?: number;
  /** Digits after the point, for Decimal, Double, Money. */
  precision?: number;
  dateTimeBehavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  options?: Option[];
  /** Logical names of the tables a Lookup, Customer or Owner column may point to. */
  targets?: string[];
  requiredLevel: 'None' | 'SystemRequired' | 'ApplicationRequired' | 'Recommended';
  validForCreate: boolean;
  validForUpdate: boolean;
  validForRead: boolean;
  isCustom: boolean;
  isPrimaryName?: boolean;
  default?: unknown;
  globalOptionSet?: string;
}

export interface AlternateKey {
  metadataId: string;
  logicalName: string;
  schemaName: string;
  columns: string[];
  /** Keys become Active some time after their creation (dataverse.md §4). */
  status: 'Pending' | 'Active' | 'Failed';
}

export interface Table {
  metadataId: string;
  logicalName: string;
  schemaName: string;
  entitySetName: string;
  primaryId: string;
  primaryName: string;
  objectTypeCode: number;
  displayName: string;
  displayCollectionName: string;
  ownership: 'UserOwned' | 'OrganizationOwned' | 'None';
  isActivity: boolean;
  isIntersect: boolean;
  isCustom: boolean;
  changeTracking: boolean;
  canChangeTrackingBeEnabled: boolean;
  elastic: boolean;
  columns: Record<string, Column>;
  keys: AlternateKey[];
  /** Bulk actions this table offers (`sdkmessagefilters`, dataverse.md §5). */
  bulkActions: string[];
}

export interface Relationship {
  metadataId: string;
  schemaName: string;
  kind: 'OneToMany' | 'ManyToMany';
  /** OneToMany: the "one" side. ManyToMany: the first table. */
  referenced: string;
  /** OneToMany: the "many" side, which has the lookup column. ManyToMany: the second table. */
  referencing: string;
  /** OneToMany only: the lookup column. */
  referencingAttribute?: string;
  /** Navigation property on the referencing table (case-sensitive), or on the second table. */
  referencingNavigation: string;
  /** Collection navigation property on the referenced table. */
  referencedNavigation: string;
  /** ManyToMany only: the hidden intersect table. */
  intersect?: string;
  cascadeDelete: 'NoCascade' | 'RemoveLink' | 'Restrict' | 'Cascade';
}
