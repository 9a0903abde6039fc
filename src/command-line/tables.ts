import {
  tableOf,
  type AnyFlowStatus,
  type EventFlowStatus,
  type Finding,
  type FlowStatus,
  type OptOutFlowStatus,
  type ParkedRowView,
} from '../contracts.js';
import { waitingText } from '../workflows/visibility.js';
import { folded, pairs, table } from './layout.js';
import type { Summary } from './summary.js';

export function summaryTable({ flows }: Pick<Summary, 'flows'>): string {
  const tables = flows.filter(isOfTable);
  const events = flows.filter(isOfEvents);
  const optOuts = flows.filter(isOfOptOuts);
  const parts = [
    ...(tables.length > 0 ? [tableFlows(tables)] : []),
    ...(events.length > 0 ? [eventFlows(events)] : []),
    ...(optOuts.length > 0 ? [optOutFlows(optOuts)] : []),
  ];
  return folded([parts.join('\n\n'), ...flows.flatMap(flowNotes)].join('\n'));
}

const isOfEvents = (flow: AnyFlowStatus): flow is EventFlowStatus => 'written' in flow;
const isOfOptOuts = (flow: AnyFlowStatus): flow is OptOutFlowStatus => 'toCampaign' in flow;
const isOfTable = (flow: AnyFlowStatus): flow is FlowStatus => !isOfEvents(flow) && !isOfOptOuts(flow);

function tableFlows(flows: FlowStatus[]): string {
  const rows = flows.map((flow) => [
    flow.flow,
    flow.outcome,
    flow.read,
    flow.created,
    flow.updated,
    flow.unchanged,
    flow.filtered,
    flow.deleted,
    flow.parked,
    flow.held,
  ]);
  return table(['flow', 'outcome', 'read', 'new', 'upd', 'same', 'filt', 'del', 'park', 'held'], rows);
}

function eventFlows(flows: EventFlowStatus[]): string {
  const rows = flows.map((flow) => [
    flow.flow,
    flow.outcome,
    flow.read,
    flow.written,
    flow.duplicates,
    flow.filtered,
    flow.parked,
  ]);
  return table(['flow', 'outcome', 'read', 'written', 'dupl', 'filt', 'park'], rows);
}

function optOutFlows(flows: OptOutFlowStatus[]): string {
  const rows = flows.map(({ flow, outcome, read, toCampaign, toDynamics, unchanged, parked }) => [
    flow,
    outcome,
    read,
    toCampaign,
    toDynamics,
    unchanged,
    parked,
  ]);
  return table(['flow', 'outcome', 'flags', 'to Campaign', 'to Dynamics', 'same', 'park'], rows);
}

function flowNotes(status: AnyFlowStatus): string[] {
  const { flow, waiting, error } = status;
  return [
    ...(isOfEvents(status)
      ? eventNotes(status)
      : isOfOptOuts(status)
        ? optOutNotes(status)
        : tableNotes(status)),
    ...(waiting
      ? [
          `${flow}: waits ${waitingText(waiting)}${waiting.until === undefined ? '' : `, until ${waiting.until}`}`,
        ]
      : []),
    ...(error ? [`${flow}: ${error.code}: ${error.next}`] : []),
  ];
}

function tableNotes({ flow, now, errors, rowsPerSecond }: FlowStatus): string[] {
  return [
    `${flow}: ${now.managed} in Campaign, ${now.parked} parked${inBrackets(errors)}` +
      `${now.backlog === undefined ? '' : `, backlog ${now.backlog}`}, ${rowsPerSecond} rows/s`,
    ...(now.held > 0
      ? [`${flow}: ${now.held} deletions wait for approval: starter deletions show ${tableOf(flow)}`]
      : []),
  ];
}

function eventNotes({ flow, now, errors, filteredBy, gaps, rowsPerSecond }: EventFlowStatus): string[] {
  return [
    `${flow}: ${now.parked} parked${inBrackets(errors)}, filtered${inBrackets(filteredBy) || ' 0'}, ${rowsPerSecond} events/s`,
    ...gaps.map(
      ({ from, until }) =>
        `${flow}: events ${from === undefined ? '' : `from ${from} `}until ${until} had left the source unread`,
    ),
  ];
}

function optOutNotes({ flow, now, errors, exports }: OptOutFlowStatus): string[] {
  const since = now.oldestDueAt === undefined ? '' : `, the oldest since ${now.oldestDueAt}`;
  return [
    `${flow}: ${now.due} contacts still to be settled${since}, ${now.failing} of them failing${inBrackets(errors)}`,
    ...(exports?.stale
      ? [
          `${flow}: ${exports.newestAt === undefined ? 'there is no export file' : `the newest export file is of ${exports.newestAt}`}: see to the exporting workflow in Campaign`,
        ]
      : []),
  ];
}

/** ` (2 × TEXT_TOO_LONG)`; nothing for nothing. */
function inBrackets(counts: Record<string, number>): string {
  const told = Object.entries(counts).map(([name, count]) => `${count} × ${name}`);
  return told.length > 0 ? ` (${told.join(', ')})` : '';
}

/** By flow and by what keeps them: what to do is the same for all of them. */
export function parkedTable(rows: ParkedRowView[]): string {
  if (rows.length === 0) return 'Nothing is parked.';
  const groups = new Map<string, ParkedRowView[]>();
  for (const row of rows) {
    const { flow, code, field, next } = row;
    const title = `${flow}: ${code}${field === undefined ? '' : `, field ${field}`}\n  ${next}`;
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return [...groups].map(([title, group]) => `${folded(title)}\n${idTable(group)}`).join('\n\n');
}

const idTable = (rows: ParkedRowView[]): string =>
  table(
    ['id', 'tries', 'next try'],
    rows.map(({ id, attempts, nextAttemptAt }) => [id, attempts, nextAttemptAt ?? 'when released']),
    '  ',
  );

/** A finding is a sentence or two, under what it is about. */
export function findingsTable(findings: Finding[]): string {
  const blocks = findings.map(({ severity, area, subject, found, next, code }) =>
    pairs(
      [
        [severity, `${area}: ${subject}`],
        ['', code === undefined ? found : `${code}: ${found}`],
        ...(next === undefined ? [] : [['', `→ ${next}`] as [string, string]]),
      ].map(([name = '', text = '']) => [name.padEnd(SEVERITY_WIDTH), text]),
      '',
    ),
  );
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return `${blocks.join('\n')}\n\n${count('error')} errors, ${count('warning')} warnings, ${count('ok')} ok. Nothing was written.`;
}
const SEVERITY_WIDTH = 'warning'.length;
