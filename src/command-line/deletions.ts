import { WithStartWorkflowOperation } from '@temporalio/client';
import {
  ingressFlow,
  TASK_QUEUE,
  updates,
  type ApproveDeletions,
  type HeldDeletions,
  type HeldSetName,
  type IngressInput,
} from '../contracts.js';
import { SyncError } from '../errors.js';
import { flowDetails } from '../workflows/details.js';
import { flowSearchAttributes, flowSummary } from '../workflows/visibility.js';
import type { FlowStarter } from './flows.js';
import { inspect, inspectError } from './inspect.js';

const actions = ['show', 'approve', 'discard'] as const;
export type DeletionsAction = (typeof actions)[number];
export const isDeletionsAction = (text: string): text is DeletionsAction =>
  (actions as readonly string[]).includes(text);

export interface DeletionsDone {
  table: string;
  action: DeletionsAction;
  /** The set that was shown, approved or discarded. */
  held: HeldDeletions;
}

/**
 * Shows, approves or discards a table's held deletions. What is approved or discarded is the set as it is now, or the one that
 * `expected` names. Throws HELD_SET_CHANGED when the set is another one by then, so that nobody decides on what they have not seen.
 */
export async function deletions(
  starter: FlowStarter,
  action: DeletionsAction,
  table: string,
  expected: Partial<HeldSetName>,
): Promise<DeletionsDone> {
  const { held } = await inspect(starter.client, { kind: 'deletions', table });
  const { version = held.version, count = held.count } = expected;
  const named = { version, count };
  if (action === 'show') return { table, action, held };
  if (version !== held.version || count !== held.count)
    throw new SyncError('HELD_SET_CHANGED', {
      subject: `${table}: ${held.count} of version ${held.version} are held`,
    });
  if (held.count > 0) {
    if (action === 'discard') await inspect(starter.client, { kind: 'deletions', table, discard: named });
    else await approve(starter, table, named);
  }
  return { table, action, held };
}

/** Update-with-start: it reaches the flow's open run, or starts one for it. */
async function approve(
  { client, heartbeatSeconds }: FlowStarter,
  table: string,
  set: ApproveDeletions,
): Promise<void> {
  const flow = ingressFlow(table);
  const input: IngressInput = { table, ...(heartbeatSeconds !== undefined && { heartbeatSeconds }) };
  try {
    await client.workflow.executeUpdateWithStart(updates.approveDeletions, {
      args: [set],
      startWorkflowOperation: new WithStartWorkflowOperation('ingress', {
        workflowId: flow,
        taskQueue: TASK_QUEUE,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        typedSearchAttributes: flowSearchAttributes(flow),
        staticSummary: flowSummary(flow),
        staticDetails: flowDetails(flow),
      }),
    });
  } catch (error) {
    throw inspectError(error);
  }
}

export function deletionsText({
  table,
  action,
  held: { version, count, behindChildren, ids },
}: DeletionsDone): string {
  if (count === 0) return `No deletions of ${table} are held.`;
  const set = `${count} deletions of ${table} (version ${version} of the set)`;
  switch (action) {
    case 'approve':
      return `${set} are approved and being done.`;
    case 'discard':
      return `${set} are discarded: Campaign keeps these records, and they are ours no longer.`;
    case 'show':
      return [
        `${set} are held:`,
        ...ids.map((id) => `  ${id}`),
        ...(ids.length < count ? [`  … and ${count - ids.length} more`] : []),
        ...(behindChildren === undefined
          ? []
          : [
              `Of these, ${behindChildren} wait for held deletions of their children: decide on those first.`,
            ]),
        `npm run starter -- deletions approve ${table} --version ${version} --count ${count}`,
      ].join('\n');
  }
}
