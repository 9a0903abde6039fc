import {
  type Client,
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type ScheduleOptions,
} from '@temporalio/client';
import {
  tableOf,
  resyncSchedule,
  TASK_QUEUE,
  type FlowId,
  type ScheduleWish,
  type TickInput,
} from './contracts.js';
import { registerSearchAttributes } from './temporal/search-attributes.js';
import { searchAttributesOf } from './workflows/visibility.js';

const CATCHUP_WINDOW = '10 minutes';
/** Ticks of many tables must not fall on one second, and a change must be visible within the interval + 5 s. */
const jitterMs = (everyMs: number): number => Math.min(2_000, Math.floor(everyMs / 20));

/** Ids of schedules that this service makes. */
const OURS = /^((ingress|resync)\/.+|egress|opt-out)$/;

interface Wanted {
  scheduleId: string;
  flow: FlowId;
  options: Pick<ScheduleOptions, 'spec' | 'policies'> & { paused: boolean; note: string };
  input: TickInput;
}

export interface AppliedSchedules {
  created: string[];
  updated: string[];
  removed: string[];
}

/**
 * Brings the namespace's schedules in line with the mapping in force: one per flow, one paused `resync/<table>` per table for
 * triggering by hand, and none of ours beyond that. A schedule that a person paused stays paused. The search attributes that they and
 * their runs carry are registered first, where the namespace lacks them. Throws WrongUse where that is not allowed.
 */
export async function applySchedules(
  client: Client,
  wishes: ScheduleWish[],
  heartbeatSeconds?: number,
): Promise<AppliedSchedules> {
  await registerSearchAttributes(client);
  const wanted = wishes.flatMap((wish) => wantedFor(wish, heartbeatSeconds));
  const applied: AppliedSchedules = { created: [], updated: [], removed: [] };
  for (const schedule of wanted) applied[await createOrUpdate(client, schedule)].push(schedule.scheduleId);

  const keep = new Set(wanted.map((schedule) => schedule.scheduleId));
  for await (const { scheduleId } of client.schedule.list()) {
    if (!OURS.test(scheduleId) || keep.has(scheduleId)) continue;
    await client.schedule.getHandle(scheduleId).delete();
    applied.removed.push(scheduleId);
  }
  return applied;
}

function wantedFor({ flow, everyMs }: ScheduleWish, heartbeatSeconds?: number): Wanted[] {
  const input: TickInput = { flow, ...(heartbeatSeconds !== undefined && { heartbeatSeconds }) };
  const policies = { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: CATCHUP_WINDOW } as const;
  const table = tableOf(flow);
  const regular: Wanted = {
    scheduleId: flow,
    flow,
    input,
    options: {
      spec: { intervals: [{ every: everyMs }], jitter: jitterMs(everyMs) },
      policies,
      paused: false,
      note: 'Applied from the mapping file.',
    },
  };
  if (table === undefined) return [regular];
  return [
    regular,
    {
      scheduleId: resyncSchedule(table),
      flow,
      input: { ...input, request: { mode: 'verify', reason: 'triggered by hand' } },
      options: {
        // Never due by itself: it is paused, and exists for its Trigger button.
        spec: { intervals: [{ every: '365 days' }] },
        policies,
        paused: true,
        note: 'Paused on purpose: "Trigger" resyncs the table.',
      },
    },
  ];
}

async function createOrUpdate(
  client: Client,
  { scheduleId, flow, options, input }: Wanted,
): Promise<'created' | 'updated'> {
  const typedSearchAttributes = searchAttributesOf(flow);
  const action = {
    type: 'startWorkflow' as const,
    workflowType: 'tick',
    workflowId: `tick/${scheduleId}`,
    taskQueue: TASK_QUEUE,
    args: [input],
    staticSummary: input.request ? `Resync of ${flow}` : `Looks for changes: ${flow}`,
    staticDetails: `Starts \`${flow}\`, or ends as "coalesced" when that is at work already.`,
    typedSearchAttributes,
  } satisfies ScheduleOptions['action'];
  const { spec, policies, paused, note } = options;
  const handle = client.schedule.getHandle(scheduleId);
  try {
    await handle.update(({ state }) => ({
      spec,
      action,
      ...(policies && { policies }),
      state,
      typedSearchAttributes,
    }));
    return 'updated';
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
  await client.schedule.create({
    scheduleId,
    spec,
    action,
    ...(policies && { policies }),
    state: { paused, note },
    typedSearchAttributes,
  });
  return 'created';
}
