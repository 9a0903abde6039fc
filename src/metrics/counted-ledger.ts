import { EGRESS, OPT_OUT, tableOf, type FlowId } from '../contracts.js';
import type { Ledger } from '../ledger/store.js';
import type { Metrics } from './catalogue.js';

/** What an item of a flow may become, by the names of the summary (CONTRACT "Summary"). */
const OUTCOMES = {
  ingress: ['created', 'updated', 'unchanged', 'filtered', 'deleted', 'parked', 'held'],
  egress: ['written', 'duplicates', 'filtered', 'parked'],
  optOut: ['toCampaign', 'toDynamics', 'unchanged', 'parked'],
} as const;

/** So that a first outcome is seen as a rise from zero. */
export function startAtZero({ outcomes, runs }: Metrics, flow: FlowId): void {
  for (const outcome of outcomesOf(flow)) outcomes.inc({ flow, outcome }, 0);
  for (const outcome of ['in-sync', 'waiting', 'failed']) runs.inc({ flow, outcome }, 0);
}

function outcomesOf(flow: FlowId): readonly string[] {
  if (tableOf(flow) !== undefined) return OUTCOMES.ingress;
  return { [EGRESS]: OUTCOMES.egress, [OPT_OUT]: OUTCOMES.optOut }[flow] ?? [];
}

/**
 * The ledger, with what it has recorded counted: once a page is committed, so that a page that is done again after a crash counts once,
 * as in the runs' own counts (P1).
 */
export function countedLedger(ledger: Ledger, { outcomes, runs }: Metrics): Ledger {
  function count(flow: FlowId, became: string[]): void {
    const tally = new Map<string, number>();
    for (const outcome of became) tally.set(outcome, (tally.get(outcome) ?? 0) + 1);
    for (const [outcome, times] of tally) outcomes.inc({ flow, outcome }, times);
  }

  return {
    ...ledger,
    async commitPage(feed, rows, next, answered, of) {
      const committed = await ledger.commitPage(feed, rows, next, answered, of);
      if (next)
        count(
          feed.flow,
          rows.flatMap(({ outcome }) => (outcome === 'repeat' ? [] : [outcome])),
        );
      return committed;
    },
    async commitEvents(feed, events, next, also) {
      const committed = await ledger.commitEvents(feed, events, next, also);
      if (next)
        count(
          feed.flow,
          events.map(({ outcome }) => (outcome === 'duplicate' ? 'duplicates' : outcome)),
        );
      return committed;
    },
    async commitConsents(feed, page, next) {
      const committed = await ledger.commitConsents(feed, page, next);
      count(feed.flow, [
        ...page.outcomes.map(({ outcome }) => outcome),
        ...(page.faults ?? []).map(() => 'parked'),
      ]);
      return committed;
    },
    async finishRun(flow, runId, outcome, errorCode) {
      await ledger.finishRun(flow, runId, outcome, errorCode);
      runs.inc({ flow, outcome });
    },
  };
}
