/**
 * The error catalogue: every code the service shows, what its class is, what happened and what to do next.
 * `docs/reference/errors.md` is tied to it by a test. Messages hold names, ids and counts, never field values.
 */

/** What the service does about it: try again by itself, set the row aside, or stop the flow until a person acts. */
export type ErrorClass = 'retry' | 'park' | 'stop';

interface CatalogueEntry {
  class: ErrorClass;
  /** What happened, without a full stop. */
  message: string;
  /** What a person should do next. */
  next: string;
}

export const catalogue = {
  // Set-up
  CONFIG_INVALID: {
    class: 'stop',
    message: 'a setting is missing or invalid',
    next: 'Set the named environment variables and start again.',
  },
  MAPPING_INVALID: {
    class: 'stop',
    message: 'the mapping file is invalid',
    next: 'Mend the named lines and run `npm run starter -- apply`.',
  },
  MAPPING_MISSING: {
    class: 'stop',
    message: 'no mapping is in force for this table',
    next: 'Map the table in sync.yaml and run `npm run starter -- apply`.',
  },
  EVENT_SOURCE_NOT_SET: {
    class: 'stop',
    message: 'the source of email events that the mapping names is not set up',
    next: 'For `source: journal` set CAMPAIGN_JOURNAL_URL and ADOBE_ORG_ID, for `source: files` the SFTP_ settings, and start the worker again.',
  },
  OPT_OUT_SOURCE_NOT_SET: {
    class: 'stop',
    message: 'the area that export files of opt-outs are in is not set up',
    next: 'Set the SFTP_ settings and start the worker again, or take `source: changes`.',
  },
  OPT_OUT_DISABLED: {
    class: 'stop',
    message: 'no opt-outs are kept in step',
    next: 'Name a direction and flags under `optOut` in sync.yaml and run `npm run starter -- apply`, or give `plan opt-out` a file with --config.',
  },
  LEDGER_OF_ANOTHER_PAIR: {
    class: 'stop',
    message: 'the ledger belongs to another pair of systems or to another key',
    next: 'Point LEDGER_URL (or --data) at the ledger of this pair, restore its LEDGER_KEY, or start with an empty ledger.',
  },
  LEDGER_UNAVAILABLE: {
    class: 'retry',
    message: 'the ledger cannot be read or written',
    next: 'Check the database, its disk space and LEDGER_URL; the run goes on by itself once it answers.',
  },
  LEDGER_TOO_NEW: {
    class: 'stop',
    message: 'the ledger was migrated by a newer version of this service',
    next: 'Run the newer version, or restore the backup made before the upgrade.',
  },
  DATA_FOLDER_IN_USE: {
    class: 'stop',
    message: 'another process works on this data folder',
    next: 'Stop the other process, or give this one a folder of its own with --data.',
  },
  DATA_FOLDER_NOT_WRITABLE: {
    class: 'stop',
    message: 'the data folder cannot be made or written',
    next: 'Mend its permissions or free its disk, or give a folder that this account may write with --data.',
  },
  PAYLOAD_KEY_UNKNOWN: {
    class: 'retry',
    message: 'a payload in Temporal was encrypted under a key that is not among PAYLOAD_KEYS',
    next: 'Add that key to PAYLOAD_KEYS of every worker, command line and codec server; the runs go on by themselves.',
  },
  PAYLOAD_UNREADABLE: {
    class: 'retry',
    message: 'a payload in Temporal does not open under the key of its id',
    next: 'See whether PAYLOAD_KEYS gives this id another key than before: a key that is replaced needs an id of its own.',
  },
  TEMPORAL_UNAVAILABLE: {
    class: 'retry',
    message: 'the Temporal server does not answer',
    next: 'Start it, or set TEMPORAL_ADDRESS; with TLS, check the TEMPORAL_TLS settings too.',
  },
  TEMPORAL_REFUSED: {
    class: 'stop',
    message: 'the Temporal server refuses the credentials',
    next: 'Check TEMPORAL_API_KEY, or the client certificate, and TEMPORAL_NAMESPACE.',
  },
  CLOCK_OFF: {
    class: 'retry',
    message: "a server refuses this machine's time",
    next: 'Set the clock of the machine that the worker runs on by NTP; the runs go on by themselves.',
  },
  // Dynamics
  DYNAMICS_CREDENTIALS: {
    class: 'stop',
    message: 'Entra ID refused the application: wrong tenant, client id, secret or certificate',
    next: 'Check DYNAMICS_TENANT_ID, DYNAMICS_CLIENT_ID and DYNAMICS_CLIENT_SECRET or DYNAMICS_CERTIFICATE.',
  },
  DYNAMICS_NOT_A_MEMBER: {
    class: 'stop',
    message: 'the application is no user of this Dynamics organisation',
    next: 'Create an application user for the client id and give it the role that docs/guides/production.md describes.',
  },
  DYNAMICS_PRIVILEGE_MISSING: {
    class: 'stop',
    message: 'the application user lacks a privilege in Dynamics',
    next: "Give the application user's role the named privilege: organisation-level (Global) read on the mapped tables, create on those that take events, System Customizer for `provision`.",
  },
  DYNAMICS_TRACKING_OFF: {
    class: 'stop',
    message: 'change tracking is off for this Dynamics table',
    next: 'Switch on "Track changes" in the table\'s settings and publish; the next run goes on.',
  },
  DYNAMICS_TOKEN_EXPIRED: {
    class: 'retry',
    message: 'Dynamics no longer accepts the change token',
    next: 'Nothing: a comparing full read runs by itself.',
  },
  DYNAMICS_REQUEST_REFUSED: {
    class: 'stop',
    message: 'Dynamics refused the request',
    next: 'Check the table and column names of the mapping against Dynamics.',
  },
  DYNAMICS_UNREACHABLE: {
    class: 'retry',
    message: 'Dynamics does not answer',
    next: 'Check DYNAMICS_URL and the network; the run goes on by itself.',
  },
  DYNAMICS_THROTTLED: {
    class: 'retry',
    message: 'Dynamics asks for fewer calls (service protection)',
    next: 'Nothing; lower DYNAMICS_MAX_CONCURRENT if it lasts.',
  },
  DYNAMICS_EVENT_TABLE_UNFIT: {
    class: 'stop',
    message: 'a table or column that takes email events is missing in Dynamics, or of another kind',
    next: 'Run `npm run starter -- provision`, or name your own tables under `events.tables` in sync.yaml. What has the name of one of ours and is of another kind must be renamed or deleted in Dynamics first.',
  },
  DYNAMICS_CUSTOMISATION_LOCKED: {
    class: 'retry',
    message: 'another customisation of Dynamics is under way',
    next: 'Run `provision` again when the import, upgrade or publishing has ended; what is made is kept.',
  },
  // Campaign
  CAMPAIGN_CREDENTIALS: {
    class: 'stop',
    message: 'Adobe refused the credentials: wrong client id, secret, scopes or organisation',
    next: 'Check ADOBE_CLIENT_ID, ADOBE_CLIENT_SECRET and ADOBE_SCOPES against the Developer Console.',
  },
  CAMPAIGN_PROFILE_NOT_VALID: {
    class: 'stop',
    message: 'the technical account has no product profile for this Campaign instance',
    next: 'Add the Administrators product profile of the instance to the Developer Console project.',
  },
  CAMPAIGN_TENANT_WRONG: {
    class: 'stop',
    message: 'Campaign does not know the instance or the address',
    next: 'Check the tenant id in CAMPAIGN_URL.',
  },
  CAMPAIGN_UNREACHABLE: {
    class: 'retry',
    message: 'Campaign does not answer',
    next: 'Check CAMPAIGN_URL and the network; the run goes on by itself.',
  },
  CAMPAIGN_THROTTLED: {
    class: 'retry',
    message: 'Campaign asks for fewer calls',
    next: 'Nothing; lower CAMPAIGN_MAX_CONCURRENT or CAMPAIGN_PER_SECOND if it lasts.',
  },
  CAMPAIGN_FILTER_MISSING: {
    class: 'stop',
    message: 'Campaign does not answer the filter for profiles that were modified since a time',
    next: 'Define it on profiles as docs/guides/opt-outs.md shows, publish, and name it under optOut.changes in sync.yaml; or take `source: files`.',
  },
  CAMPAIGN_ANSWER_UNKNOWN: {
    class: 'retry',
    message: 'Campaign gave an answer that says neither yes nor no',
    next: 'Nothing: the record is looked up by its key before anything is written again.',
  },
  CAMPAIGN_RESOURCE_UNKNOWN: {
    class: 'stop',
    message: 'Campaign does not offer this resource over REST',
    next: 'Publish the resource with "Create the Profiles & Services Ext API", or mend its name in sync.yaml.',
  },
  CAMPAIGN_LINK_TARGET_MISSING: {
    class: 'stop',
    message: 'Campaign has no record with the key that the mapping links to',
    next: 'Mend `value` under links in sync.yaml, or create the record in Campaign.',
  },
  CAMPAIGN_LIST_TRUNCATED: {
    class: 'retry',
    message: 'Campaign listed fewer records than it counts',
    next: 'Nothing: the survey starts again; if it repeats, raise XtkBigTableThreshold or ask Adobe.',
  },
  EVENT_JOURNAL_REFUSED: {
    class: 'stop',
    message: 'Adobe refused to read the event journal',
    next: 'Check CAMPAIGN_JOURNAL_URL and ADOBE_ORG_ID against the Developer Console: the registration may be gone, or the project may lack the I/O Events API.',
  },
  EVENT_JOURNAL_UNREADABLE: {
    class: 'retry',
    message: 'the event journal gives answers that cannot be read',
    next: 'Nothing was skipped; the run goes on by itself. If it lasts, check CAMPAIGN_JOURNAL_URL and what stands between it and this service.',
  },
  SFTP_UNREACHABLE: {
    class: 'retry',
    message: 'the SFTP server does not answer',
    next: "Check SFTP_HOST, SFTP_PORT, the network, and this machine's address in the allow list of Campaign's Control Panel; the run goes on by itself.",
  },
  SFTP_HOST_KEY: {
    class: 'stop',
    message: 'the SFTP server showed another key than the pinned one: it may be another server',
    next: 'Ask its operator whether the key has changed, and only then set SFTP_HOST_KEY to the new one.',
  },
  SFTP_CREDENTIALS: {
    class: 'stop',
    message: 'the SFTP server refused the user or the key',
    next: "Check SFTP_USER and SFTP_PRIVATE_KEY; the public key must be in Campaign's Control Panel and not expired.",
  },
  SFTP_REFUSED: {
    class: 'stop',
    message: 'the SFTP server does not show the folder of the files',
    next: "Check `directory` under events.files or optOut.files in sync.yaml, and the user's rights; Campaign's export makes the folder.",
  },
  BUDGET_USED_UP: {
    class: 'retry',
    message: "the day's call budget is used up",
    next: 'Nothing: the flow goes on when the day ends; raise the budget with …_PER_DAY.',
  },
  LEASE_LOST: {
    class: 'retry',
    message: 'another worker took over this feed',
    next: 'Nothing: the other worker goes on.',
  },
  HELD_SET_CHANGED: {
    class: 'stop',
    message: 'the set of held deletions is not the one that was named',
    next: 'Look again with `npm run starter -- deletions show TABLE`, then approve or discard.',
  },
  INTERNAL: {
    class: 'retry',
    message: 'an unexpected fault in this service',
    next: 'Report it with the log lines around it.',
  },
  // Rows set aside
  KEY_MISSING: {
    class: 'park',
    message: 'the row has no value for its key',
    next: 'Fill the key column in Dynamics.',
  },
  TEXT_TOO_LONG: {
    class: 'park',
    message: 'a text is longer than the field it goes to',
    next: 'Shorten it where it comes from, or lengthen the field and publish.',
  },
  VALUE_NOT_CONVERTIBLE: {
    class: 'park',
    message: "a value does not convert to its Campaign field's type",
    next: 'Mend the value in Dynamics, or map the column to another field.',
  },
  CHOICE_UNKNOWN: {
    class: 'park',
    message: 'a choice has no label, or Campaign does not know the value',
    next: "Add a replacement in sync.yaml, or extend the field's enumeration in Campaign.",
  },
  FIELD_UNKNOWN: {
    class: 'park',
    message: 'Campaign does not know the field, or it is read-only',
    next: 'Publish the field in Campaign, or mend its name in sync.yaml.',
  },
  CAMPAIGN_REFUSED: {
    class: 'park',
    message: 'Campaign refused the record',
    next: 'See the code and field; mend the row in Dynamics or the field in Campaign, then redrive.',
  },
  DUPLICATE_IN_CAMPAIGN: {
    class: 'park',
    message: 'Campaign holds several records with this key',
    next: 'Delete all but one of them in Campaign, then resync the table.',
  },
  HIDDEN_IN_CAMPAIGN: {
    class: 'park',
    message: 'Campaign holds a record with this key but does not show it',
    next: 'A link of cardinality 1 hides a record whose parent is missing. Set `required: true` on the link in sync.yaml, and give the row its parent or delete the record in Campaign.',
  },
  TEXT_NOT_ALLOWED: {
    class: 'park',
    message: 'a text holds control characters, which Dynamics does not take',
    next: 'Mend the name or address in Campaign; what is sent already stays parked until it expires.',
  },
  DYNAMICS_ROW_REFUSED: {
    class: 'park',
    message: 'Dynamics refused the row',
    next: 'Look for a business rule, plug-in or duplicate detection rule of the table that refuses it, then redrive.',
  },
  PARENT_MISSING: {
    class: 'park',
    message: 'the parent row is not in Campaign yet',
    next: 'Nothing: the row is sent when its parent lands.',
  },
  EVENT_UNREADABLE: {
    class: 'park',
    message: 'an email event cannot be read',
    next: "See the field: where every event has it, check `events` in sync.yaml against what Campaign sends; otherwise nothing can be done, and it ends with its source's retention.",
  },
  LOG_FILE_COLUMN_MISSING: {
    class: 'park',
    message: 'a log file lacks a column',
    next: "Add the column to the extraction in Campaign's workflow, or name its heading under events.files in sync.yaml; the file is then read by itself.",
  },
  LOG_FILE_UNREADABLE: {
    class: 'park',
    message: 'a log file cannot be opened, or not be read to its end',
    next: "Check the file and the user's rights to it, or export it again; it is tried at every run.",
  },
  LOG_FILE_CUT_SHORT: {
    class: 'park',
    message: 'a log file vanished or became shorter before it was read to its end',
    next: 'Export the time it covered again if rows are missing; a shorter file of the same name is read from its start.',
  },
  CONTACT_CHANGED_MEANWHILE: {
    class: 'park',
    message: 'the contact was changed in Dynamics while its opt-in was on its way there',
    next: 'Nothing: both sides are read and decided once more at once.',
  },
  OPT_OUT_UNREADABLE: {
    class: 'park',
    message: 'a row of an opt-out export cannot be read',
    next: "See the column: where every row has it, check Campaign's export against optOut.files in sync.yaml; otherwise mend the profile in Campaign, and the next export tells it again.",
  },
  EXPORT_FILE_COLUMN_MISSING: {
    class: 'park',
    message: 'an opt-out export lacks a column',
    next: "Add the column to the extraction in Campaign's workflow, or name its heading under optOut.files in sync.yaml; the file is then read by itself.",
  },
  EXPORT_FILE_UNREADABLE: {
    class: 'park',
    message: 'an opt-out export cannot be opened, or not be read to its end',
    next: "Check the file and the user's rights to it, or export it again; it is tried at every run.",
  },
  EXPORT_FILE_CUT_SHORT: {
    class: 'park',
    message: 'an opt-out export vanished or became shorter before it was read to its end',
    next: 'Export again, or run `npm run starter -- resync opt-out`, if rows are missing; a shorter file of the same name is read from its start.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;

/** Evidence that may be shown and stored: names, ids and counts only. */
export interface ErrorEvidence {
  system?: 'dynamics' | 'campaign';
  /** HTTP status of the answer. */
  status?: number;
  /** The vendor's own error code, e.g. `0x80044352` or `RST-360011`. */
  vendorCode?: string;
  /** The vendor's id of the request, for its support. */
  requestId?: string;
  /** What it happened to: a table, a column, a setting. */
  subject?: string;
  field?: string;
  /** The earliest time to try again, milliseconds from now. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** An error with a code of the catalogue. Its message is enough alone and holds no field value. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly class: ErrorClass;
  readonly next: string;

  constructor(
    readonly code: ErrorCode,
    readonly evidence: ErrorEvidence = {},
  ) {
    super(describe(code, evidence), evidence.cause === undefined ? undefined : { cause: evidence.cause });
    this.class = catalogue[code].class;
    this.next = catalogue[code].next;
  }
}

function describe(code: ErrorCode, { subject, field, status, vendorCode }: ErrorEvidence): string {
  const about = [subject, field && `field ${field}`, vendorCode, status && `HTTP ${status}`].filter(Boolean);
  return `${code}: ${catalogue[code].message}${about.length > 0 ? ` (${about.join(', ')})` : ''}. ${catalogue[code].next}`;
}
