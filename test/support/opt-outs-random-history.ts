import fc from 'fast-check';
import type { Direction, Rule } from '../../src/mapping/opt-out-rule.js';

/** Flags of Campaign and their columns; Campaign keeps no stamp of the last one. `inverse`: the column's true means the opposite. */
export const FLAGS = {
  blackListEmail: { column: 'donotemail', inverse: false, stamp: 'blackListEmailLastModified' },
  blackListPhone: { column: 'donotphone', inverse: false, stamp: 'blackListPhoneLastModified' },
  blackListPushnotification: { column: 'followemail', inverse: true, stamp: undefined },
} as const;
export type Flag = keyof typeof FLAGS;
export const flagNames = Object.keys(FLAGS) as Flag[];

export type Side = 'dynamics' | 'campaign';
export const other = (side: Side): Side => (side === 'dynamics' ? 'campaign' : 'dynamics');
/** A contact by its place among those that are there at the time, the youngest first. */
type Place = number;

/** One thing that may happen to the two systems, or to the service between them. */
export type Event =
  /** A flag is set to these values in turn, `true` is opted out: with two of them it flaps between two polls. */
  | { kind: 'flag'; side: Side; contact: Place; flag: Flag; to: boolean[] }
  /** Something else of the contact, or of its profile, is changed. */
  | { kind: 'edit'; side: Side; contact: Place }
  | { kind: 'create-contact'; optedOut: Flag[] }
  /** `replace-profile`: another one is made by hand in its place, with the same key. */
  | { kind: 'delete-contact' | 'delete-profile' | 'replace-profile' | 'double-profile'; contact: Place }
  /** Of two profiles with one key one goes: the one that was there first, or the other. */
  | { kind: 'single-profile'; contact: Place; first: boolean }
  | { kind: 'merge'; contact: Place; into: Place }
  | { kind: 'pass'; duration: string }
  | { kind: 'fault'; fault: string }
  /** `waits`: nothing else happens until the flows are drained. */
  | { kind: 'poll'; waits: boolean }
  /** Faults end, and the flows run until nothing is left to do. */
  | { kind: 'settle' }
  | { kind: 'resync'; flow: 'contact' | 'opt-out' }
  | { kind: 'restart' }
  /** The worker dies so long after a poll has begun. */
  | { kind: 'kill'; afterMs: number };

export interface History {
  direction: Direction;
  rule: Rule;
  source: 'changes' | 'files';
  /** So far the clock of Campaign is ahead of that of Dynamics. */
  aheadSeconds: number;
  events: Event[];
}

export const faults: Record<string, object[]> = {
  'campaign-status': [{ system: 'campaign', kind: 'status', status: 503, times: 3 }],
  'campaign-write-status': [{ system: 'campaign', method: 'PATCH', kind: 'status', status: 500, times: 2 }],
  'campaign-throttle': [{ system: 'campaign', kind: 'throttle', retryAfter: 1, times: 2 }],
  'campaign-reset': [{ system: 'campaign', kind: 'reset', times: 3 }],
  'campaign-write-reset': [{ system: 'campaign', method: 'PATCH', kind: 'reset', times: 1 }],
  'campaign-accepted-then-reset': [
    { system: 'campaign', method: 'PATCH', kind: 'accepted-then-reset', times: 2 },
    { system: 'campaign', method: 'POST', kind: 'accepted-then-reset', times: 1 },
  ],
  'campaign-truncate': [{ system: 'campaign', kind: 'truncate', times: 2 }],
  'campaign-expire-token': [{ system: 'campaign', kind: 'expire-token', times: 1 }],
  'campaign-slow': [
    { system: 'campaign', method: 'PATCH', kind: 'latency', ms: 700, times: 2 },
    { system: 'campaign', method: 'POST', kind: 'latency', ms: 700, times: 2 },
  ],
  'dynamics-status': [{ system: 'dynamics', kind: 'status', status: 503, times: 2 }],
  'dynamics-write-status': [{ system: 'dynamics', method: 'POST', kind: 'status', status: 500, times: 2 }],
  'dynamics-throttle': [{ system: 'dynamics', kind: 'throttle', facet: 'time', retryAfter: 1, times: 2 }],
  'dynamics-reset': [{ system: 'dynamics', kind: 'reset', times: 2 }],
  'dynamics-accepted-then-reset': [
    { system: 'dynamics', method: 'POST', kind: 'accepted-then-reset', times: 1 },
  ],
  'dynamics-truncate': [{ system: 'dynamics', kind: 'truncate', times: 2 }],
  'dynamics-expire-token': [{ system: 'dynamics', kind: 'expire-token', times: 1 }],
  'dynamics-expire-delta': [{ system: 'dynamics', kind: 'expire-delta', times: 1 }],
  'dynamics-slow': [{ system: 'dynamics', method: 'POST', kind: 'latency', ms: 700, times: 2 }],
};

