import type { CompiledMapping } from '../mapping/model.js';
import type { Decision } from './decide.js';

/**
 * Holds a page's deletions when, with those of the last 24 hours, they would exceed the mapping's share of what was managed
 * when that window began, and are more than its `atLeast` (P7). What a person has approved and everything else on the page goes on.
 */
export async function holdBeyondBrake(
  decisions: Decision[],
  { deletionBrake }: CompiledMapping,
  window: () => Promise<{ deleted: number; managedAtStart: number }>,
): Promise<Decision[]> {
  const deletions = decisions.filter(isBraked).length;
  if (deletions === 0) return decisions;
  const { deleted, managedAtStart } = await window();
  const allowed = Math.max(deletionBrake.atLeast, Math.floor(deletionBrake.share * managedAtStart));
  if (deleted + deletions <= allowed) return decisions;
  return decisions.map((decision) => (isBraked(decision) ? held(decision) : decision));
}

type Deletion = Decision & { kind: 'delete' };
const isBraked = (decision: Decision): decision is Deletion =>
  decision.kind === 'delete' && !decision.approved;

function held({ sourceId, sourceVersion }: Deletion): Decision {
  return {
    kind: 'settled',
    outcome: { sourceId, outcome: 'held', ...(sourceVersion !== undefined && { sourceVersion }) },
  };
}
