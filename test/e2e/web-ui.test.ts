import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { WorkflowExecutionDescription } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { EGRESS, OPT_OUT, type FlowId } from '../../src/contracts.js';
import { applySchedules } from '../../src/schedules.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { wholeExampleDocument } from '../support/mapping-document.js';
import { flow, startStack, type Stack } from '../support/stack.js';
import { bareNamespace } from '../support/temporal.js';
import { deliver } from '../support/timeline.js';

/*
 * What a person sees in the Web UI, asked for as the Web UI does: descriptions, histories, and the query that every workflow answers.
 */

const CONTACTS = 20;
const FLOWS = [flow, EGRESS, OPT_OUT];
let stack: Stack;

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: CONTACTS,
    document: wholeExampleDocument.replaceAll('every: 1m', 'every: 1d'),
  });
  await stack.starter('provision');
  await stack.systems.contacts.create({ lastname: 'Long', firstname: 'x'.repeat(40) });
  await stack.syncAll([flow]);
  await deliver(stack.sandbox.ready, { profiles: 5, opens: 0.5, clicks: 0.5, bounces: 0 });
  await stack.syncAll([EGRESS, OPT_OUT]);
}, 90_000);
afterAll(() => stack.stop(), 60_000);

const handleOf = (id: FlowId) => stack.client.workflow.getHandle(id);
const starter = () => ({ client: stack.client, heartbeatSeconds: 5 });

interface Metadata {
  currentDetails: string;
  definition: Record<'signalDefinitions' | 'queryDefinitions', { name: string; description?: string }[]>;
}
const metadataOf = (id: FlowId): Promise<Metadata> =>
  handleOf(id).query<Metadata>('__temporal_workflow_metadata');
/** Its tables as they are meant: without the gaps between their cells. */
const detailsOf = async (id: FlowId): Promise<string> =>
  (await metadataOf(id)).currentDetails.replaceAll('\u00A0', '');

/** As markdown has them, the first as the head. */
const rowsOf = (counts: Record<string, number>): string => {
  const [head, ...lines] = Object.entries(counts).map(([name, count]) => `| ${name} | ${count} |`);
  return [head, '|---|---|', ...lines].join('\n');
};

const attributesOf = ({ typedSearchAttributes }: WorkflowExecutionDescription) => ({
  flow: typedSearchAttributes.get(searchAttributeKeys.flow),
  table: typedSearchAttributes.get(searchAttributeKeys.table),
  outcome: typedSearchAttributes.get(searchAttributeKeys.outcome),
  parked: typedSearchAttributes.get(searchAttributeKeys.parked),
  lagSeconds: typedSearchAttributes.get(searchAttributeKeys.lagSeconds),
});

/** Titles of the activities or timers in a run's history, in their order. */
async function titles(id: FlowId, kind: 'activity' | 'timer'): Promise<string[]> {
  const { events } = await handleOf(id).fetchHistory();
  return (events ?? []).flatMap((event) => {
    const isWanted =
      kind === 'activity' ? event.activityTaskScheduledEventAttributes : event.timerStartedEventAttributes;
    const summary = event.userMetadata?.summary;
    return isWanted ? [summary ? defaultPayloadConverter.fromPayload<string>(summary) : ''] : [];
  });
}

describe('a schedule', () => {
  test.each([
    ['ingress/contact', 'Looks for changes: ingress/contact', { flow, table: 'contact' }],
    ['resync/contact', 'Resync of ingress/contact', { flow, table: 'contact' }],
    ['egress', 'Looks for changes: egress', { flow: EGRESS, table: undefined }],
    ['opt-out', 'Looks for changes: opt-out', { flow: OPT_OUT, table: undefined }],
  ])('%s says what it starts, and can be searched for by its flow', async (id, summary, attributes) => {
    const { action, typedSearchAttributes } = await stack.client.schedule.getHandle(id).describe();
    expect(action.staticSummary).toBe(summary);
    expect(action.staticDetails).toContain('coalesced');
    expect({
      flow: typedSearchAttributes.get(searchAttributeKeys.flow),
      table: typedSearchAttributes.get(searchAttributeKeys.table),
    }).toEqual(attributes);
  });

  test('for triggering by hand says so', async () => {
    const { state } = await stack.client.schedule.getHandle('resync/contact').describe();
    expect(state).toMatchObject({ paused: true, note: 'Paused on purpose: "Trigger" resyncs the table.' });
  });
});

