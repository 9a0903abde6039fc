import type { Feed, Position } from './store.js';

/** The value of an opt-out flag that both systems last had, and what each said of itself at that moment (DESIGN §9). */
export interface Agreement {
  optedOut: boolean;
  /** Campaign's stamp of the flag, ISO 8601; absent when it was not looked at, or Campaign keeps none. */
  campaignStamp?: string;
  /** The contact's row version, decimal text. */
  rowVersion?: string;
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
}

/** The part of the ledger that holds consent: flags and their times by contact id, the one exception of P8. */
export interface ConsentStore {
  /** What was agreed on, by contact and flag; contacts without an agreement are absent. */
  agreements(contactIds: string[]): Promise<Map<string, Map<string, Agreement>>>;
  /**
   * Records what became of flags, with the log of decisions and the agreements, in one transaction under the owner's lease. `settled`
   * contacts are due no longer, `due` ones are tried again later each time. With `next` the cursor moves and all is counted; without,
   * the page was interrupted: nothing is counted. Throws LEASE_LOST.
   */
  commitConsents(
    feed: Feed,
    page: { outcomes: FlagOutcome[]; settled: string[]; due: DueContact[] },
    next?: Position,
  ): Promise<Feed>;
  /** Contacts to look at now, up to `limit`, in id order after `after`. */
  dueContacts(options: { after: string; limit: number }): Promise<string[]>;
  /** How many contacts are not settled, since when the oldest (ISO 8601), and why. */
  dueSummary(): Promise<{ count: number; oldestAt?: string; errors: Record<string, number> }>;
  /** Decisions in their order after a number; of one contact, if it is named. */
  consentLog(options: { contactId?: string; after: number; limit: number }): Promise<ConsentEntry[]>;
  optOutCounts(flow: string, runId: string): Promise<OptOutCounts>;
}
