import type { Ledger, ReadMode } from '../ledger/store.js';
import { canonical } from '../mapping/canonical.js';
import type { CompiledMapping } from '../mapping/model.js';
import { holdBeyondBrake } from './brake.js';
import { decide, type Change, type Decision } from './decide.js';
import { awaitParents } from './parents.js';

/**
 * What is to be done for each row of a page: from the row, what the ledger knows of it and of its parents, and the brake.
 * Reads the ledger only. `feedVersion` and `sameVersionIsRepeat` as in `DecideInput`.
 */
export async function decidePage(
  ledger: Ledger,
  flow: string,
  mapping: CompiledMapping,
  changes: Change[],
  reading: { mode: ReadMode; feedVersion: number; sameVersionIsRepeat: boolean },
): Promise<Decision[]> {
  const known = await ledger.records(
    flow,
    changes.map((change) => change.id),
  );
  const fingerprint = (payload: Parameters<typeof canonical>[0]): string =>
    ledger.fingerprint(canonical(payload));
  const decisions = decide(changes, known, { mapping, ...reading, fingerprint });
  const withParents = await awaitParents(ledger, flow, mapping, decisions, known);
  return holdBeyondBrake(withParents, mapping, () => ledger.deletionWindow(flow));
}
