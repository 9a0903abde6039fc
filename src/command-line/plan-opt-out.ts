import type { Client } from '@temporalio/client';
import type { OptOutPlan } from '../contracts.js';
import { validDocument } from './apply.js';
import { inspect } from './inspect.js';
import { table } from './layout.js';

/**
 * What a comparison of every contact with its profile would write, without a write to either system or to the ledger. An invalid
 * candidate file throws WrongUse with every fault, as apply does.
 */
export async function planOptOut(client: Client, { config }: { config?: string }): Promise<OptOutPlan> {
  const document = config === undefined ? undefined : validDocument(config);
  // A plan may take hours; whether a worker is there to make it shows at once.
  await inspect(client, { kind: 'parked', limit: 1 });
  return (await inspect(client, { kind: 'planOptOut', ...(document !== undefined && { document }) })).plan;
}

export function optOutPlanText({
  direction,
  rule,
  counts,
  flags,
  because,
  calls,
  samples,
}: OptOutPlan): string {
  const reasons = Object.entries(because);
  return [
    `A comparison of every contact with its profile now, ${direction}${direction === 'bidirectional' ? `, rule ${rule}` : ''}:`,
    '',
    table(
      ['flag', 'read', 'to Campaign', 'to Dynamics', 'same'],
      [...Object.entries(flags), ['all', counts] as const].map(([flag, each]) => [
        flag,
        each.read,
        each.toCampaign,
        each.toDynamics,
        each.unchanged,
      ]),
    ),
    ...(reasons.length === 0 ? [] : ['', table(['because', 'flags'], reasons)]),
    ...(samples.toCampaign ? ['', `To Campaign, for example: ${samples.toCampaign.join(', ')}`] : []),
    ...(samples.toDynamics ? ['', `To Dynamics, for example: ${samples.toDynamics.join(', ')}`] : []),
    '',
    `Calls: ${calls.dynamics} to Dynamics, ${calls.campaign} to Campaign. Nothing was written.`,
  ].join('\n');
}
