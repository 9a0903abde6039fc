import { ourEventTables, type EventTableNames, type EventTables } from '../dynamics/event-tables.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import {
  asksForTask,
  eventKinds,
  wantedKinds,
  type EventKind,
  type Events,
} from '../mapping/events-schema.js';
import type { ActivityDependencies } from './dependencies.js';

/** The activity tables that events go to, as Dynamics describes them. */
export interface EventTablesInForce {
  /** Asks Dynamics once a day, and whenever other tables are named. Throws what is wrong with them, with its code. */
  inForce(events: Events, options: CallOptions): Promise<EventTables>;
  /** Called with a write's error: a refused request may mean that the tables have changed. */
  forget(error: unknown): void;
}

/** Schemas change seldom. */
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

export function createEventTables({ dynamics, clock }: ActivityDependencies): EventTablesInForce {
  let kept: { names: string; atMs: number; tables: EventTables } | undefined;

  return {
    async inForce(events, options) {
      const wanted = wantedTables(events);
      const followUpTasks = wantedKinds(events).some((kind) => asksForTask(kind, events));
      const names = JSON.stringify({ wanted, followUpTasks });
      if (kept?.names === names && clock.monotonicMs() - kept.atMs < MAX_AGE_MS) return kept.tables;
      const described = await dynamics.describeEventTables(wanted, { followUpTasks }, options);
      kept = { names, atMs: clock.monotonicMs(), tables: described };
      return described;
    },
    forget(error) {
      if (error instanceof SyncError && error.class !== 'retry') kept = undefined;
    },
  };
}

/** The tables of the kinds that are wanted: those that the mapping names, or ours. */
export const wantedTables = (events: Events): Partial<Record<EventKind, EventTableNames>> =>
  Object.fromEntries(
    wantedKinds(events).map((kind) => [kind, events.tables[eventKinds[kind]] ?? ourEventTables[kind]]),
  );
