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
  color?: string;
  externalValue?: string;
  description?: string;
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
  /** Display names beyond `displayName`, by language code. */
  labels?: Record<string, string>;
  description?: string;
  /** False: known to the metadata only, neither in `$metadata` nor in rows (`IsValidODataAttribute`). */
  validForOData?: boolean;
  /** Further settings as a client gave them, by property name, e.g. `AutoNumberFormat`, `MaxSizeInKB`. */
  settings?: Record<string, unknown>;
  /** Milliseconds since 1970. */
  createdOnMs?: number;
  modifiedOnMs?: number;
}

export interface AlternateKey {
  metadataId: string;
  logicalName: string;
  schemaName: string;
  columns: string[];
  /** Keys become Active some time after their creation (dataverse.md §4). */
  status: 'Pending' | 'Active' | 'Failed';
  displayName?: string;
  /** When a Pending key's index is built, milliseconds since 1970. */
  activeFromMs?: number;
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
  /** Display names beyond `displayName` and `displayCollectionName`, by language code. */
  labels?: Record<string, string>;
  collectionLabels?: Record<string, string>;
  description?: string;
  /** Further settings as a client gave them, by property name, e.g. `HasNotes`, `ActivityTypeMask`. */
  settings?: Record<string, unknown>;
  createdOnMs?: number;
  modifiedOnMs?: number;
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
  isCustom?: boolean;
  /** Further settings as a client gave them, by property name, e.g. `AssociatedMenuConfiguration`. */
  settings?: Record<string, unknown>;
}

/** An option set that several columns share; their `options` are kept equal to its. */
export interface GlobalOptionSet {
  metadataId: string;
  name: string;
  displayName: string;
  labels?: Record<string, string>;
  description?: string;
  isCustom: boolean;
  /** Two options of a Boolean set are those for true (1) and false (0). */
  type: 'Picklist' | 'Boolean';
  options: Option[];
}

/** A table, column, key or relationship that is gone, as `RetrieveMetadataChanges` reports it. */
export interface DeletedMetadata {
  metadataId: string;
  kind: 'Entity' | 'Attribute' | 'EntityKey' | 'Relationship' | 'OptionSet';
  version: number;
}

/** The schema in force. Changes are kept in the store and last over a restart. */
export interface Schema {
  /** By logical name. */
  table(logicalName: string): Table | undefined;
  tableByEntitySet(entitySetName: string): Table | undefined;
  tables(): Table[];
  relationships(): Relationship[];
  /** Adds or replaces; bumps the table's schema stamp. */
  saveTable(table: Table): void;
  deleteTable(logicalName: string): void;
  saveRelationship(relationship: Relationship): void;
  deleteRelationship(schemaName: string): void;
  /** Row version at the table's last schema change: delta tokens older than it may be refused. */
  changedAt(logicalName: string): number;
  globalOptionSets(): GlobalOptionSet[];
  /** Adds or replaces, and carries the options to the columns that use the set. */
  saveGlobalOptionSet(optionSet: GlobalOptionSet): void;
  deleteGlobalOptionSet(name: string): void;
  /** Metadata deleted behind a row version. */
  deletedSince(version: number): DeletedMetadata[];
  /** Ends a key's Pending state. It is no change of the schema: delta tokens stay valid. */
  settleKey(logicalName: string, keyMetadataId: string, status: 'Active' | 'Failed'): void;
  /** Notes a deletion inside a table, of a column or a key. */
  noteDeleted(kind: DeletedMetadata['kind'], metadataId: string): void;
}
