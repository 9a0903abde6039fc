import { Context } from '@temporalio/activity';
import {
  EGRESS,
  ingressFlow,
  OPT_OUT,
  tableOf,
  type AnyFlowStatus,
  type EventFlowStatus,
  type FlowId,
  type FlowStatus,
  type InspectRequest,
  type InspectResult,
  type OptOutFlowStatus,
} from '../contracts.js';
import { SyncError } from '../errors.js';
import type { FeedState, FlowSummary, ParkedFilter } from '../ledger/store.js';
import { wantsEvents } from '../mapping/events-schema.js';
import { wantsOptOut, type OptOut } from '../mapping/opt-out-schema.js';
import { readSyncFile } from '../mapping/read.js';
import type { SyncConfig } from '../mapping/schema.js';
import { failureOf } from './failure.js';
import { createCheck } from './check.js';
import type { ActivityDependencies } from './dependencies.js';
import { createExplain } from './explain.js';
import { whileBeating } from './heartbeat.js';
import { flowsOf } from './mapped-flows.js';
import { nextOf, parkedRowView } from './parked-row-view.js';
import { isStaleExport, newestExport } from './opt-out-position.js';
import { createPlan } from './plan.js';
import { createPlanOptOut } from './plan-opt-out.js';

/** At most so many rows of the ledger travel in one answer (DESIGN §4 "Looking inside"). */
const MAX_ROWS = 500;

