import fc from 'fast-check';
import { firstVariant, tables, type Edition, type Table, type Variant } from './convergence-mapping.js';

/** A row by its place among those that are there at the time, the youngest first; `undefined`: none. */
type Place = number;

/** One thing that may happen to the pair of systems, to the mapping, or to the service between them. */
export type Event =
  | { kind: 'create-contact'; long: boolean }
  | { kind: 'create-parcel'; long: boolean; contact: Place | undefined }
  | { kind: 'create-item'; parcel: Place | undefined }
  /** A new contact with a parcel of its own and an item in it. */
  | { kind: 'create-family'; long: boolean }
  /** `long`: its name is longer than its Campaign field. */
  | { kind: 'change'; table: Table; row: Place; long: boolean }
  /** `to` names the parent; `undefined` clears the lookup. */
  | { kind: 'move'; table: 'new_parcel' | 'new_item'; row: Place; to: Place | undefined }
  | { kind: 'deactivate' | 'activate' | 'delete'; table: Table; row: Place }
  | { kind: 'fault'; fault: string }
  /** `waits`: nothing else happens until the flows are drained. */
  | { kind: 'sync'; waits: boolean }
  | { kind: 'resync'; table: Table; mode: 'verify' | 'rewrite' }
  | { kind: 'restart' }
  | { kind: 'edit-in-campaign' | 'delete-in-campaign'; table: Table; row: Place }
  | { kind: 'edit-mapping'; edit: Edit }
  | { kind: 'approve' | 'discard'; table: Table };

export type Edit = Partial<Variant>;

export interface History {
  edition: Edition;
  start: Variant;
  events: Event[];
}

/** Writes that the history's own user makes in Dynamics do not meet these: only reads do. */
export const faults: Record<string, object> = {
  reset: { system: 'campaign', kind: 'reset', times: 3 },
  'accepted-then-reset': { system: 'campaign', kind: 'accepted-then-reset', times: 3 },
  truncate: { system: 'campaign', kind: 'truncate', times: 2 },
  status: { system: 'campaign', kind: 'status', status: 502, times: 3 },
  throttle: { system: 'campaign', kind: 'throttle', retryAfter: 1, times: 2 },
  'expire-token': { system: 'campaign', kind: 'expire-token', times: 1 },
  'dynamics-reset': { system: 'dynamics', method: 'GET', kind: 'reset', times: 2 },
  'dynamics-status': { system: 'dynamics', method: 'GET', kind: 'status', status: 503, times: 2 },
  'dynamics-throttle': {
    system: 'dynamics',
    method: 'GET',
    kind: 'throttle',
    facet: 'time',
    retryAfter: 1,
    times: 1,
  },
  'expire-delta': { system: 'dynamics', kind: 'expire-delta', times: 1 },
};

/** Of plain objects, so that a history that is told can be read. */
const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true });
/** Few rows, so that much happens to each. */
const place = fc.nat({ max: 4 });
const maybePlace = fc.option(place, { nil: undefined, freq: 4 });
const table = fc.constantFrom(...tables);
const mostly = fc.oneof(
  { weight: 3, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);
const isLong = fc.oneof(
  { weight: 4, arbitrary: fc.constant(false) },
  { weight: 1, arbitrary: fc.constant(true) },
);
const filterKind = fc.constantFrom('none', 'keep', 'delete');

const filter = record({ contact: filterKind, new_parcel: filterKind, new_item: filterKind });
const variant: fc.Arbitrary<Variant> = record({
  filter: fc.oneof(fc.constant(firstVariant.filter), filter),
  emailFollows: fc.boolean(),
  nickname: fc.boolean(),
  weight: fc.boolean(),
  female: fc.boolean(),
  brake: fc.constantFrom('wide', 'narrow'),
});
/** One thing at a time. */
const edit: fc.Arbitrary<Edit> = fc
  .tuple(variant, fc.constantFrom(...(Object.keys(firstVariant) as (keyof Variant)[])))
  .map(([whole, name]) => ({ [name]: whole[name] }));

const kind = <T extends string>(...names: T[]) => fc.constantFrom(...names);
/** What users of Dynamics do. */
const change = fc.oneof(
  { weight: 1, arbitrary: record({ kind: kind('create-contact'), long: isLong }) },
  { weight: 1, arbitrary: record({ kind: kind('create-parcel'), long: isLong, contact: maybePlace }) },
  { weight: 1, arbitrary: record({ kind: kind('create-item'), parcel: maybePlace }) },
  { weight: 1, arbitrary: record({ kind: kind('create-family'), long: isLong }) },
  { weight: 3, arbitrary: record({ kind: kind('change'), table, row: place, long: isLong }) },
  {
    weight: 4,
    arbitrary: record({
      kind: kind('move'),
      table: kind('new_parcel', 'new_item'),
      row: place,
      to: maybePlace,
    }),
  },
  { weight: 2, arbitrary: record({ kind: kind('delete'), table, row: place }) },
  { weight: 4, arbitrary: record({ kind: kind('deactivate', 'activate'), table, row: place }) },
) as fc.Arbitrary<Event>;
/** What else may happen before the next sync. */
const incident = fc.oneof(
  { weight: 4, arbitrary: record({ kind: kind('fault'), fault: kind(...Object.keys(faults)) }) },
  { weight: 4, arbitrary: record({ kind: kind('edit-mapping'), edit }) },
  { weight: 1, arbitrary: record({ kind: kind('resync'), table, mode: kind('verify', 'rewrite') }) },
  { weight: 1, arbitrary: record({ kind: kind('restart') }) },
  {
    weight: 1,
    arbitrary: record({ kind: kind('edit-in-campaign', 'delete-in-campaign'), table, row: place }),
  },
  { weight: 2, arbitrary: record({ kind: kind('approve', 'discard'), table }) },
) as fc.Arbitrary<Event>;
const sync = record({ kind: kind('sync'), waits: mostly });

/** Some changes, something else now and then, and a sync. */
const round = fc
  .tuple(fc.array(change, { minLength: 1, maxLength: 3 }), fc.array(incident, { maxLength: 1 }), sync)
  .map(([changes, incidents, last]): Event[] => [...changes, ...incidents, last]);

/** Histories of so many rounds. */
export const histories = (rounds: { minLength: number; maxLength: number }): fc.Arbitrary<History> =>
  record({
    edition: fc.constantFrom('standard', 'v8'),
    start: variant,
    events: fc.array(round, rounds).map((each) => each.flat()),
  });
