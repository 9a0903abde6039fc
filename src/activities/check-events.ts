import type { Finding } from '../contracts.js';
import type { EventTableNames } from '../dynamics/event-tables.js';
import type { CallOptions } from '../http/calls.js';
import {
  asksForTask,
  eventKinds,
  wantedKinds,
  wantsEvents,
  type EventKind,
  type Events,
} from '../mapping/events-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { rightFinding } from './check-rights.js';
import { fine, listed, looked, warning } from './findings.js';
import { wantedTables } from './event-tables.js';

/** Whether the tables that take events are there and may be written, and whether the source answers. */
export async function checkEvents(
  dependencies: ActivityDependencies,
  events: Events | undefined,
  options: CallOptions,
): Promise<Finding[]> {
  if (!events || !wantsEvents(events)) return [];
  const tables = await Promise.all(
    Object.entries(wantedTables(events)).map(([kind, names]) =>
      tableFindings(dependencies, kind as EventKind, names, events, options),
    ),
  );
  return [...tables.flat(), ...(await sourceFindings(dependencies, events, options))];
}

async function tableFindings(
  { dynamics }: ActivityDependencies,
  kind: EventKind,
  names: EventTableNames,
  events: Events,
  options: CallOptions,
): Promise<Finding[]> {
  const about = { area: 'events', subject: `${eventKinds[kind]}: ${names.table}` } as const;
  const followUpTasks = asksForTask(kind, events);
  const described = await looked(about, async () => {
    await dynamics.describeEventTables({ [kind]: names }, { followUpTasks }, options);
    return [fine(about, 'the table and its columns are there')];
  });
  if (described.some(({ severity }) => severity === 'error')) return described;
  const rights = await Promise.all(
    [names.table, ...(followUpTasks ? ['task'] : [])].map((table) =>
      rightFinding(dynamics, { table, privilege: 'Create', depth: 'any' }, options),
    ),
  );
  return [...described, ...rights];
}

/** One page is read, and nothing of it is kept. */
function sourceFindings(
  dependencies: ActivityDependencies,
  events: Events,
  { signal = new AbortController().signal }: CallOptions,
): Promise<Finding[]> {
  const wanted = listed(wantedKinds(events).map((kind) => eventKinds[kind]));
  const about = { area: 'events', subject: `source: ${events.source}` } as const;
  return looked(about, async () => {
    const source = dependencies.eventSource(events);
    try {
      const { items } = await source.read(undefined, signal);
      const faults = items.filter(({ kind }) => kind === 'fault').length;
      const seen = `it answers; ${items.length} items on its first page (wanted: ${wanted})`;
      return faults === 0
        ? [fine(about, seen)]
        : [
            warning(
              about,
              `${seen}, ${faults} of which cannot be read`,
              'See `starter parked egress` after a sync.',
            ),
          ];
    } finally {
      await source.close();
    }
  });
}