describe('a run', () => {
  test.each([
    [flow, 'Dynamics contact → Campaign', { parked: 1, table: 'contact' }],
    [EGRESS, 'Campaign email events → Dynamics', { parked: 0, table: undefined }],
    [OPT_OUT, 'Opt-outs, Dynamics ↔ Campaign', { parked: 0, table: undefined }],
  ])('of %s bears its title, what can be done with it, and how it ended', async (id, summary, attributes) => {
    const described = await handleOf(id).describe();
    expect(await described.staticSummary()).toBe(summary);
    const details = await described.staticDetails();
    for (const signal of ['resync', 'poll', 'pause', 'resume']) expect(details).toContain(`\`${signal}\``);
    expect(attributesOf(described)).toEqual({ flow: id, outcome: 'in-sync', lagSeconds: 0, ...attributes });
  });

  test('that a schedule has started bears the same', async () => {
    await stack.client.schedule.getHandle(flow).trigger();
    await expect.poll(() => ticksOf(flow), { timeout: 20_000 }).toBe(1);
    const described = await handleOf(flow).describe();
    expect(await described.staticSummary()).toBe('Dynamics contact → Campaign');
    expect(await described.staticDetails()).toContain('`resync`');
    expect(attributesOf(described)).toMatchObject({ flow, table: 'contact', outcome: 'in-sync' });
  });

  test('tells its phase, position, counts, backlog and lag, and what is set aside', async () => {
    await stack.resync('verify');
    const { position, read, unchanged, parked } = {
      position: (await handleOf(flow).query<{ position: number }>('progress')).position,
      ...(await stack.status()),
    };
    const details = await detailsOf(flow);
    expect(details).toContain('**Dynamics contact → Campaign**: in-sync, following changes');
    expect(details).toContain(
      rowsOf({ read, created: 0, updated: 0, unchanged, filtered: 0, deleted: 0, parked, held: 0 }),
    );
    expect(details).toContain(`Phase \`following\`, page ${position}, backlog 0, lag 0 s.`);
    expect(details).toContain('**Set aside:** 1. `npm run starter -- parked ingress/contact`');
    expect(details).not.toContain('Last error');
  });

  test('of events and of opt-outs tells the same of its own', async () => {
    const events = await stack.eventStatus();
    const ofEvents = await detailsOf(EGRESS);
    expect(ofEvents).toContain(
      rowsOf({ read: events.read, written: events.written, duplicates: 0, filtered: 0, parked: 0 }),
    );
    expect(ofEvents).toMatch(/^Phase `following`, page \d+\.$/m);
    const { read, toCampaign, toDynamics, unchanged } = await stack.optOutStatus();
    const ofOptOuts = await detailsOf(OPT_OUT);
    expect(ofOptOuts).toContain(
      rowsOf({
        'flags read': read,
        'to Campaign': toCampaign,
        'to Dynamics': toDynamics,
        unchanged,
        parked: 0,
      }),
    );
    expect(ofOptOuts).toMatch(/^Phase `following`, page \d+, backlog 0 contacts, lag 0 s\.$/m);
  });

  test.each(FLOWS)('of %s lists its signals and its query with what they do', async (id) => {
    const { signalDefinitions, queryDefinitions } = (await metadataOf(id)).definition;
    const described = [...signalDefinitions, ...queryDefinitions].filter(({ description }) => description);
    expect(described.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['resync', 'poll', 'pause', 'resume', 'progress']),
    );
  });

  test('gives each step of its history a title', async () => {
    await stack.resync('rewrite');
    const activities = await titles(flow, 'activity');
    expect(activities).toContain('Begins a resync: rewrite');
    expect(activities).toContainEqual(expect.stringMatching(/^Slice \d+/));
    expect(activities).not.toContain('');
  });
});

