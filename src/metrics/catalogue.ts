import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { MadeCall } from '../http/budget.js';

/** The systems that calls are counted for. */
export type CalledSystem = 'dynamics' | 'campaign';

const LATENCY_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/**
 * Every metric of ours, in a registry of its own; `docs/reference/metrics.md` is tied to it by a test. Labels hold flows, outcomes,
 * phases, codes and systems only: few values each, and nothing of a person (P8).
 */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Gauge({ name, help, labelNames, registers });

  const calls = counter('dcs_calls_total', 'Calls that this worker has made', ['system', 'method', 'status']);
  const callSeconds = new Histogram({
    name: 'dcs_call_duration_seconds',
    help: 'How long calls took that were answered, to the end of the answer',
    labelNames: ['system', 'method'],
    buckets: LATENCY_SECONDS,
    registers,
  });

  /** Counts a call's end. Tokens are minted elsewhere and not counted. */
  function madeCall(system: CalledSystem, { method, status, tookMs }: MadeCall): void {
    calls.inc({ system, method, status: statusClass(status) });
    if (status !== undefined) callSeconds.observe({ system, method }, tookMs / 1000);
  }

  return {
    registry,
    madeCall,
    outcomes: counter('dcs_outcomes_total', 'Items that a page of this worker has settled', [
      'flow',
      'outcome',
    ]),
    runs: counter('dcs_runs_total', 'Runs that have ended on this worker', ['flow', 'outcome']),
    sliceFailures: counter('dcs_slice_failures_total', 'Slices of this worker that an error has ended', [
      'flow',
      'code',
    ]),
    temporalUp: gauge('dcs_temporal_up', '1 while the Temporal server answers, otherwise 0', []),
    ledgerUp: gauge('dcs_ledger_up', '1 while the ledger can be read, otherwise 0', []),
    /** What is read from the ledger for each scrape. All have labels: what is not set again is not shown. */
    state: {
      interval: gauge('dcs_interval_seconds', 'How often the mapping lets the flow begin', ['flow']),
      phase: gauge('dcs_flow_phase', '1 for the phase that the flow is in', ['flow', 'phase']),
      failed: gauge('dcs_flow_failed', '1 while the last run has failed, with its code', ['flow', 'code']),
      success: gauge('dcs_last_success_timestamp_seconds', 'When a run had nothing left to do last', [
        'flow',
      ]),
      commit: gauge('dcs_last_commit_timestamp_seconds', 'When a page was committed last', ['flow']),
      managed: gauge('dcs_managed_records', 'Records in Campaign that the table keeps', ['flow']),
      parked: gauge('dcs_parked_rows', 'Rows set aside, by the code of what is wrong with them', [
        'flow',
        'code',
      ]),
      held: gauge('dcs_held_deletions', 'Deletions that wait for a person', ['flow']),
      gaps: gauge('dcs_source_gaps', 'Times of the last 60 days whose events could not be read', ['flow']),
      newestGap: gauge('dcs_newest_gap_timestamp_seconds', 'When the last gap was noticed', ['flow']),
      due: gauge('dcs_due_contacts', 'Contacts whose opt-outs are still to be settled', ['flow']),
      failing: gauge('dcs_failing_contacts', 'Those of them that have failed, by the code of why', [
        'flow',
        'code',
      ]),
      oldestDue: gauge('dcs_oldest_due_timestamp_seconds', 'Since when the oldest of them is due', ['flow']),
      newestExport: gauge(
        'dcs_newest_export_timestamp_seconds',
        'Time of the newest export file of opt-outs that was read',
        ['flow'],
      ),
      callsToday: gauge('dcs_calls_today', 'Calls of all workers on this day (UTC)', ['system']),
      callsPerDay: gauge('dcs_calls_per_day', 'What the daily budget allows, where there is one', ['system']),
    },
  };
}
export type Metrics = ReturnType<typeof createMetrics>;

function statusClass(status: number | undefined): string {
  if (status === undefined) return 'none';
  return status === 429 ? '429' : `${Math.floor(status / 100)}xx`;
}