/** Of plain objects, so that a history that is told can be read. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
const kind = <T extends string>(...names: T[]) => fc.constantFrom(...names);
/** Few contacts, so that much happens to each. */
const contact = fc.nat({ max: 2 });
const side = kind<Side>('dynamics', 'campaign');
const flag = kind('blackListEmail', ...flagNames);

const flagEvent = fc.oneof(
  { weight: 3, arbitrary: record({ kind: kind('flag'), side, contact, flag, to: fc.tuple(fc.boolean()) }) },
  {
    weight: 1,
    arbitrary: record({
      kind: kind('flag'),
      side,
      contact,
      flag,
      to: fc.boolean().map((first) => [first, !first]),
    }),
  },
);
const pass = record({ kind: kind('pass'), duration: kind('PT1M', 'PT4M', 'PT6M', 'PT20M') });
/** What users of the two systems do. */
const change = fc.oneof(
  { weight: 12, arbitrary: flagEvent },
  { weight: 3, arbitrary: pass },
  { weight: 2, arbitrary: record({ kind: kind('edit'), side, contact }) },
  { weight: 1, arbitrary: record({ kind: kind('create-contact'), optedOut: fc.subarray(flagNames) }) },
  { weight: 1, arbitrary: record({ kind: kind('delete-contact'), contact }) },
  { weight: 1, arbitrary: record({ kind: kind('delete-profile'), contact }) },
  { weight: 1, arbitrary: record({ kind: kind('replace-profile'), contact }) },
  { weight: 2, arbitrary: record({ kind: kind('double-profile'), contact }) },
  { weight: 2, arbitrary: record({ kind: kind('single-profile'), contact, first: fc.boolean() }) },
  { weight: 1, arbitrary: record({ kind: kind('merge'), contact, into: contact }) },
) as fc.Arbitrary<Event>;
const fault = record({ kind: kind('fault'), fault: kind(...Object.keys(faults)) }) as fc.Arbitrary<Event>;
const poll = fc.oneof(
  { weight: 4, arbitrary: record({ kind: kind('poll'), waits: fc.constant(true) }) },
  { weight: 1, arbitrary: record({ kind: kind('poll'), waits: fc.constant(false) }) },
  { weight: 2, arbitrary: record({ kind: kind('settle') }) },
) as fc.Arbitrary<Event>;
const kill = record({ kind: kind('kill'), afterMs: fc.nat({ max: 1_200 }) }) as fc.Arbitrary<Event>;
const incident = fc.oneof(
  { weight: 5, arbitrary: fault },
  { weight: 1, arbitrary: record({ kind: kind('resync'), flow: kind('contact', 'opt-out') }) },
  { weight: 1, arbitrary: record({ kind: kind('restart') }) },
) as fc.Arbitrary<Event>;

/** Some changes, something else now and then, and a poll. */
const round = (kills: boolean) =>
  fc
    .tuple(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.option(incident, { nil: undefined, freq: 2 }),
      kills ? fc.option(kill, { nil: undefined, freq: 2 }) : fc.constant(undefined),
      poll,
    )
    .map(([changes, incidents, end, last]): Event[] => [
      ...changes,
      ...[incidents, end].flatMap((event) => event ?? []),
      last,
    ]);

const rounds = (length: { minLength: number; maxLength: number }, kills: boolean): fc.Arbitrary<Event[]> =>
  fc.array(round(kills), length).map((each) => each.flat());

/** Histories of so many rounds. `kills`: the worker dies in some of them. */
export const histories = (
  length: { minLength: number; maxLength: number },
  { kills = false, sources = ['changes'] }: { kills?: boolean; sources?: History['source'][] } = {},
): fc.Arbitrary<History> =>
  record<History>({
    direction: fc.oneof(
      { weight: 4, arbitrary: kind('bidirectional') },
      { weight: 1, arbitrary: kind('dynamics-to-campaign', 'campaign-to-dynamics') },
    ) as fc.Arbitrary<Direction>,
    rule: kind<Rule>('three-way', 'three-way', 'adobe'),
    source: kind(...sources),
    aheadSeconds: fc.oneof(fc.constant(0), fc.constantFrom(-280, -60, 60, 280)),
    events: rounds(length, kills),
  });
