import type { Feed } from './store.js';

/** Names a record of any flow: in links, and in what a parked row waits for. */
export const nameOf = (flow: string, sourceId: string): string => `${flow}:${sourceId}`;

export function partsOf(name: string): { flow: string; sourceId: string } {
  const colon = name.lastIndexOf(':');
  return { flow: name.slice(0, colon), sourceId: name.slice(colon + 1) };
}

/** A record of Campaign leads to another one, which must not go before it is dealt with. */
export interface Lead {
  /** `<flow>:<sourceId>` of the record that is led to. */
  parent: string;
  /** Campaign shows the record to nobody once that one is gone (an inner join); otherwise the link alone is lost. */
  hides: boolean;
}

/** Asks a row's own flow to read it again. A later call has a higher number. */
export interface Call {
  sourceId: string;
  number: number;
}

/** The part of the ledger that knows how records of Campaign hang together: those links only that Campaign itself ties. */
export interface LinkStore {
  /** Where the records of these rows lead, or may do so if a write was never answered; rows without such links are absent. */
  leads(flow: string, sourceIds: string[]): Promise<Map<string, Lead[]>>;
  /**
   * Notes where records are about to lead, before they are sent, under the owner's lease. Answers the rows that must not be sent, since
   * a parent of theirs is not in Campaign or about to go: each with that parent. Of these nothing is noted. Throws LEASE_LOST.
   */
  noteLeads(feed: Feed, rows: { sourceId: string; leads: Lead[] }[]): Promise<Map<string, string>>;
  /**
   * Marks known records as about to be deleted, in one transaction under the owner's lease: from now on no row of `childFlows` is led
   * to them, and those whose records lead there are called. The mark goes with the record's next outcome. Answers which of them
   * cannot go while a person has not decided on a child's held deletion, and the flows whose records lead to the others.
   * Throws LEASE_LOST.
   */
  leave(
    feed: Feed,
    sourceIds: string[],
    childFlows: string[],
  ): Promise<{ held: Set<string>; awaited: string[] }>;
  /** Rows that are called, up to `limit`, in id order after `after`. */
  called(flow: string, options: { after: string; limit: number }): Promise<Call[]>;
  isCalled(flow: string, sourceId: string): Promise<boolean>;
}
