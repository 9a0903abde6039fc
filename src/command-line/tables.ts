import Table from 'cli-table3';
import {
  tableOf,
  type AnyFlowStatus,
  type EventFlowStatus,
  type Finding,
  type FlowStatus,
  type OptOutFlowStatus,
  type ParkedRowView,
} from '../contracts.js';
import type { Summary } from './summary.js';

/** Tables without colours or frames, so that they read the same on a screen, in a file and in a ticket. */
const plain = {
  chars: {
    top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '',
    'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
  },
  style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
}; // prettier-ignore

export function table(head: string[], rows: (string | number)[][]): string {
  const drawn = new Table({ ...plain, head });
  drawn.push(...rows);
  return drawn.toString();
}

export function summaryTable({ flows }: Pick<Summary, 'flows'>): string {
  const tables = flows.filter(isOfTable);
  const events = flows.filter(isOfEvents);
  const optOuts = flows.filter(isOfOptOuts);
  const parts = [
    ...(tables.length > 0 ? [tableFlows(tables)] : []),
    ...(events.length > 0 ? [eventFlows(events)] : []),
    ...(optOuts.length > 0 ? [optOutFlows(optOuts)] : []),
  ];
  return [parts.join('\n\n'), ...flows.flatMap(flowNotes)].join('\n');
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
    ...(waiting ? [`${flow}: waits for ${waiting.reason}, until ${waiting.until ?? ''}`] : []),
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

export function parkedTable(rows: ParkedRowView[]): string {
  if (rows.length === 0) return 'Nothing is parked.';
  return table(
    ['flow', 'id', 'code', 'field', 'tries', 'next try'],
    rows.map((row) => [
      row.flow,
      row.id,
      row.code,
      row.field ?? '',
      row.attempts,
      row.nextAttemptAt ?? 'when released',
    ]),
  );
}

/** Findings are sentences, which wrap between words. */
const FINDING_WIDTHS = [7, 8, 28, 44, 40];

export function findingsTable(findings: Finding[]): string {
  const rows = findings.map(({ severity, area, subject, found, next, code }) => [
    severity,
    area,
    subject,
    code === undefined ? found : `${code}: ${found}`,
    next ?? '',
  ]);
  // What is longer than its column would be cut off.
  const widths = FINDING_WIDTHS.map((width, column) =>
    Math.max(width, ...rows.flatMap((row) => (row[column] ?? '').split(' ').map((word) => word.length))),
  );
  const head = ['', 'area', 'subject', 'found', 'what to do'];
  const drawn = new Table({ ...plain, head, colWidths: widths, wordWrap: true });
  drawn.push(...rows);
  const count = (severity: Finding['severity']): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return `${drawn.toString()}\n\n${count('error')} errors, ${count('warning')} warnings, ${count('ok')} ok. Nothing was written.`;
}
