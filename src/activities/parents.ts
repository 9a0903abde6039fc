import { ingressFlow } from '../contracts.js';
import type { Ledger, LedgerRecord } from '../ledger/store.js';
import type { ParentRow } from '../mapping/model.js';
import type { Decision } from './decide.js';

/** Names a parent in the ledger's `waitsFor`. */
export const waitsForOf = ({ table, id }: Pick<ParentRow, 'table' | 'id'>): string =>
  `${ingressFlow(table)}:${id}`;

/**
 * Parks rows whose parent is not in Campaign yet (P5): they are released when it lands. Asks the ledger once for each
 * parent table.
 */
export async function awaitParents(ledger: Ledger, decisions: Decision[]): Promise<Decision[]> {
  const idsByTable = new Map<string, Set<string>>();
  for (const { table, id } of decisions.flatMap(parentsOf)) {
    const ids = idsByTable.get(table) ?? new Set();
    idsByTable.set(table, ids.add(id));
  }
  if (idsByTable.size === 0) return decisions;
  const landed = new Set<string>();
  for (const [table, ids] of idsByTable) {
    for (const record of (await ledger.records(ingressFlow(table), [...ids])).values())
      if (hasLanded(record)) landed.add(waitsForOf({ table, id: record.sourceId }));
  }
  return decisions.map((decision) => {
    const missing = parentsOf(decision).find((parent) => !landed.has(waitsForOf(parent)));
    return missing ? orphaned(decision, missing) : decision;
  });
}

const parentsOf = (decision: Decision): ParentRow[] =>
  decision.kind === 'create' || decision.kind === 'update' ? decision.parents : [];

/** A survey that did not see it says that Campaign has it no more. */
export const hasLanded = ({ managed, state }: LedgerRecord): boolean => managed && state !== 'missing';

function orphaned(decision: Decision, parent: ParentRow): Decision {
  if (decision.kind === 'settled') return decision;
  const { sourceId, sourceVersion } = decision;
  return {
    kind: 'settled',
    outcome: {
      sourceId,
      outcome: 'parked',
      ...(sourceVersion !== undefined && { sourceVersion }),
      fault: { code: 'PARENT_MISSING', field: parent.field, waitsFor: waitsForOf(parent) },
    },
  };
}
