import { Context } from '@temporalio/activity';
import { createChangedProfiles } from '../campaign/changed-profiles.js';
import type { OptOutCursor, ProfileFlags } from '../campaign/opt-out-source.js';
import {
  ingressFlow,
  noOptOutCounts,
  type InspectRequest,
  type OptOutCounts,
  type OptOutPlan,
} from '../contracts.js';
import { FLAG_WRITES_AT_ONCE } from '../dynamics/flags.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import { durationMs } from '../mapping/names-schema.js';
import { OPT_OUT_TABLE, wantsOptOut, type OptOutInForce } from '../mapping/opt-out-schema.js';
import { readSyncFile } from '../mapping/read.js';
import type { ActivityDependencies } from './dependencies.js';
import { whileBeating } from './heartbeat.js';
import { decideFlags, dynamicsFlags, outcomeOf, type FlagDecision } from './opt-out-decide.js';
import { flagColumns, profileFlags } from './opt-out-pages.js';
import { compileCandidate, type CandidateTable } from './plan-mapping.js';
import { READ_AGAIN_AT_ONCE, SURVEY_PAGE_SIZE } from './reading.js';

const SAMPLES = 5;

export function createPlanOptOut(dependencies: ActivityDependencies) {
  const { ledger, mappings, dynamics, campaign, clock } = dependencies;

  /**
   * What a comparison of every contact with its profile would write, under the mapping in force or a candidate: read and decided as the
   * flow does, and written nowhere. Counts are flags of contacts. Throws OPT_OUT_DISABLED when no opt-outs are to be kept in step.
   */
  async function planOptOut({ document }: InspectRequest & { kind: 'planOptOut' }): Promise<OptOutPlan> {
    const options: CallOptions = { priority: 'first-load', signal: Context.current().cancellationSignal };
    return whileBeating(async () => {
      const optOut = await optOutOf(document);
      const candidate = await compileCandidate(dependencies, {
        table: OPT_OUT_TABLE,
        options,
        ...(document !== undefined && { document }),
      });
      if (!candidate.table) throw new SyncError('MAPPING_MISSING', { subject: OPT_OUT_TABLE });
      return compareAll(optOut, candidate.table, options);
    });
  }

  async function optOutOf(document: string | undefined): Promise<OptOutInForce> {
    const read = document === undefined ? undefined : readSyncFile(document);
    if (read && !read.ok) throw new SyncError('MAPPING_INVALID', { subject: 'the candidate file' });
    const { optOut } = read ? read.config : (await mappings.config()).config;
    if (!wantsOptOut(optOut)) throw new SyncError('OPT_OUT_DISABLED');
    return optOut;
  }

  async function compareAll(
    optOut: OptOutInForce,
    table: CandidateTable,
    options: CallOptions,
  ): Promise<OptOutPlan> {
    const plan = emptyPlan(optOut);
    const profiles = createChangedProfiles({
      campaign,
      profile: table.resource,
      keyField: table.mapping.keyField,
      filter: optOut.changes.filter,
      overlapMs: durationMs(optOut.changes.overlap),
      flags: profileFlags(optOut),
      lineCount: SURVEY_PAGE_SIZE,
      nowMs: clock.nowMs,
    });
    let toDynamics = 0;
    let cursor: OptOutCursor & { source: 'changes' } = { source: 'changes' };
    for (let more = true; more;) {
      const page = await profiles.read(cursor, options);
      plan.calls.campaign += 1;
      const found = page.items.flatMap((item) => (item.kind === 'flags' ? [item] : []));
      for (let start = 0; start < found.length; start += READ_AGAIN_AT_ONCE)
        toDynamics += await compare(
          found.slice(start, start + READ_AGAIN_AT_ONCE),
          plan,
          optOut,
          table,
          options,
        );
      more = page.more;
      if (page.next.source === 'changes') cursor = page.next;
    }
    plan.calls.dynamics += Math.ceil(toDynamics / FLAG_WRITES_AT_ONCE);
    return plan;
  }

  /** Answers how many contacts would be written to Dynamics. */
  async function compare(
    profiles: ProfileFlags[],
    plan: OptOutPlan,
    optOut: OptOutInForce,
    { mapping, source }: CandidateTable,
    options: CallOptions,
  ): Promise<number> {
    const ids = profiles.map(({ externalId }) => externalId);
    const select = [...new Set([...mapping.select, ...flagColumns(optOut)])];
    const [rows, agreements, records] = await Promise.all([
      dynamics.readByIds({ table: source, select, ids }, options),
      ledger.agreements(ids),
      ledger.records(ingressFlow(OPT_OUT_TABLE), ids),
    ]);
    plan.calls.dynamics += 1;
    const found = new Map(rows.flatMap((row) => (row.kind === 'row' ? [[row.id, row] as const] : [])));
    let toDynamics = 0;
    for (const { externalId, flags } of profiles) {
      const row = found.get(externalId);
      if (!row) continue;
      const isOurs =
        records.get(externalId)?.managed === true || mapping.toCampaign(row.row).kind === 'payload';
      if (!isOurs) continue;
      const side = dynamicsFlags(row.row, row.version, optOut);
      const decisions = decideFlags(optOut, agreements.get(externalId), side, flags);
      for (const decision of decisions) note(plan, externalId, decision, optOut);
      if (decisions.some(({ ruling }) => ruling.write === 'campaign')) plan.calls.campaign += 1;
      if (decisions.some(({ ruling }) => ruling.write === 'dynamics')) toDynamics += 1;
    }
    return toDynamics;
  }

  return { planOptOut };
}

const emptyPlan = ({ direction, rule, flags }: OptOutInForce): OptOutPlan => ({
  direction,
  rule,
  counts: { ...noOptOutCounts },
  flags: Object.fromEntries(flags.map(({ campaign }) => [campaign, { ...noOptOutCounts }])),
  because: {},
  calls: { dynamics: 0, campaign: 0 },
  samples: {},
});

function note(plan: OptOutPlan, contactId: string, decision: FlagDecision, optOut: OptOutInForce): void {
  const outcome = outcomeOf(contactId, optOut, decision, {})?.outcome ?? 'unchanged';
  for (const counts of [plan.counts, plan.flags[decision.flag]]) if (counts) add(counts, outcome);
  if (outcome === 'unchanged' && decision.ruling.because === 'equal') return;
  const { because } = decision.ruling;
  plan.because[because] = (plan.because[because] ?? 0) + 1;
  const samples = (plan.samples[outcome] ??= []);
  if (samples.length < SAMPLES && !samples.includes(contactId)) samples.push(contactId);
}

function add(counts: OptOutCounts, outcome: Exclude<keyof OptOutCounts, 'read'>): void {
  counts.read += 1;
  counts[outcome] += 1;
}