export function createInspect(dependencies: ActivityDependencies) {
  const { ledger, mappings, dynamics, clock, log, callsToday, claimed } = dependencies;
  const { check } = createCheck(dependencies);
  const { plan } = createPlan(dependencies);
  const { planOptOut } = createPlanOptOut(dependencies);
  const { explain } = createExplain(dependencies);

  /** Answers one question about the ledger, or makes one change to it. Ids, counts and codes only. */
  async function inspectLedger(request: InspectRequest): Promise<InspectResult> {
    try {
      // A check tells what keeps the claim from being made.
      if (request.kind !== 'check') await claimed();
      switch (request.kind) {
        case 'apply':
          return await apply(request.document);
        case 'status':
          return { kind: 'status', flows: await flowStatuses(), calls: await callsToday() };
        case 'parked':
          return { kind: 'parked', rows: await parked(request) };
        case 'deletions':
          return await deletions(request);
        case 'redrive':
          return await redrive(request);
        case 'plan':
          return { kind: 'plan', plan: await plan(request) };
        case 'explain':
          return { kind: 'explain', stories: await explain(request) };
        case 'check':
          return { kind: 'check', findings: await check(request) };
        case 'consent':
          return {
            kind: 'consent',
            entries: await ledger.consentLog({ ...request, limit: Math.min(request.limit, MAX_ROWS) }),
          };
        case 'planOptOut':
          return { kind: 'planOptOut', plan: await planOptOut(request) };
        case 'provision':
          return {
            kind: 'provision',
            ...(await whileBeating(() => dynamics.provision({ priority: 'event' }))),
          };
      }
    } catch (error) {
      const { cancellationSignal } = Context.current();
      if (cancellationSignal.aborted) throw cancellationSignal.reason;
      throw failureOf(error, 0);
    }
  }

  async function apply(document: string): Promise<InspectResult> {
    const read = readSyncFile(document);
    if (!read.ok) throw new SyncError('MAPPING_INVALID', { subject: `${read.faults.length} faults` });
    await refuseOtherKeys(read.config);
    const { version, changed } = await ledger.mappings.publish(document);
    if (changed) log('mapping.applied', { version });
    return { kind: 'apply', version, changed, schedules: flowsOf(read.config) };
  }

  /** Under another key, or in another resource, every record that is there would be made a second time. */
  async function refuseOtherKeys({ tables }: SyncConfig): Promise<void> {
    if (!(await ledger.mappings.inForce())) return;
    const { config } = await mappings.config();
    for (const { dynamics: table, campaign, key } of tables) {
      const before = config.tables.find((candidate) => candidate.dynamics === table);
      if (!before || (before.campaign === campaign && before.key.to === key.to)) continue;
      const { managed } = (await ledger.summary(ingressFlow(table))).now;
      if (managed === 0) continue;
      throw new SyncError('MAPPING_INVALID', {
        subject: `${table}: ${managed} records are in ${before.campaign} under ${before.key.to}, which cannot change to ${campaign} under ${key.to}`,
      });
    }
  }

  async function flowStatuses(): Promise<AnyFlowStatus[]> {
    const { config } = await mappings.config();
    const tables = config.tables.map(({ dynamics: table }) => tableStatus(table));
    return Promise.all([
      ...tables,
      ...(wantsEvents(config.events) ? [eventStatus()] : []),
      ...(wantsOptOut(config.optOut) ? [optOutStatus(config.optOut)] : []),
    ]);
  }

  async function tableStatus(table: string): Promise<FlowStatus> {
    const flow = ingressFlow(table);
    const [summary, feed] = await Promise.all([ledger.summary(flow), ledger.readFeed(flow)]);
    const backlog = await backlogOf(table);
    return {
      ...stateOf(flow, summary, clock.nowMs()),
      ...(feed?.position && { phase: feed.position.phase }),
      ...summary.counts,
      now: { ...summary.now, ...(backlog !== undefined && { backlog }) },
    };
  }

  async function eventStatus(): Promise<EventFlowStatus> {
    const [summary, events] = await Promise.all([ledger.summary(EGRESS), ledger.eventSummary(EGRESS)]);
    const { counts, filteredBy, gaps } = events;
    const now = { parked: summary.now.parked };
    return { ...stateOf(EGRESS, summary, clock.nowMs()), ...counts, now, filteredBy, gaps };
  }

  async function optOutStatus(optOut: OptOut): Promise<OptOutFlowStatus> {
    const [feed, summary, counts, due] = await Promise.all([
      ledger.readFeed(OPT_OUT),
      ledger.summary(OPT_OUT),
      ledger.lastOptOutCounts(OPT_OUT),
      ledger.dueSummary(),
    ]);
    const { count, failing, oldestAt, errors } = due;
    const state = stateOf(OPT_OUT, summary, clock.nowMs());
    return {
      ...state,
      errors: { ...state.errors, ...errors },
      ...(summary.phase && { phase: summary.phase }),
      ...counts,
      now: {
        due: count,
        failing,
        ...(oldestAt !== undefined && { oldestDueAt: oldestAt }),
        parked: summary.now.parked,
      },
      ...(optOut.source === 'files' && { exports: exportsOf(feed, optOut) }),
    };
  }

  function exportsOf(feed: FeedState | undefined, optOut: OptOut): NonNullable<OptOutFlowStatus['exports']> {
    const newestAt = newestExport(feed);
    if (newestAt === undefined) return { stale: true };
    return { newestAt, stale: isStaleExport(newestAt, optOut, clock.nowMs()) };
  }

  /** The changes that Dynamics still has for us; unknown before the first full read is done, or while it cannot be asked. */
  async function backlogOf(table: string): Promise<number | undefined> {
    const feed = await ledger.readFeed(ingressFlow(table));
    const position = feed?.position;
    const deltaLink = position?.phase === 'following' ? position.link : undefined;
    if (deltaLink === undefined) return undefined;
    try {
      return await dynamics.countChanges({ table: (await mappings.inForce(table)).source, deltaLink });
    } catch {
      return undefined;
    }
  }

  async function parked(request: InspectRequest & { kind: 'parked' }) {
    const rows = await ledger.parked({
      ...filterOf(request),
      limit: Math.min(request.limit, MAX_ROWS),
      ...(request.after !== undefined && { after: request.after }),
    });
    return rows.map(parkedRowView);
  }

  /** Shows the held deletions of a table; with `discard`, forgets that very set. Throws HELD_SET_CHANGED. */
  async function deletions({
    table,
    discard,
  }: InspectRequest & { kind: 'deletions' }): Promise<InspectResult> {
    await mappings.inForce(table);
    const flow = ingressFlow(table);
    const held = await ledger.heldSet(flow);
    if (discard && !(await ledger.discardHeld(flow, discard)))
      throw new SyncError('HELD_SET_CHANGED', {
        subject: `${table}: ${discard.count} of version ${discard.version}`,
      });
    if (discard) log('deletions.discarded', { flow, version: discard.version, deletions: discard.count });
    return { kind: 'deletions', table, held, discarded: discard !== undefined };
  }

  async function redrive(request: InspectRequest & { kind: 'redrive' }): Promise<InspectResult> {
    const { config } = await mappings.config();
    const mapped = flowsOf(config).map(({ flow }) => flow);
    const flows = request.flow === undefined ? mapped : [request.flow];
    let redriven = 0;
    const touched: FlowId[] = [];
    for (const flow of flows) {
      const rows = await ledger.redrive({ ...filterOf(request), flow });
      if (rows === 0) continue;
      redriven += rows;
      touched.push(flow);
      // A row may be parked for a fault of either schema that has been mended since.
      const table = tableOf(flow);
      if (table !== undefined) await mappings.inForce(table, { fresh: true });
    }
    return { kind: 'redrive', redriven, flows: touched };
  }

  return { inspectLedger };
}

function filterOf(request: { flow?: string; code?: string; id?: string }): ParkedFilter {
  return {
    ...(request.flow !== undefined && { flow: request.flow }),
    ...(request.code !== undefined && { code: request.code }),
    ...(request.id !== undefined && { sourceId: request.id }),
  };
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** What of a flow's status is told of every flow alike. */
function stateOf(
  flow: FlowId,
  summary: FlowSummary,
  nowMs: number,
): Pick<AnyFlowStatus, 'flow' | 'outcome' | 'seconds' | 'rowsPerSecond' | 'lagSeconds' | 'errors' | 'error'> {
  const { outcome = 'working', seconds, rowsPerSecond, lastCommitAt, errors, errorCode } = summary;
  return {
    flow,
    outcome,
    seconds: rounded(seconds),
    rowsPerSecond: rounded(rowsPerSecond),
    lagSeconds: lastCommitAt ? Math.max(0, Math.round((nowMs - Date.parse(lastCommitAt)) / 1000)) : 0,
    errors,
    ...(errorCode && { error: { code: errorCode, next: nextOf(errorCode) } }),
  };
}
