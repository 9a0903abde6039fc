import { EGRESS, OPT_OUT, type FlowId, type ResyncRequest } from '../contracts.js';
import { WrongUse } from './wrong-use.js';

export interface ResyncOptions {
  rewrite?: boolean;
  since?: string;
  reason?: string;
  wait?: boolean;
}

/** What the flow is asked for. Throws WrongUse for what this flow cannot be asked. */
export function resyncRequest(flow: FlowId, { rewrite, since, reason }: ResyncOptions): ResyncRequest {
  const why = { ...(reason && { reason }) };
  if (flow === OPT_OUT) {
    if (rewrite || since !== undefined)
      throw new WrongUse(['resync opt-out compares everything: it takes neither --rewrite nor --since']);
    return why;
  }
  if (flow !== EGRESS) {
    if (since !== undefined) throw new WrongUse(['--since is of egress: a table is read wholly']);
    return { mode: rewrite ? 'rewrite' : 'verify', ...why };
  }
  if (rewrite)
    throw new WrongUse(['--rewrite is of a table: an event that is written is never written again']);
  if (since === undefined) return why;
  const at = new Date(since);
  if (!/^\d{4}-\d\d-\d\d/.test(since) || Number.isNaN(at.getTime()))
    throw new WrongUse([`--since takes a time such as 2026-05-02T08:00:00Z, not ${JSON.stringify(since)}`]);
  return { since: at.toISOString(), ...why };
}
