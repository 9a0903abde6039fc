import { Context } from '@temporalio/activity';
import { ingressFlow, noCounts, type InspectRequest, type Plan } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import type { FeedState, Position } from '../ledger/store.js';
import type { ActivityDependencies } from './dependencies.js';
import { whileBeating } from './heartbeat.js';
import { compileCandidate, type CandidateTable } from './plan-mapping.js';
import { createTally } from './plan-tally.js';
import { createPlanView } from './plan-view.js';
import { walkPlan } from './plan-walk.js';
import { createForecast } from './plan-writes.js';
import { positionUnder } from './reading.js';
import { isLoaded } from './table-order.js';

export function createPlan(dependencies: ActivityDependencies) {
  const { ledger, campaign } = dependencies;

  /**
   * What a sync of the table would do now, under the mapping in force or a candidate: read and decided as a sync does, and
   * written nowhere, neither to the systems nor to the ledger. Ids, counts, codes and field names only.
   */
  async function plan({ table, document, limit }: InspectRequest & { kind: 'plan' }): Promise<Plan> {
    const options: CallOptions = { priority: 'first-load', signal: Context.current().cancellationSignal };
    return whileBeating(async () => {
      const candidate = await compileCandidate(dependencies, {
        table,
        options,
        ...(document !== undefined && { document }),
      });
      if (!candidate.table) return unmapped(table, candidate.notes);
      const flow = ingressFlow(table);
      const feed = await ledger.readFeed(flow);
      const { mapping, resource } = candidate.table;
      const view = createPlanView(ledger, flow);
      const tally = createTally();
      const forecast = createForecast({ campaign, resource, mapping, options, limit });
      await walkPlan(dependencies, { flow, table: candidate.table, view, tally, forecast, options }, feed);
      const result = tally.result();
      const { dynamics, campaign: campaignCalls } = candidate.calls;
      const position = positionUnder(feed?.position, mapping.hash);
      return {
        table,
        reading: position.mode,
        ...result,
        calls: {
          dynamics: result.calls.dynamics + dynamics,
          campaign: result.calls.campaign + campaignCalls,
        },
        notes: [
          ...candidate.notes,
          ...(await feedNotes(flow, feed, position)),
          ...(await parentNotes(candidate.table, isLoaded(feed?.position))),
        ],
      };
    });
  }

  async function feedNotes(flow: string, before: FeedState | undefined, start: Position): Promise<string[]> {
    const after = await ledger.readFeed(flow);
    const isUnderWay = start === before?.position && start.phase !== 'following';
    return [
      ...(isUnderWay
        ? [`A read is under way (${start.phase}): the plan goes on from its last committed page.`]
        : []),
      ...(after?.version === before?.version
        ? []
        : ['A sync went on meanwhile, so that the numbers are not exact: pause the flow, and plan again.']),
    ];
  }

  /** A first load waits for those of its parents, and then finds them there. */
  async function parentNotes({ mapping }: CandidateTable, loaded: boolean): Promise<string[]> {
    if (loaded) return [];
    const notes: string[] = [];
    for (const parent of mapping.parentTables) {
      const feed = await ledger.readFeed(ingressFlow(parent));
      if (!isLoaded(feed?.position))
        notes.push(
          `The first load waits for that of ${parent}: rows counted as PARENT_MISSING for it are created once ${parent} is loaded.`,
        );
    }
    return notes;
  }

  return { plan };
}

const unmapped = (table: string, notes: string[]): Plan => ({
  table,
  reading: 'none',
  counts: { ...noCounts },
  parked: [],
  calls: { dynamics: 0, campaign: 0 },
  samples: {},
  fields: { changed: {}, known: 0, of: 0, equal: 0 },
  notes,
});
