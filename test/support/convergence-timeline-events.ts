import fc from 'fast-check';
import type { Kind } from './convergence-timeline.js';

/** One thing that may happen to deliveries, contacts, the systems between them, or the service. */
export type Happening =
  | { kind: 'deliver'; delivery: Shares }
  | { kind: 'create-contact' }
  /** By its place among those that are there, the youngest first. */
  | { kind: 'delete-contact'; place: number }
  | { kind: 'fault'; fault: string }
  /** The journal gives events twice and out of order, or in small pages. */
  | { kind: 'disorder'; journal: Disorder }
  /** `waits`: nothing else happens until the flows are drained. */
  | { kind: 'sync'; waits: boolean }
  | { kind: 'restart' }
  | { kind: 'switch-source' }
  | { kind: 'switch-kind'; of: Kind }
  | { kind: 'read-again'; all: boolean }
  | { kind: 'redrive' };

export interface Shares {
  profiles: number;
  opens: number;
  clicks: number;
  bounces: number;
  softBounces: number;
  unsubscribes: number;
  proofs: number;
  seeds: number;
  withoutExternalId: number;
}

export interface Disorder {
  duplicateShare: number;
  shuffleWithin: number;
  pageBytes: number;
}

export type Source = 'journal' | 'files';

export interface TimelineHistory {
  source: Source;
  events: Happening[];
}

/** Writes that the history's own user makes do not meet these. */
const writes = { system: 'dynamics', method: 'POST' };
const journal = { system: 'campaign', path: '/events' };
const sftp = { system: 'sftp' };
export const timelineFaults: Record<string, object[]> = {
  'rows-reset': [{ ...writes, path: 'dcs_email', kind: 'reset', times: 2 }],
  'rows-accepted-then-reset': [{ ...writes, path: 'dcs_email', kind: 'accepted-then-reset', times: 2 }],
  'rows-truncate': [{ ...writes, path: 'dcs_email', kind: 'truncate', times: 2 }],
  'rows-status': [{ ...writes, path: 'dcs_email', kind: 'status', status: 503, times: 2 }],
  'rows-throttle': [{ ...writes, path: 'dcs_email', kind: 'throttle', facet: 'time', retryAfter: 1 }],
  // Some of a page's calls are through by then.
  'rows-refused': [{ ...writes, path: 'dcs_email', kind: 'status', status: 403, share: 0.4, times: 1 }],
  'batch-refused': [
    { ...writes, path: 'dcs_email', kind: 'accepted-then-reset' },
    { ...writes, path: '$batch', kind: 'status', status: 403 },
  ],
  'batch-accepted-then-reset': [
    { ...writes, path: 'dcs_email', kind: 'accepted-then-reset' },
    { ...writes, path: '$batch', kind: 'accepted-then-reset' },
  ],
  'batch-status': [
    { ...writes, path: 'dcs_email', kind: 'accepted-then-reset' },
    { ...writes, path: '$batch', kind: 'status', status: 502, times: 2 },
  ],
  'contacts-reset': [{ system: 'dynamics', method: 'GET', kind: 'reset', times: 2 }],
  'dynamics-token': [{ ...writes, path: 'dcs_email', kind: 'expire-token' }],
  'journal-reset': [{ ...journal, kind: 'reset', times: 2 }],
  'journal-accepted-then-reset': [{ ...journal, kind: 'accepted-then-reset', times: 2 }],
  'journal-truncate': [{ ...journal, kind: 'truncate', times: 2 }],
  'journal-status': [{ ...journal, kind: 'status', status: 502, times: 2 }],
  'journal-throttle': [{ ...journal, kind: 'throttle', retryAfter: 1 }],
  'journal-token': [{ ...journal, kind: 'expire-token' }],
  'journal-refused': [{ ...journal, kind: 'status', status: 403 }],
  'files-reset': [{ ...sftp, kind: 'reset', times: 3 }],
  'files-latency': [{ ...sftp, kind: 'latency', ms: 20, times: 10 }],
  'folder-denied': [{ ...sftp, method: 'OPENDIR', kind: 'permission-denied' }],
  'file-denied': [{ ...sftp, method: 'OPEN', kind: 'permission-denied' }],
  'read-denied': [{ ...sftp, method: 'READ', kind: 'permission-denied' }],
  'host-key': [{ ...sftp, kind: 'host-key' }],
  vanish: [{ ...sftp, method: 'OPEN', kind: 'vanish' }],
  'vanish-read': [{ ...sftp, method: 'READ', kind: 'vanish' }],
};
/** What is in a file that one of these has hit, its source has no more. */
export const losesFiles = (fault: string): boolean => fault.startsWith('vanish');

