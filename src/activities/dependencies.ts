import type { Info } from '@temporalio/activity';
import type { Campaign } from '../campaign/client.js';
import type { EventSource } from '../campaign/event-source.js';
import type { OptOutSource } from '../campaign/opt-out-source.js';
import type { FlowId } from '../contracts.js';
import type { Dynamics } from '../dynamics/client.js';
import type { Events } from '../mapping/events-schema.js';
import type { OptOut } from '../mapping/opt-out-schema.js';
import type { Ledger } from '../ledger/store.js';
import type { Log } from '../log-events.js';
import type { Mappings } from './mappings.js';

/** Milliseconds since 1970, and milliseconds that go on while the process is stopped and never jump back. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** All that activities are given: both systems, the ledger, and the few numbers they keep to. */
export interface ActivityDependencies {
  dynamics: Dynamics;
  campaign: Campaign;
  ledger: Ledger;
  mappings: Mappings;
  clock: Clock;
  log: Log;
  /** Counts a slice that an error has ended. */
  sliceFailed(flow: FlowId, code: string): void;
  /** Opens the source that the mapping names. Throws EVENT_SOURCE_NOT_SET when its settings are missing. */
  eventSource(events: Events): EventSource;
  /** Opens the export files of opt-outs. Throws OPT_OUT_SOURCE_NOT_SET when its settings are missing. */
  optOutFiles(optOut: OptOut): OptOutSource;
  /** Calls to Dynamics at once. */
  dynamicsMaxConcurrent: number;
  /** Calls to Campaign at once. */
  campaignMaxConcurrent: number;
  /** How long an unanswered call may still take effect. */
  settleMs: number;
  leaseMs: number;
  /** Names the attempt that takes a lease; no two attempts share a name, in no process. */
  ownerOf(info: Info): string;
  /** Resolves once the ledger is known to belong to this pair of systems; throws LEDGER_OF_ANOTHER_PAIR. */
  claimed(): Promise<void>;
  /** The worker is shutting down: a slice ends after its page. */
  stopping(): boolean;
  /** Calls made today by all workers of this pair. */
  callsToday(): Promise<{ dynamics: number; campaign: number }>;
}
