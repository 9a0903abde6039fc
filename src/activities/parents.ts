import { nameOf, partsOf, type Lead } from '../ledger/link-store.js';
import type { Ledger, LedgerRecord, RowOutcome } from '../ledger/store.js';
import type { CompiledMapping, ParentRow } from '../mapping/model.js';
import { approvalOf, intentOf, mayBeOurs, type Decision } from './decide.js';
import { waitsForOf } from './leads.js';

/** A survey that did not see it says that Campaign has it no more; one that is about to go takes no new children. */
export const hasLanded = ({ managed, state, leaving }: LedgerRecord): boolean =>
  managed && state !== 'missing' && !leaving;

/** Its record is about to go, or gone; one that a survey has missed comes back with its next row. */
const isLost = ({ managed, leaving, full, doubled, state }: LedgerRecord): boolean =>
  leaving === true || (!managed && full === undefined && !doubled && state !== 'missing');

/**
 * Parks rows whose parent is not in Campaign yet (P5): they are released when it lands. A record that stays as it is must not be
 * left behind by a parent that goes: it is deleted first if Campaign would hide it (decision 13), and what it holds is forgotten if only
 * its link is lost. Asks the ledger once for each parent table.
 */
export async function awaitParents(
  ledger: Ledger,
  flow: string,
  mapping: CompiledMapping,
  decisions: Decision[],
  known: Map<string, LedgerRecord>,
): Promise<Decision[]> {
  if (mapping.parentTables.length === 0) return decisions;
  const ours = decisions.map(idOf).filter((id) => mayBeOurs(known.get(id)));
  const leads =
    mapping.hasTies && ours.length > 0 ? await ledger.leads(flow, ours) : new Map<string, Lead[]>();
  const named = [
    ...decisions.flatMap((decision) => parentsOf(decision).map(waitsForOf)),
    ...[...leads.values()].flat().map(({ parent }) => parent),
  ];
  const parents = await recordsNamed(ledger, named);
  const isMissing = (parent: ParentRow): boolean => {
    const record = parents.get(waitsForOf(parent));
    return record === undefined || !hasLanded(record);
  };
  const isGoing = (name: string): boolean => {
    const record = parents.get(name);
    return record !== undefined && isLost(record);
  };
  return decisions.map((decision) => {
    const settled = withParents(decision);
    if (settled.kind !== 'settled' || isOver(settled)) return settled;
    const record = known.get(settled.outcome.sourceId);
    const lost = (leads.get(settled.outcome.sourceId) ?? []).filter(({ parent }) => isGoing(parent));
    if (lost.length === 0 || settled.outcome.accepted || !mayBeOurs(record)) return settled;
    return lost.some(({ hides }) => hides) && settled.outcome.outcome !== 'unchanged'
      ? goesFirst(settled.outcome, record)
      : { ...settled, outcome: { ...settled.outcome, forgotten: true } };
  });

  function withParents(decision: Decision): Decision {
    const missing =
      decision.kind === 'settled'
        ? parentsOf(decision).find((parent) => parent.ties && isGoing(waitsForOf(parent)))
        : parentsOf(decision).find(isMissing);
    return missing ? orphaned(decision, missing) : decision;
  }
}

async function recordsNamed(ledger: Ledger, names: string[]): Promise<Map<string, LedgerRecord>> {
  const idsByFlow = new Map<string, Set<string>>();
  for (const name of names) {
    const { flow, sourceId } = partsOf(name);
    idsByFlow.set(flow, (idsByFlow.get(flow) ?? new Set()).add(sourceId));
  }
  const records = new Map<string, LedgerRecord>();
  for (const [flow, ids] of idsByFlow)
    for (const [id, record] of await ledger.records(flow, [...ids])) records.set(nameOf(flow, id), record);
  return records;
}

const idOf = (decision: Decision): string =>
  decision.kind === 'settled' ? decision.outcome.sourceId : decision.sourceId;

const parentsOf = (decision: Decision): ParentRow[] =>
  decision.kind === 'delete' ? [] : (decision.parents ?? []);

/** Was decided by an interrupted attempt, or by an earlier page. */
const isOver = ({ again, outcome }: Decision & { kind: 'settled' }): boolean =>
  again === true || outcome.outcome === 'repeat';

/** The row is parked until its parent lands; what Campaign holds of it stays as it is. */
export function orphaned(decision: Decision, parent: ParentRow): Decision {
  if (decision.kind === 'delete') return decision;
  const { sourceId, sourceVersion } = decision.kind === 'settled' ? decision.outcome : decision;
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

function goesFirst(outcome: RowOutcome, record: LedgerRecord | undefined): Decision {
  const { sourceId, sourceVersion } = outcome;
  return {
    kind: 'delete',
    sourceId,
    ...(sourceVersion !== undefined && { sourceVersion }),
    ...intentOf(record),
    ...approvalOf(record),
    ...(outcome.outcome === 'parked' && { afterwards: outcome }),
  };
}
