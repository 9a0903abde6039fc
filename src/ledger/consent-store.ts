import type { Feed, Position } from './store.js';

/** The value of an opt-out flag that both systems last had, and what each said of itself at that moment (DESIGN §9). */
export interface Agreement {
  optedOut: boolean;
  /** Campaign's stamp of the flag, ISO 8601; absent when it was not looked at, or Campaign keeps none. */
  campaignStamp?: string;
  /** The contact's row version, decimal text. */
  rowVersion?: string;
}

/** The opt-out flags that a profile was created with, and when. */
export interface BornFlags {
  /** Campaign's clock when it answered, ISO 8601, where it told it. */
  at?: string;
  /** By their names in Campaign: what was sent, and what the contact said. */
  flags: { flag: string; optedOut: boolean; dynamics: boolean }[];
}

/** What became of one flag of one contact. */
export interface FlagOutcome {
  contactId: string;
  /** Name of the flag in Campaign. */
  flag: string;
  outcome: 'toCampaign' | 'toDynamics' | 'unchanged' | 'parked';
  /** The agreement from now on; absent: it stays what it was. */
  agreement?: Agreement;
  /** Present when something was decided: it goes to the log. */
  decision?: ConsentDecision;
}

/** Evidence of a decision. `true` is opted out, times are ISO 8601. */
export interface ConsentDecision {
  dynamics?: boolean;
  dynamicsAt?: string;
  campaign?: boolean;
  campaignAt?: string;
  agreedBefore?: boolean;
  agreedAfter?: boolean;
  rule: string;
  /** Which side's value holds, and why. */
  winner: 'dynamics' | 'campaign' | 'both' | 'none';
  because: string;
  /** `accepted`, `none` when nothing was to be written, or the code of what kept it from being written. */
  result: string;
}
export interface ConsentEntry extends ConsentDecision {
  /** In the order of decisions. */
  number: number;
  at: string;
  contactId: string;
  flag: string;
  runId: string;
}

/** read = toCampaign + toDynamics + unchanged + parked; the unit is one flag of one contact. */
export interface OptOutCounts {
  read: number;
  toCampaign: number;
  toDynamics: number;
  unchanged: number;
  parked: number;
}

/** A contact whose flags are still to be looked at on both sides. */
export interface DueContact {
  contactId: string;
  /** Code of what kept it from being settled; absent when it was never tried. */
  code?: string;
  /** Not again before so many milliseconds: a call without an answer may still take effect. */
  notBeforeMs?: number;
}

/** A contact is due: once more each time that it is called. */
export interface ContactCall {
  /** Tells one call from a later one. */
  mark: string;
  code?: string;
  /** It is not due yet. */
  isWaiting: boolean;
}

/** What became of a page of contacts, and of what its source said that could not be read. */
export interface ConsentPage {
  outcomes: FlagOutcome[];
  /** Contacts that are due no longer. */
  settled: string[];
  /** Calls that were out when the contacts were looked at: only these are answered by it, a later one stays. Absent: all are. */
  answered?: Map<string, ContactCall>;
  /** Contacts that are tried again, later each time. */
  due: DueContact[];
  /** Agreements whose stamp has become known: nothing was decided. */
  learned?: { contactId: string; flag: string; agreement: Agreement }[];
  /** Entries of the source that are set aside, with the place where the source can read them again. */
  faults?: { id: string; fault: { code: string; field?: string }; place: string }[];
  /** Those set aside before that were read again: unless they are among the faults, they are parked no longer. */
  reread?: string[];
}

export interface DueSummary {
  count: number;
  /** Those that failed. */
  failing: number;
  /** Those that were never tried, of whose flags nothing is agreed on. */
  unknown: number;
  /** Since when the oldest is due, ISO 8601. */
  oldestAt?: string;
  errors: Record<string, number>;
}

/** The part of the ledger that holds consent: flags and their times by contact id, the one exception of P8. */
export interface ConsentStore {
  /** What was agreed on, by contact and flag; contacts without an agreement are absent. */
  agreements(contactIds: string[]): Promise<Map<string, Map<string, Agreement>>>;
  /**
   * Records what became of a page, with the log of decisions and the agreements, in one transaction under the owner's lease, and counts
   * it. With `next` the cursor moves; without, the page was interrupted, and what is recorded is not met as new again. Throws LEASE_LOST.
   */
  commitConsents(feed: Feed, page: ConsentPage, next?: Position): Promise<Feed>;
  /** Contacts to look at now, up to `limit`, in id order after `after`. */
  dueContacts(options: { after: string; limit: number }): Promise<DueContact[]>;
  /** Which of these contacts are due, now or later. */
  calledContacts(contactIds: string[]): Promise<Map<string, ContactCall>>;
  dueSummary(): Promise<DueSummary>;
  /** Decisions in their order after a number; of one contact, if it is named. */
  consentLog(options: { contactId?: string; after: number; limit: number }): Promise<ConsentEntry[]>;
  /** The last decisions on one contact, newest first. */
  lastDecisions(contactId: string, limit: number): Promise<ConsentEntry[]>;
  /** Whether a contact is due, and why it was not settled. */
  dueContact(contactId: string): Promise<DueContact | undefined>;
  optOutCounts(flow: string, runId: string): Promise<OptOutCounts>;
  /** Counts of the last run that did something. */
  lastOptOutCounts(flow: string): Promise<OptOutCounts>;
}
