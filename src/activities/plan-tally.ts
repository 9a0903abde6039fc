import { noCounts, type Plan, type PlannedPark } from '../contracts.js';
import type { RowOutcome } from '../ledger/store.js';

/** What would become of one row, and what it would cost. */
export interface Predicted {
  outcome: RowOutcome;
  campaignCalls: number;
  /** Of an update whose record was looked at: the fields that Campaign holds otherwise. */
  differing?: string[];
}

export interface Tally {
  add(predicted: Predicted): void;
  campaignCall(): void;
  dynamicsCall(): void;
  result(): Pick<Plan, 'counts' | 'parked' | 'calls' | 'samples' | 'fields'>;
}

const SAMPLES = 5;

/** Adds a plan up: counts, codes, names and a few ids. */
export function createTally(): Tally {
  const counts = { ...noCounts };
  const calls = { dynamics: 0, campaign: 0 };
  const samples: Plan['samples'] = {};
  const parked = new Map<string, PlannedPark>();
  const changed = new Map<string, number>();
  const fields = { of: 0, known: 0, equal: 0 };

  function add({ outcome: { sourceId, outcome, fault }, campaignCalls, differing }: Predicted): void {
    calls.campaign += campaignCalls;
    if (outcome === 'repeat') return;
    counts[outcome] += 1;
    counts.read += 1;
    const ids = (samples[outcome] ??= []);
    if (ids.length < SAMPLES) ids.push(sourceId);
    if (outcome === 'updated') fields.of += 1;
    if (outcome === 'parked' && fault) addParked(fault.code, fault.field);
    if (outcome === 'updated' && differing) addFields(differing);
  }

  function addParked(code: string, field: string | undefined): void {
    const name = `${code} ${field ?? ''}`;
    const rows = (parked.get(name)?.rows ?? 0) + 1;
    parked.set(name, { code, ...(field !== undefined && { field }), rows });
  }

  function addFields(differing: string[]): void {
    fields.known += 1;
    if (differing.length === 0) fields.equal += 1;
    for (const field of differing) changed.set(field, (changed.get(field) ?? 0) + 1);
  }

  return {
    add,
    campaignCall: () => void (calls.campaign += 1),
    dynamicsCall: () => void (calls.dynamics += 1),
    result: () => ({
      counts,
      parked: [...parked.values()].sort((one, other) => other.rows - one.rows),
      calls,
      samples,
      fields: {
        ...fields,
        changed: Object.fromEntries([...changed].sort(([, one], [, other]) => other - one)),
      },
    }),
  };
}
