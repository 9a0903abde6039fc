import type { Logger } from 'pino';

/** `?` marks a field that may be left out. */
type Kind = 'text' | 'number' | 'text?' | 'number?';
type Level = 'debug' | 'info' | 'warn' | 'error';

interface CatalogueEntry {
  level: Level;
  /** What has happened. */
  says: string;
  /** Ids, counts, codes and names of fields only: a value of a person has no place in a log (P8). */
  fields: Record<string, Kind>;
}

/** Every line that the product logs; `docs/reference/logs.md` is tied to it by a test. */
export const logEvents = {
  'worker.ready': {
    level: 'info',
    says: 'The worker takes work from this task queue.',
    fields: { taskQueue: 'text' },
  },
  'worker.waiting': {
    level: 'warn',
    says: 'Temporal or the ledger does not answer, and the worker cannot start; it tries again at once and then every 10 s.',
    fields: { code: 'text', message: 'text' },
  },
  'worker.unclaimed': {
    level: 'warn',
    says: 'A system or the ledger could not be asked whether they fit together; the flows ask again.',
    fields: { code: 'text', message: 'text' },
  },
  'worker.stopping': {
    level: 'info',
    says: 'The worker was told to stop; slices end after their page.',
    fields: {},
  },
  'worker.failed': {
    level: 'error',
    says: 'The worker ends with this error.',
    fields: { code: 'text', message: 'text' },
  },
  'mapping.applied': {
    level: 'info',
    says: 'Another mapping is in force.',
    fields: { version: 'number' },
  },
  'mapping.refused': {
    level: 'warn',
    says: 'The file that was saved is no valid mapping (`npm start`); the one in force stays.',
    fields: { file: 'text' },
  },
  'resync.begun': {
    level: 'info',
    says: 'A person has asked for it, and the flow begins anew.',
    fields: { flow: 'text', mode: 'text?' },
  },
  'deletions.held': {
    level: 'warn',
    says: 'Deletions of a page wait for a person.',
    fields: { flow: 'text', deletions: 'number' },
  },
  'deletions.approved': {
    level: 'info',
    says: 'A person has let this set of held deletions pass.',
    fields: { flow: 'text', version: 'number', deletions: 'number' },
  },
  'deletions.discarded': {
    level: 'info',
    says: 'A person has let the records of this set be.',
    fields: { flow: 'text', version: 'number', deletions: 'number' },
  },
  'page.committed': {
    level: 'debug',
    says: 'A page is done: its outcomes and the place to go on are in the ledger.',
    fields: { flow: 'text', position: 'number', read: 'number' },
  },
  'survey.finished': {
    level: 'info',
    says: 'All records of the resource in Campaign were looked at; those that are missing or double are counted.',
    fields: { flow: 'text', surveyed: 'number', missing: 'number', doubled: 'number' },
  },
  'token.expired': {
    level: 'warn',
    says: 'Dynamics gives no changes for this place any more; the table is read wholly and compared.',
    fields: { flow: 'text', phase: 'text' },
  },
  'events.gap': {
    level: 'warn',
    says: 'Events between these times had left the source before they were read; without `from`, all before.',
    fields: { flow: 'text', from: 'text?', to: 'text' },
  },
  'slice.waiting': {
    level: 'info',
    says: 'The flow must wait, for so many milliseconds at most.',
    fields: { flow: 'text', reason: 'text', forMs: 'number' },
  },
  'slice.failed': {
    level: 'warn',
    says: 'An error has ended a slice. It is tried again, unless the code says that a person must act, or it has failed too often in a row.',
    fields: { flow: 'text', code: 'text', message: 'text', fruitless: 'number' },
  },
  'slice.cancelled': {
    level: 'info',
    says: 'The run was cancelled, or its worker shuts down.',
    fields: { flow: 'text' },
  },
  'run.failed': {
    level: 'error',
    says: 'A run was given up; the next one begins at its time.',
    fields: { flow: 'text', code: 'text' },
  },
  temporal: {
    level: 'warn',
    says: "A line of Temporal's SDK, at its own level.",
    fields: { message: 'text', workflowId: 'text?', activityType: 'text?', error: 'text?' },
  },
} as const satisfies Record<string, CatalogueEntry>;

export type LogEvent = keyof typeof logEvents;

type Value<Of extends string> = Of extends 'number' | 'number?' ? number : string;
type Named<Fields extends Record<string, Kind>> = {
  [Name in keyof Fields as Fields[Name] extends `${string}?` ? never : Name]: Value<Fields[Name]>;
} & {
  [Name in keyof Fields as Fields[Name] extends `${string}?` ? Name : never]?:
    Value<Fields[Name]> | undefined;
};
export type LogFields<Event extends LogEvent> = Named<(typeof logEvents)[Event]['fields']>;

/** Writes one line. An event that the catalogue does not list, or a field that it does not, fails to compile. */
export type Log = <Event extends LogEvent>(event: Event, fields: LogFields<Event>) => void;

/** Lines of the catalogue on a logger, each at its level, or at the one that is given. */
export const logTo =
  (logger: Logger) =>
  <Event extends LogEvent>(event: Event, fields: LogFields<Event>, level: Level = logEvents[event].level) =>
    logger[level]({ event, ...fields });
