import type { Finding } from '../contracts.js';
import type { EventTableNames } from '../dynamics/event-tables.js';
import type { CallOptions } from '../http/calls.js';
import { wantsEvents, type Events } from '../mapping/events-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { fault, fine, listed, looked, seenOrFault, warning } from './findings.js';
import { wantedTables } from './event-tables.js';

const kinds = { send: 'sends', open: 'opens', click: 'clicks', bounce: 'bounces' } as const;

/** Whether the tables that take events are there and may be written, and whether the source answers. */
export async function checkEvents(
  dependencies: ActivityDependencies,
  events: Events | undefined,
  options: CallOptions,
): Promise<Finding[]> {
  if (!events || !wantsEvents(events)) return [];
  const wanted = wantedTables(events);
  const tables = await Promise.all(
    (Object.keys(kinds) as (keyof typeof kinds)[]).flatMap((kind) => {
      const names = wanted[kind];
      return names ? [tableFindings(dependencies, kind, names, events, options)] : [];
    }),
  );
  return [...tables.flat(), ...(await sourceFindings(dependencies, events, options))];
}

async function tableFindings(
  { dynamics }: ActivityDependencies,
  kind: keyof typeof kinds,
  names: EventTableNames,
  { followUp }: Events,
  options: CallOptions,
): Promise<Finding[]> {
  const about = { area: 'events', subject: `${kinds[kind]}: ${names.table}` } as const;
  const followUpTasks = (kind === 'click' && followUp.clicks) || (kind === 'bounce' && followUp.bounces);
  const described = await looked(about, async () => {
    await dynamics.describeEventTables({ [kind]: names }, { followUpTasks }, options);
    return [fine(about, 'the table and its columns are there')];
  });
  if (described.some(({ severity }) => severity === 'error')) return described;
  const rights = await Promise.all(
    [names.table, ...(followUpTasks ? ['task'] : [])].map((table) =>
      createFindings(dynamics, table, options),
    ),
  );
  return [...described, ...rights];
}

async function createFindings(
  dynamics: ActivityDependencies['dynamics'],
  table: string,
  options: CallOptions,
): Promise<Finding> {
  const about = { area: 'rights', subject: `${table} (create)` } as const;
  const next = `Give the application user's role create on ${table}.`;
  const right = await seenOrFault(about, () => dynamics.right(table, 'Create', options));
  if ('fault' in right)
    return warning(about, `whether rows may be created cannot be told: ${right.fault.found}`, next);
  if (!right.value) return fine(about, 'Dynamics has no such privilege: nothing is needed');
  const { privilege, depth } = right.value;
  return depth === undefined
    ? fault(about, `the application user lacks ${privilege}`, next, 'DYNAMICS_PRIVILEGE_MISSING')
    : fine(about, `the application user has ${privilege} (${depth})`);
}

/** One page is read, and nothing of it is kept. */
function sourceFindings(
  dependencies: ActivityDependencies,
  events: Events,
  { signal = new AbortController().signal }: CallOptions,
): Promise<Finding[]> {
  const wanted = listed(Object.values(kinds).filter((kind) => events[kind]));
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
