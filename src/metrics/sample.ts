import type { Gauge } from 'prom-client';
import { flowsOf } from '../activities/mapped-flows.js';
import type { Mappings } from '../activities/mappings.js';
import { newestExport } from '../activities/opt-out-position.js';
import { EGRESS, OPT_OUT, tableOf } from '../contracts.js';
import { SyncError } from '../errors.js';
import { inTime } from '../in-time.js';
import type { FlowState } from '../ledger/flow-states.js';
import type { Ledger } from '../ledger/store.js';
import { wantsOptOut } from '../mapping/opt-out-schema.js';
import type { SyncConfig } from '../mapping/schema.js';
import type { CalledSystem, Metrics } from './catalogue.js';
import { startAtZero } from './counted-ledger.js';

export interface Watched {
  ledger: Ledger;
  mappings: Pick<Mappings, 'config'>;
  /** Resolves when Temporal answers, rejects when it does not. */
  temporal(): Promise<unknown>;
  /** Calls a day, of the systems that have such a budget. */
  perDay: Record<CalledSystem, number | undefined>;
}

/** A scrape ends before Prometheus gives up on it: after 10 seconds, if nothing else is set. */
const PATIENCE_MS = 5_000;

/**
 * Reads from the ledger where every mapped flow stands, asks whether Temporal answers, and sets the gauges; asks neither system. A gauge of which nothing is known is
 * left out. Without an answer of the ledger all of them are, and `dcs_ledger_up` is 0.
 */
export function createSample(watched: Watched, metrics: Metrics): () => Promise<void> {
  const found = inTime(() => read(watched), PATIENCE_MS);
  const temporalAnswers = inTime(() => watched.temporal().then(() => true), PATIENCE_MS);
  return async () => {
    const [now, hasTemporal] = await Promise.all([found(), temporalAnswers()]);
    for (const gauge of Object.values(metrics.state)) gauge.reset();
    metrics.temporalUp.set(hasTemporal ? 1 : 0);
    metrics.ledgerUp.set(now ? 1 : 0);
    if (now) tell(metrics, now);
  };
}

async function read({ ledger, mappings, perDay }: Watched) {
  const [config, flows, due, dynamics, campaign] = await Promise.all([
    published(mappings),
    ledger.flowStates(),
    ledger.dueSummary(),
    ledger.callsToday('dynamics'),
    ledger.callsToday('campaign'),
  ]);
  const optOut = wantsOptOut(config?.optOut) ? config.optOut : undefined;
  const feed = optOut?.source === 'files' ? await ledger.readFeed(OPT_OUT) : undefined;
  return {
    mapped: config ? flowsOf(config) : [],
    flows,
    ...(optOut && { due }),
    newestExportAt: newestExport(feed),
    calls: { dynamics, campaign },
    perDay,
  };
}

/** Before the first `apply` there is nothing to watch. */
async function published(mappings: Watched['mappings']): Promise<SyncConfig | undefined> {
  try {
    return (await mappings.config()).config;
  } catch (error) {
    if (error instanceof SyncError && error.code === 'MAPPING_MISSING') return undefined;
    throw error;
  }
}

function tell(metrics: Metrics, found: Awaited<ReturnType<typeof read>>): void {
  const { state } = metrics;
  for (const { flow, everyMs } of found.mapped) {
    startAtZero(metrics, flow);
    state.interval.set({ flow }, everyMs / 1000);
    const now = found.flows.find((each) => each.flow === flow);
    if (now) tellFlow(state, now);
  }
  if (found.due) {
    const { count, oldestAt, errors } = found.due;
    state.due.set({ flow: OPT_OUT }, count);
    setTime(state.oldestDue, { flow: OPT_OUT }, oldestAt);
    for (const [code, contacts] of Object.entries(errors))
      state.failing.set({ flow: OPT_OUT, code }, contacts);
  }
  setTime(state.newestExport, { flow: OPT_OUT }, found.newestExportAt);
  for (const system of ['dynamics', 'campaign'] as const) {
    const perDay = found.perDay[system];
    state.callsToday.set({ system }, found.calls[system]);
    if (perDay !== undefined) state.callsPerDay.set({ system }, perDay);
  }
}

function tellFlow(state: Metrics['state'], now: FlowState): void {
  const { flow, phase, failedWith, parked } = now;
  if (phase) state.phase.set({ flow, phase }, 1);
  if (failedWith !== undefined) state.failed.set({ flow, code: failedWith }, 1);
  setTime(state.success, { flow }, now.lastSuccessAt);
  setTime(state.commit, { flow }, now.lastCommitAt);
  for (const [code, rows] of Object.entries(parked)) state.parked.set({ flow, code }, rows);
  if (tableOf(flow) !== undefined) {
    state.managed.set({ flow }, now.managed);
    state.held.set({ flow }, now.held);
  }
  if (flow === EGRESS) {
    state.gaps.set({ flow }, now.gaps);
    setTime(state.newestGap, { flow }, now.newestGapAt);
  }
}

function setTime<Label extends string>(
  gauge: Gauge<Label>,
  labels: Partial<Record<Label, string>>,
  at: string | undefined,
): void {
  if (at !== undefined) gauge.set(labels, Date.parse(at) / 1000);
}
