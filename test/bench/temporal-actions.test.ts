import { expect, test } from 'vitest';
import { actionsIn } from '../../bench/temporal-actions.js';

type Events = Parameters<typeof actionsIn>[0];
/** Histories as the server gives them, cut down to what is counted. */
const history = (...events: object[]): Events =>
  events.map((event, index) => ({ eventId: index + 1, ...event })) as unknown as Events;
const at = (seconds: number) => ({ eventTime: { seconds, nanos: 0 } });

const tick = history(
  {
    workflowExecutionStartedEventAttributes: {
      searchAttributes: { indexedFields: { TemporalScheduledById: {} } },
    },
  },
  { startChildWorkflowExecutionInitiatedEventAttributes: {} },
  { childWorkflowExecutionStartedEventAttributes: {} },
  { workflowExecutionCompletedEventAttributes: {} },
);

function ingress(activitySeconds: number, attempt = 1): Events {
  return history(
    { workflowExecutionStartedEventAttributes: { parentWorkflowExecution: { workflowId: 'tick' } } },
    { activityTaskScheduledEventAttributes: { heartbeatTimeout: { seconds: 30 } } },
    { ...at(100), activityTaskStartedEventAttributes: { scheduledEventId: 2, attempt } },
    { ...at(100 + activitySeconds), activityTaskCompletedEventAttributes: { startedEventId: 3 } },
    { upsertWorkflowSearchAttributesEventAttributes: {} },
  );
}

test("counts a schedule's firing as three actions and a child's start as two", () => {
  expect(actionsIn(tick)).toBe(5);
});

test('counts an activity that ends before its first heartbeat, and an upsert, as one each', () => {
  expect(actionsIn(ingress(1))).toBe(2);
});

test('counts every attempt of an activity', () => {
  expect(actionsIn(ingress(1, 3))).toBe(4);
});

test('counts the heartbeats that the SDK lets through: the first after 3 s, then one in 24 s', () => {
  expect(actionsIn(ingress(26))).toBe(3);
  expect(actionsIn(ingress(27))).toBe(4);
});

test('counts a signal that came with the start as part of it, and a later one for itself', () => {
  const signal = { workflowExecutionSignaledEventAttributes: {} };
  const started = { workflowExecutionStartedEventAttributes: {} };
  expect(actionsIn(history(started, signal))).toBe(1);
  expect(actionsIn(history(started, signal, signal))).toBe(2);
});