describe('a run that waits', () => {
  test('says for what and until when, can be searched for, and is in step again afterwards', async () => {
    await stack.systems.sandbox.faults([{ system: 'campaign', kind: 'throttle', retryAfter: 65, times: 1 }]);
    await stack.systems.sandbox.bulk({ change: 1 });
    const run = await signalFlow(starter(), flow, 'poll');
    const outcome = async () => attributesOf(await handleOf(flow).describe()).outcome;
    await expect.poll(outcome, { timeout: 20_000 }).toBe('waiting');
    expect(await detailsOf(flow)).toMatch(
      /: waiting, following changes\n[^]*\*\*Waits\*\* for a system that takes no calls just now, until \d{4}-/,
    );
    // A new worker knows nothing of the throttle that is over.
    await stack.restartWorker();
    await run.signal('poll');
    await waitForFlow(stack.client, flow);
    expect(await titles(flow, 'timer')).toEqual(['Waits for a system that takes no calls just now']);
    expect(await outcome()).toBe('in-sync');
    expect(await detailsOf(flow)).not.toContain('Waits');
  }, 60_000);

  test('because a person has paused it says how it goes on', async () => {
    const run = await signalFlow(starter(), OPT_OUT, 'pause');
    await expect.poll(async () => attributesOf(await run.describe()).outcome).toBe('paused');
    expect(await detailsOf(OPT_OUT)).toContain('**Paused.** Send the signal `resume` to go on.');
    await run.signal('resync');
    expect(await detailsOf(OPT_OUT)).toContain('**Next:** all flags of all contacts are compared once more.');
    await run.signal('resume');
    expect(await waitForFlow(stack.client, OPT_OUT)).toMatchObject({ outcome: 'in-sync' });
  }, 60_000);
});

describe('a run that has failed', () => {
  test('reads as a sentence, as its tick does, and tells what to do next', async () => {
    await stack.systems.sandbox.faults([
      { system: 'dynamics', path: '/api/', kind: 'status', status: 403, times: 1_000 },
    ]);
    await stack.client.schedule.getHandle(flow).trigger();
    await expect.poll(() => ticksOf(flow, 'Failed'), { timeout: 20_000 }).toBe(1);
    await stack.systems.sandbox.clearFaults();

    const messages = await Promise.all([failureOf('ingress'), failureOf('tick')]);
    expect(messages[0]).toMatch(/^DYNAMICS_\w+: [^.]+\. \S.+\.$/);
    expect(messages[1]).toBe(messages[0]);
    const details = await detailsOf(flow);
    expect(details).toMatch(/: failed/);
    expect(details).toMatch(/\*\*Last error:\*\* `DYNAMICS_\w+`, [^.]+\. \*\*Next:\*\* \S/);
    expect(attributesOf(await handleOf(flow).describe()).outcome).toBe('failed');
    expect((await titles(flow, 'activity')).at(-1)).toMatch(
      /^Records that the run has failed: DYNAMICS_\w+$/,
    );
  }, 60_000);

  /** The message of the last run of this type that failed, as the Web UI shows it first. */
  async function failureOf(type: string): Promise<string | null | undefined> {
    for await (const { workflowId, runId } of stack.client.workflow.list({
      query: `WorkflowType = '${type}' AND ExecutionStatus = 'Failed'`,
    })) {
      const { events } = await stack.client.workflow.getHandle(workflowId, runId).fetchHistory();
      return events?.at(-1)?.workflowExecutionFailedEventAttributes?.failure?.message;
    }
    return undefined;
  }
});

async function ticksOf(id: FlowId, status = 'Completed'): Promise<number> {
  const query = `WorkflowType = 'tick' AND SyncFlow = '${id}' AND ExecutionStatus = '${status}'`;
  return (await stack.client.workflow.count(query)).count;
}

describe('the saved views of the guide', () => {
  const guide = readFileSync(new URL('../../docs/guides/web-ui.md', import.meta.url), 'utf8');
  const queries = [...guide.matchAll(/^\| [^|]+ \| `([^`]*(?:Sync|WorkflowType|Temporal)[^`]*)`/gm)].map(
    ([, query = '']) => query,
  );

  test('are there', () => {
    expect(queries.length).toBeGreaterThan(5);
  });

  test.each(queries)('%s is a query that Temporal takes', async (query) => {
    await expect(stack.client.workflow.count(query)).resolves.toMatchObject({
      count: expect.any(Number) as number,
    });
  });
});

test('schedules find their search attributes registered in a namespace that had none', async () => {
  const bare = await bareNamespace(inject('temporalAddress'));
  try {
    const wish = { flow: `ingress/${randomUUID()}`, everyMs: 86_400_000 };
    const { created } = await applySchedules(bare.client, [wish]);
    expect(created).toHaveLength(2);
    const query = `SyncFlow = '${wish.flow}' AND SyncParked > 0`;
    await expect(bare.client.workflow.count(query)).resolves.toMatchObject({ count: 0 });
    for (const id of created) await bare.client.schedule.getHandle(id).delete();
  } finally {
    await bare.close();
  }
}, 60_000);
