import type { Client, WorkflowHandle } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
type HistoryEvent = NonNullable<History['events']>[number];

/** The worker's heartbeats: the first after so long, then as the SDK throttles them, at 0.8 of their timeout. */
const FIRST_HEARTBEAT_SECONDS = 3;
const HEARTBEAT_SHARE = 0.8;
const LONGEST_HEARTBEAT_GAP_SECONDS = 60;

/**
 * Billable actions of one run, its continuations and its children, as Temporal Cloud counts them (temporal.md §6).
 * Heartbeats leave no event: they are reckoned from how long each activity took.
 */
export async function actionsOfRun(client: Client, workflowId: string, runId: string): Promise<number> {
  let actions = 0;
  let current: string | undefined = runId;
  while (current) {
    const history = await client.workflow.getHandle(workflowId, current).fetchHistory();
    const events: HistoryEvent[] = history.events ?? [];
    actions += actionsIn(events);
    for (const { childWorkflowExecutionStartedEventAttributes: child } of events) {
      const { workflowId: childId, runId: childRun } = child?.workflowExecution ?? {};
      if (childId && childRun) actions += await actionsOfRun(client, childId, childRun);
    }
    current = events.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId || undefined;
  }
  return actions;
}

/** Actions that the events of one history stand for; a child's start is counted with its parent. */
export function actionsIn(events: HistoryEvent[]): number {
  return events.reduce((sum, event, index) => sum + actionsOf(event, index, events), 0);
}

function actionsOf(event: HistoryEvent, index: number, events: HistoryEvent[]): number {
  const started = event.workflowExecutionStartedEventAttributes;
  if (started) {
    if (started.parentWorkflowExecution) return 0;
    const bySchedule = 'TemporalScheduledById' in (started.searchAttributes?.indexedFields ?? {});
    return bySchedule ? 3 : 1;
  }
  // A signal that came with the start is part of it.
  if (event.workflowExecutionSignaledEventAttributes) return index === 1 ? 0 : 1;
  if (event.startChildWorkflowExecutionInitiatedEventAttributes) return 2;
  if (event.activityTaskStartedEventAttributes) {
    return (event.activityTaskStartedEventAttributes.attempt ?? 1) + heartbeatsOf(event, events);
  }
  const single =
    event.timerStartedEventAttributes ??
    event.upsertWorkflowSearchAttributesEventAttributes ??
    event.workflowExecutionUpdateAcceptedEventAttributes;
  return single ? 1 : 0;
}

function heartbeatsOf(started: HistoryEvent, events: HistoryEvent[]): number {
  const { scheduledEventId } = started.activityTaskStartedEventAttributes ?? {};
  const scheduled = events.find(({ eventId }) => String(eventId) === String(scheduledEventId));
  const timeout = scheduled?.activityTaskScheduledEventAttributes?.heartbeatTimeout;
  const timeoutSeconds = Number(timeout?.seconds ?? 0) + (timeout?.nanos ?? 0) / 1e9;
  const closed = events.find((event) => {
    const end =
      event.activityTaskCompletedEventAttributes ??
      event.activityTaskFailedEventAttributes ??
      event.activityTaskTimedOutEventAttributes ??
      event.activityTaskCanceledEventAttributes;
    return end && String(end.startedEventId) === String(started.eventId);
  });
  if (timeoutSeconds === 0 || !closed) return 0;
  const tookSeconds = secondsOf(closed) - secondsOf(started);
  if (tookSeconds < FIRST_HEARTBEAT_SECONDS) return 0;
  const gapSeconds = Math.min(LONGEST_HEARTBEAT_GAP_SECONDS, timeoutSeconds * HEARTBEAT_SHARE);
  return 1 + Math.floor((tookSeconds - FIRST_HEARTBEAT_SECONDS) / gapSeconds);
}

const secondsOf = ({ eventTime }: HistoryEvent): number =>
  Number(eventTime?.seconds ?? 0) + (eventTime?.nanos ?? 0) / 1e9;
