import { EGRESS, ingressFlow, OPT_OUT, type ScheduleWish } from '../contracts.js';
import { wantsEvents } from '../mapping/events-schema.js';
import { durationMs } from '../mapping/names-schema.js';
import { wantsOptOut } from '../mapping/opt-out-schema.js';
import { everyMsOf, type SyncConfig } from '../mapping/schema.js';

/** The flows of a mapping file, and how often each is due. */
export const flowsOf = ({ tables, events, optOut }: SyncConfig): ScheduleWish[] => [
  ...tables.map((table) => ({ flow: ingressFlow(table.dynamics), everyMs: everyMsOf(table) })),
  ...(events && wantsEvents(events) ? [{ flow: EGRESS, everyMs: durationMs(events.every) }] : []),
  ...(wantsOptOut(optOut) ? [{ flow: OPT_OUT, everyMs: durationMs(optOut.every) }] : []),
];
