import type {
  AnyFlowStatus,
  EventFlowStatus,
  FlowId,
  FlowStatus,
  OptOutFlowStatus,
} from '../../src/contracts.js';

/** The status of a table's flow among those of a summary. */
export function tableStatus(flows: AnyFlowStatus[], flow: FlowId): FlowStatus {
  const found = flows.find((status) => status.flow === flow);
  if (!found || 'written' in found || 'toCampaign' in found)
    throw new Error(`${flow} is no table's flow of the mapping`);
  return found;
}

/** The status of the flow of email events. */
export function eventStatus(flows: AnyFlowStatus[]): EventFlowStatus {
  const found = flows.find((status) => 'written' in status);
  if (!found || !('written' in found)) throw new Error('no flow of events is reported');
  return found;
}

/** The status of the flow of opt-outs. */
export function optOutStatus(flows: AnyFlowStatus[]): OptOutFlowStatus {
  const found = flows.find((status) => 'toCampaign' in status);
  if (!found || !('toCampaign' in found)) throw new Error('no flow of opt-outs is reported');
  return found;
}
