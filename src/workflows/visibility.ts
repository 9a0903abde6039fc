import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import {
  EGRESS,
  ingressFlow,
  OPT_OUT,
  tableOf,
  type EventCounts,
  type FlowId,
  type OptOutCounts,
  type Progress,
  type SliceResult,
} from '../contracts.js';

/** The search attributes of CONTRACT "Temporal names". */
export const searchAttributeKeys = {
  flow: defineSearchAttributeKey('SyncFlow', SearchAttributeType.KEYWORD),
  table: defineSearchAttributeKey('SyncTable', SearchAttributeType.KEYWORD),
  outcome: defineSearchAttributeKey('SyncOutcome', SearchAttributeType.KEYWORD),
  parked: defineSearchAttributeKey('SyncParked', SearchAttributeType.INT),
  lagSeconds: defineSearchAttributeKey('SyncLagSeconds', SearchAttributeType.INT),
};

/** What a flow's run carries from its start, where search attributes cost no action of their own. */
export function flowSearchAttributes(flow: FlowId): TypedSearchAttributes {
  const table = tableOf(flow);
  return new TypedSearchAttributes([
    { key: searchAttributeKeys.flow, value: flow },
    ...(table === undefined ? [] : [{ key: searchAttributeKeys.table, value: table }]),
  ]);
}

/** The run's title in the Web UI. */
export function flowSummary(flow: FlowId): string {
  switch (flow) {
    case EGRESS:
      return 'Campaign email events → Dynamics';
    case OPT_OUT:
      return 'Opt-outs, Dynamics ↔ Campaign';
    default:
      return `Dynamics ${tableOf(flow) ?? ''} → Campaign`;
  }
}

/** What a run says of itself when it ends: one upsert, so that an idle poll stays cheap. */
export function closingSearchAttributes(outcome: string, slice: SliceResult<unknown> | undefined) {
  return [
    { key: searchAttributeKeys.outcome, value: outcome },
    ...(slice
      ? [
          { key: searchAttributeKeys.parked, value: slice.parked },
          { key: searchAttributeKeys.lagSeconds, value: slice.lagSeconds },
        ]
      : []),
  ];
}

/** A table's current details in the Web UI: markdown, ids, counts and codes only. */
export function currentDetails(table: string, progress: Progress): string {
  const { counts } = progress;
  return details(ingressFlow(table), progress, [
    '| read | created | updated | unchanged | filtered | deleted | parked | held |',
    '|---|---|---|---|---|---|---|---|',
    `| ${counts.read} | ${counts.created} | ${counts.updated} | ${counts.unchanged} | ${counts.filtered} | ${counts.deleted} | ${counts.parked} | ${counts.held} |`,
  ]);
}

/** The current details of the flow of email events. */
export function egressDetails(progress: Progress<EventCounts>): string {
  const { counts } = progress;
  return details(EGRESS, progress, [
    '| read | written | duplicates | filtered | parked |',
    '|---|---|---|---|---|',
    `| ${counts.read} | ${counts.written} | ${counts.duplicates} | ${counts.filtered} | ${counts.parked} |`,
  ]);
}

/** The current details of the flow of opt-outs. */
export function optOutDetails(progress: Progress<OptOutCounts>): string {
  const { counts } = progress;
  return details(OPT_OUT, progress, [
    '| flags read | to Campaign | to Dynamics | unchanged | parked |',
    '|---|---|---|---|---|',
    `| ${counts.read} | ${counts.toCampaign} | ${counts.toDynamics} | ${counts.unchanged} | ${counts.parked} |`,
  ]);
}

function details(flow: FlowId, progress: Progress<unknown>, counts: string[]): string {
  const lines = [
    `**${flowSummary(flow)}**: ${progress.outcome}${progress.phase ? `, ${progress.phase}` : ''}`,
    '',
    ...counts,
    '',
    `Page ${progress.position} of this feed.`,
  ];
  if (progress.paused) lines.push('', 'Paused: send the signal `resume` to go on.');
  if (progress.pending) lines.push('', `A resync (${progress.pending}) is asked for and comes next.`);
  if (progress.waiting) {
    const { reason, until = '' } = progress.waiting;
    lines.push('', `Waiting for: ${reason}, until ${until}.`);
  }
  if (progress.lastErrorCode)
    lines.push('', `Last error: \`${progress.lastErrorCode}\`, see docs/reference/errors.md.`);
  return lines.join('\n');
}
