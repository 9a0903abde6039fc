/** What the mapping works from and yields. It knows neither system's client: both sides are described as plain shapes. */

/** A column of the Dynamics table, from its metadata (dataverse.md §2, §7). */
export interface SourceColumn {
  logicalName: string;
  /** `AttributeType` of the metadata: String, Memo, Integer, BigInt, Decimal, Double, Money, Boolean, Picklist, MultiSelectPicklist, State, Status, DateTime, Lookup, Customer, Owner, Uniqueidentifier … */
  type: string;
  /** Name of the JSON member that carries it: the logical name, or `_<name>_value` for lookups. */
  selectName: string;
  dateTimeBehavior?: 'UserLocal' | 'DateOnly' | 'TimeZoneIndependent';
  /** Choice labels by value, in the chosen language. */
  labels?: Record<string, string>;
}

export interface SourceTable {
  logicalName: string;
  entitySetName: string;
  primaryId: string;
  changeTracking: boolean;
  columns: Record<string, SourceColumn>;
}

/** A field of the Campaign resource, from its metadata (campaign.md §3); nested ones by dotted path (`location.city`). */
export interface TargetField {
  path: string;
  type:
    | 'string'
    | 'integer'
    | 'boolean'
    | 'float'
    | 'double'
    | 'date'
    | 'datetime'
    | 'enumeration'
    | 'link'
    | 'other';
  /** Characters. */
  length?: number;
  readOnly: boolean;
  /** Names of an enumeration's values. */
  values?: string[];
  /** Taken by a POST, refused by a PATCH (campaign.md §1, v8's `location`). */
  insertOnly?: boolean;
}

export interface TargetResource {
  name: string;
  fields: Record<string, TargetField>;
}

/** A row as the Web API answers it: JSON member → value. Numbers beyond 2^53 and long decimals come as text. */
export type SourceRow = Record<string, unknown>;

export type PayloadValue = string | number | boolean | null;
/** A record as Campaign takes it; nested targets are nested objects. */
export interface Payload {
  [field: string]: PayloadValue | Payload;
}

/** A row's parent, by its Dynamics id. */
export interface ParentRow {
  /** Its Dynamics table. */
  table: string;
  id: string;
  /** The Campaign field of the child that leads to it. */
  field: string;
  /**
   * What Campaign ties to the parent's record, so that it is lost with it: the child, which Campaign shows to nobody without its parent
   * (`child`), or the link, which is by PKey (`link`). Otherwise Campaign joins the two by their key, anew whenever both are there.
   */
  ties?: 'child' | 'link';
}

/**
 * A link that Campaign takes by the PKey of the record it leads to (campaign.md §2). Payloads hold that record's key in its
 * place, since a PKey must not be kept; it is exchanged when the payload is sent.
 */
export interface PKeyLink {
  /** Path of the link in a payload. */
  field: string;
  to:
    | { kind: 'parent'; table: string }
    | { kind: 'constant'; resource: string; keyField: string; addressBy: AddressBy | { kind: 'list' } };
}

/** How Campaign addresses a record by its key: in the URL, or by this named filter. */
export type AddressBy = { kind: 'url' } | { kind: 'filter'; name: string };

/** What becomes of one row. */
export type Mapped =
  | {
      kind: 'payload';
      /** Value of the Campaign key field. */
      key: string;
      /** What a new record is made of: every mapped field. */
      insert: Payload;
      /** Every mapped field that an update can carry: sent on a person's resync. Compared with what Campaign accepted. */
      full: Payload;
      /** Without the `applyUpdates: false` fields: sent when the row changes. */
      following: Payload;
      /** The rows this one belongs to, which must be in Campaign before it. */
      parents: ParentRow[];
      /** Opt-outs that are kept in step, by their names in Campaign, `true` is opted out: a new record is created with them. */
      optOuts?: Record<string, boolean>;
    }
  | {
      kind: 'filtered';
      /** It lacks a parent without which Campaign would hide it: its record has to go. */
      hidden?: true;
    }
  | {
      kind: 'fault';
      code: 'KEY_MISSING' | 'TEXT_TOO_LONG' | 'VALUE_NOT_CONVERTIBLE' | 'CHOICE_UNKNOWN';
      /** The Campaign field, by its path, as in Campaign's own refusals. */
      field: string;
    };

/** A boolean column, and the opt-out flag of Campaign that means the same, or (`inverse`) the opposite. */
export interface OptOutColumn {
  dynamics: string;
  campaign: string;
  inverse: boolean;
}

/** One table's mapping, compiled against both sides' metadata: pure functions, no clock, no I/O. */
export interface CompiledMapping {
  table: string;
  resource: string;
  /** The Campaign field that holds the source's key. */
  keyField: string;
  addressBy: AddressBy;
  pkeyLinks: PKeyLink[];
  /** The mapped tables whose rows are parents of this one's. */
  parentTables: string[];
  /** Some of its links tie a record to its parent's: see `ParentRow`. */
  hasTies: boolean;
  /** JSON members to `$select`, without the primary id and versionnumber, which the reader always adds. */
  select: string[];
  /** Changes when anything changes that could make a row's payload, filter result or fault another one. */
  hash: string;
  applyDeletes: boolean;
  /** Records of rows that leave the filter are deleted in Campaign. */
  deleteFilteredOut: boolean;
  deletionBrake: { share: number; atLeast: number };
  toCampaign(row: SourceRow): Mapped;
  /**
   * The mapped part of a record that Campaign answered, in the form `toCampaign` would have sent it, or as near as
   * Campaign's answers allow (campaign.md §2: null reads as "", 0, false). Used with `canonical` only.
   */
  fromCampaign(record: Record<string, unknown>): { key: string; full: Payload; following: Payload };
}
