import type { SandboxClock } from './clock.js';
import type { Faults } from './faults.js';
import type { Stats } from './stats.js';
import type { Store } from './store.js';

/** What every operation of the sandbox is given, and all it is given. */
export interface SandboxContext {
  store: Store;
  clock: SandboxClock;
  faults: Faults;
  stats: Stats;
  /** The limits in force now; `PUT /_sandbox/limits` merges into them. */
  limits(): Limits;
}

export interface Limits {
  dynamics: DynamicsLimits;
  campaign: CampaignLimits;
}

/** Service protection and switches of the Dataverse simulator (dataverse.md §3, §5, §6, §12). */
export interface DynamicsLimits {
  /** Requests per user and web server in one window. */
  requests: number;
  /** Combined execution time per user and web server in one window, milliseconds. */
  executionMs: number;
  /** That many concurrent requests or more are refused. */
  concurrency: number;
  windowSeconds: number;
  webServers: number;
  /** Modelled execution time of one row written, alone, in a batch or in a bulk action, milliseconds. */
  executionMsPerRow: number;
  maxPageSize: number;
  deltaRetentionDays: number;
  /** Which row version a first tracked read's delta token carries: that of its first or of its last page. */
  deltaTokenFrom: 'first-page' | 'last-page';
  /** A change of a table's schema expires its delta tokens. */
  expireDeltaOnSchemaChange: boolean;
  batchMaxOperations: number;
  /** Tables whose `$batch` parts are refused, by logical name. */
  batchRefused: string[];
  /** Bulk actions by logical name; a table that is not named has what its metadata says. */
  bulkActions: Record<string, string[]>;
  /** Simulated milliseconds until a new alternate key is Active. */
  keyActivationMs: number;
  /** Tables on which the application user lacks organisation-level read, by logical name. */
  globalReadMissing: string[];
  /** Seconds a token of the simulated Entra ID lives. */
  tokenSeconds: number;
  /** The application user is missing: every call is answered 403 `0x80072560` (dataverse.md §1). */
  nonMember: boolean;
}

/** Switches of the Campaign simulator (campaign.md §1, §2, §3). */
export interface CampaignLimits {
  edition: 'standard' | 'v8';
  /** `XtkBigTableThreshold`: longer lists carry no `next` unless `_forcePagination=true`. */
  bigTableThreshold: number;
  defaultLineCount: number;
  maxLineCount: number;
  /** Status of a successful DELETE: documented both ways. */
  deleteStatus: 200 | 204;
  /** Fields that address a record in the URL, by resource. */
  identificationKeys: Record<string, string>;
  /** Fields on which a second record with the same value is refused as a duplicate key, by resource. */
  uniqueKeys: Record<string, string[]>;
  /** Requests per second answered before 429; 0 = no limit. */
  requestsPerSecond: number;
  tokenSeconds: number;
  /** The token's product context lacks the tenant: every call is answered 403 `403023` (campaign.md §1). */
  nonMember: boolean;
  /** "Automatic ID" is on: new profiles get an `acsId` (campaign.md §4). */
  automaticId: boolean;
  journal: JournalLimits;
  exports: ExportLimits;
}

/** The event journal (campaign.md §6). What is drawn is drawn when events come in, and stays. */
export interface JournalLimits {
  /** Share of the events that come twice, the second time a little later. */
  duplicateShare: number;
  /** Events are out of order within that many entries; 0 keeps their order. */
  shuffleWithin: number;
  retentionDays: number;
  /** Largest body of a page. */
  pageBytes: number;
  /** What 204 asks to wait. */
  retryAfterSeconds: number;
  /** Events tell their mirror page: the administrator has accepted the agreement on personal data. */
  mirrorPageId: boolean;
}

/** Files that workflows export to the SFTP area (campaign.md §7). */
export interface ExportLimits extends ExportFormat {
  /** How often the opt-out export runs by the sandbox's clock: an ISO 8601 duration, or `off`. */
  optOutEvery: string;
}

/** Form of the files, from the next export on. */
export interface ExportFormat {
  separator: 'tab' | 'semicolon' | 'comma';
  quote: 'none' | 'double';
  encoding: 'utf-8' | 'latin1';
  lineEnd: 'lf' | 'crlf';
  gzip: boolean;
  header: boolean;
}