/** Of plain objects, so that a history that is told can be read. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const named = <T extends string>(...names: T[]) => fc.constantFrom(...names);
const often = (weight: number) =>
  fc.oneof({ weight, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) });

const delivery = record<Shares>({
  profiles: fc.integer({ min: 1, max: 16 }),
  opens: fc.constantFrom(0.3, 0.7),
  clicks: fc.constantFrom(0, 0.3),
  bounces: fc.constantFrom(0, 0.2),
  softBounces: fc.constantFrom(0, 0.2),
  unsubscribes: fc.constantFrom(0, 0, 0.1),
  proofs: fc.constantFrom(0, 0, 2),
  seeds: fc.constantFrom(0, 0, 2),
  withoutExternalId: fc.constantFrom(0, 0, 2),
});
const disorder = record<Disorder>({
  duplicateShare: fc.constantFrom(0, 0.3, 1),
  shuffleWithin: fc.constantFrom(0, 50),
  pageBytes: fc.constantFrom(4_000, 20_000, 1_500_000),
});

const change = fc.oneof(
  { weight: 5, arbitrary: record({ kind: named('deliver'), delivery }) },
  { weight: 1, arbitrary: record({ kind: named('create-contact') }) },
  { weight: 1, arbitrary: record({ kind: named('delete-contact'), place: fc.nat({ max: 15 }) }) },
) as fc.Arbitrary<Happening>;
/** What stops a run in the middle of a page is what most can go wrong with. */
const stopping = ['rows-refused', 'batch-refused'];
const fault = fc.oneof(
  { weight: 1, arbitrary: named(...stopping) },
  { weight: 3, arbitrary: named(...Object.keys(timelineFaults)) },
);
const incident = fc.oneof(
  { weight: 8, arbitrary: record({ kind: named('fault'), fault }) },
  { weight: 2, arbitrary: record({ kind: named('disorder'), journal: disorder }) },
  { weight: 2, arbitrary: record({ kind: named('restart') }) },
  { weight: 3, arbitrary: record({ kind: named('switch-source') }) },
  {
    weight: 2,
    arbitrary: record({ kind: named('switch-kind'), of: named('sends', 'opens', 'clicks', 'bounces') }),
  },
  { weight: 1, arbitrary: record({ kind: named('read-again'), all: fc.boolean() }) },
  { weight: 1, arbitrary: record({ kind: named('redrive') }) },
) as fc.Arbitrary<Happening>;
const sync = record({ kind: named('sync'), waits: often(1) }) as fc.Arbitrary<Happening>;

/** Some changes, something else, a sync, and now and then something while it runs. */
const round = fc
  .tuple(
    fc.array(change, { minLength: 1, maxLength: 2 }),
    fc.array(incident, { maxLength: 2 }),
    sync,
    fc.array(incident, { maxLength: 1 }),
  )
  .map(([changes, before, run, during]): Happening[] => [...changes, ...before, run, ...during]);

/** Histories of so many rounds. */
export const timelineHistories = (rounds: {
  minLength: number;
  maxLength: number;
}): fc.Arbitrary<TimelineHistory> =>
  record({
    source: fc.constantFrom<Source>('journal', 'files'),
    events: fc.array(round, rounds).map((each) => each.flat()),
  });
