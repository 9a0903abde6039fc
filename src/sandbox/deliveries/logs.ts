import type { Collection, Store } from '../store.js';

/** A delivery that was sent, with the ranges of its logs. */
export interface Delivery {
  id: number;
  /** The ids that users see (campaign.md §5): `DM190` and `CMP12`. */
  name: string;
  label: string;
  campaignId: number;
  campaignName: string;
  links: Link[];
  /** When its logs were exported first, which is when they were changed last, bounces aside. */
  exportedMs?: number;
}

/** A tracked address of a delivery's content. */
export interface Link {
  id: number;
  url: string;
  label: string;
}

/** A delivery log (`broadLogRcp`): one message to one recipient. */
export interface BroadLog {
  id: number;
  delivery: number;
  /** Number of the recipient, which is a profile unless it is a seed or a proof. */
  recipient: number;
  externalId: string;
  contactMs: number;
  /** How it failed: at once when it is soft, some time after it was taken as sent when it is hard. */
  failure?: Failure;
  test?: 'proof' | 'seed';
}

export interface Failure {
  type: 'soft' | 'hard';
  /** Code of `failureReason` (campaign.md §5). */
  reason: number;
  atMs: number;
}

/** A tracking log (`trackingLogRcp`): one thing that a recipient did. */
export interface TrackingLog {
  id: number;
  broadLog: number;
  kind: 'open' | 'click' | 'unsubscribe';
  atMs: number;
  /** Of a click: the number of the delivery's link. */
  link?: number;
}

export interface Logs {
  deliveries: Collection<Delivery>;
  broadLogs: Collection<BroadLog>;
  trackingLogs: Collection<TrackingLog>;
  /** Takes the next ids of a kind; returns the first of them. */
  take(kind: 'delivery' | 'campaign' | 'link' | 'broadLog' | 'trackingLog', amount?: number): number;
}

/** Real ids start in the thousands; only that they are numbers and grow matters. */
const FIRST = { delivery: 1001, campaign: 101, link: 11, broadLog: 8001, trackingLog: 50_001 };

export function createLogs(store: Store): Logs {
  const sequences = store.collection<number>('campaign.log-sequence');
  return {
    deliveries: store.collection('campaign.deliveries'),
    broadLogs: store.collection('campaign.broadLogs'),
    trackingLogs: store.collection('campaign.trackingLogs'),
    take(kind, amount = 1) {
      const first = sequences.get(kind) ?? FIRST[kind];
      sequences.set(kind, first + amount);
      return first;
    },
  };
}
