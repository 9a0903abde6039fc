import {
  defineSearchAttributeKey,
  SearchAttributeType,
  TypedSearchAttributes,
  type SearchAttributePair,
} from '@temporalio/common';
import {
  EGRESS,
  OPT_OUT,
  tableOf,
  type FlowId,
  type FlowOutcome,
  type InspectRequest,
  type Progress,
  type SliceResult,
  type Waiting,
} from '../contracts.js';

/** The search attributes of CONTRACT "Temporal names". */
export const searchAttributeKeys = {
  flow: defineSearchAttributeKey('SyncFlow', SearchAttributeType.KEYWORD),
  table: defineSearchAttributeKey('SyncTable', SearchAttributeType.KEYWORD),
  outcome: defineSearchAttributeKey('SyncOutcome', SearchAttributeType.KEYWORD),
  parked: defineSearchAttributeKey('SyncParked', SearchAttributeType.INT),
  lagSeconds: defineSearchAttributeKey('SyncLagSeconds', SearchAttributeType.INT),
};

/** Which flow something is about: a schedule, a tick. */
export function searchAttributesOf(flow: FlowId): SearchAttributePair[] {
  const table = tableOf(flow);
  return [
    { key: searchAttributeKeys.flow, value: flow },
    ...(table === undefined ? [] : [{ key: searchAttributeKeys.table, value: table }]),
  ];
}

/** What a flow's run carries from its start, where search attributes cost no action of their own. */
export function flowSearchAttributes(flow: FlowId): TypedSearchAttributes {
  const outcome: FlowOutcome = 'working';
  return new TypedSearchAttributes([
    ...searchAttributesOf(flow),
    { key: searchAttributeKeys.outcome, value: outcome },
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

/** Title of what a command asks: the command, and what it is about. */
export function inspectSummary(request: InspectRequest): string {
  const about = [
    'table' in request ? request.table : undefined,
    'flow' in request ? request.flow : undefined,
    'code' in request ? request.code : undefined,
    'id' in request ? request.id : undefined,
    'contactId' in request ? request.contactId : undefined,
  ].filter((each) => each !== undefined);
  return ['Command line:', request.kind, ...about].join(' ');
}

/** How a run stands: told at its end, and when it stands still, so that an idle poll costs one upsert. */
export function outcomeSearchAttributes(
  outcome: FlowOutcome,
  slice: SliceResult<unknown> | undefined,
): SearchAttributePair[] {
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

/** Title of a slice in the history: which one it is, and what the run had done when it began. */
export function sliceSummary(number: number, { phase, position, counts }: Progress<object>): string {
  if (phase === undefined) return `Slice ${number}`;
  return `Slice ${number}, after page ${grouped(position)} (${phase}): ${countsText(counts)}`;
}

/** `5,000 read, 132 written`: what was read, and what else is not 0. */
export function countsText(counts: object): string {
  return Object.entries(counts)
    .filter(([name, count]) => name === 'read' || count > 0)
    .map(([name, count]) => `${grouped(Number(count))} ${COUNT_WORDS[name] ?? name}`)
    .join(', ');
}
const COUNT_WORDS: Record<string, string> = { toCampaign: 'to Campaign', toDynamics: 'to Dynamics' };

/** Title of the timer, and the reason in the details. */
export function waitingText({ reason }: Waiting): string {
  switch (reason) {
    case 'throttled':
      return 'for a system that takes no calls just now';
    case 'budget':
      return 'for the call budget to allow more';
    case 'lease':
      return 'for the lease of another attempt to run out';
    case 'parent':
      return 'for the first load of its parent table';
    case 'children':
      return 'for records of child tables to leave first';
  }
}

/** 1234567 as `1,234,567`. */
export const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');
