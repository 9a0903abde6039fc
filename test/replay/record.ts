/**
 * Records the histories that replay.test.ts replays, from real runs: those that are not there yet, for what is there must go on
 * replaying. `npx tsx test/replay/record.ts`.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { signalFlow, waitForFlow } from '../../src/command-line/flows.js';
import { findTemporalCli } from '../../src/temporal/cli.js';
import { startTemporalServer } from '../../src/temporal/server.js';
import { searchAttributeKeys } from '../../src/workflows/visibility.js';
import { exampleDocument } from '../support/mapping-document.js';
import { optOutDocument } from '../support/opt-outs.js';
import { defineParcels, parcelsMapping } from '../support/parcels.js';
import { flow, startStack, type Stack } from '../support/stack.js';
import { deliver, eventsDocument } from '../support/timeline.js';

const folder = fileURLToPath(new URL('./histories/', import.meta.url));
mkdirSync(folder, { recursive: true });
const temporary = await mkdtemp(join(tmpdir(), 'record-'));
const server = await startTemporalServer({
  cli: await findTemporalCli({ environment: process.env, log: console.error }),
  port: 0,
  logFile: join(temporary, 'temporal.log'),
  searchAttributes: Object.values(searchAttributeKeys),
});
const stack = await startStack({
  temporalAddress: server.address,
  contacts: 50,
  document: exampleDocument,
  prepared: {},
});
try {
  await stack.sync();
  await save(stack, flow, 'ingress.first-load');
  await stack.resync('verify');
  await save(stack, flow, 'ingress.verify');

  const starter = { client: stack.client, heartbeatSeconds: 5 };
  await signalFlow(starter, flow, 'pause');
  await signalFlow(starter, flow, 'resync', { mode: 'rewrite' });
  await signalFlow(starter, flow, 'resume');
  await waitForFlow(stack.client, flow);
  await save(stack, flow, 'ingress.paused-and-resumed');

  await stack.systems.sandbox.faults([{ system: 'campaign', kind: 'throttle', retryAfter: 65, times: 1 }]);
  await stack.systems.sandbox.bulk({ change: 1 });
  const throttled = await signalFlow(starter, flow, 'poll');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await stack.systems.sandbox.clearFaults();
  await throttled.signal('poll');
  await waitForFlow(stack.client, flow);
  await save(stack, flow, 'ingress.throttled');

  await stack.client.schedule.getHandle(flow).trigger();
  for (;;) {
    const ids = [];
    for await (const { workflowId, status } of stack.client.workflow.list({
      query: "WorkflowType = 'tick'",
    })) {
      if (status.name === 'COMPLETED') ids.push(workflowId);
    }
    if (ids[0] !== undefined) {
      await save(stack, ids[0], 'tick.ran');
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  await stack.apply(exampleDocument.replace('atLeast: 50', 'atLeast: 0'));
  await stack.systems.sandbox.bulk({ delete: 20 });
  await stack.sync();
  await stack.starter('deletions', 'approve', 'contact');
  await waitForFlow(stack.client, flow);
  await save(stack, flow, 'ingress.approved');

  await defineParcels(stack.systems);
  const [buyer] = await stack.systems.profiles.all();
  const ofBuyer = { 'new_ContactId@odata.bind': `/contacts(${buyer?.externalId})` };
  const parcel = await stack.systems.rows.create('new_parcels', { new_name: 'one', ...ofBuyer });
  const ofParcel = { 'new_ParcelId@odata.bind': `/new_parcels(${parcel})` };
  await stack.systems.rows.create('new_items', { new_name: 'one', ...ofParcel });
  await stack.apply(exampleDocument + parcelsMapping);
  await stack.syncAll();
  await save(stack, 'ingress/new_item', 'ingress.waited-for-its-parent');
  await save(stack, 'ingress/new_parcel', 'ingress.released-its-children');
  const released = "WorkflowId STARTS_WITH 'tick/ingress/new_item-released'";
  for await (const { workflowId } of stack.client.workflow.list({ query: released })) {
    await stack.client.workflow.getHandle(workflowId).result();
    await save(stack, workflowId, 'tick.released');
    break;
  }

  await stack.apply(eventsDocument('journal'));
  await stack.starter('provision');
  await deliver(stack.sandbox.ready, { profiles: 10, opens: 0.5, clicks: 0.2, bounces: 0.1 });
  await stack.syncAll(['egress']);
  await save(stack, 'egress', 'egress.carried-over');
  await signalFlow(starter, 'egress', 'pause');
  await signalFlow(starter, 'egress', 'resync', { since: '2026-01-01T00:00:00.000Z' });
  await signalFlow(starter, 'egress', 'resume');
  await waitForFlow(stack.client, 'egress');
  await save(stack, 'egress', 'egress.paused-and-replayed');

  await stack.apply(optOutDocument());
  await stack.syncAll([flow, 'opt-out']);
  await save(stack, 'opt-out', 'optOut.compared');
  await signalFlow(starter, 'opt-out', 'pause');
  await signalFlow(starter, 'opt-out', 'resync', {});
  await signalFlow(starter, 'opt-out', 'resume');
  await waitForFlow(stack.client, 'opt-out');
  await save(stack, 'opt-out', 'optOut.paused-and-compared-again');

  for await (const { workflowId } of stack.client.workflow.list({ query: "WorkflowType = 'inspect'" })) {
    await save(stack, workflowId, 'inspect.apply');
    break;
  }
} finally {
  await stack.stop();
  await server.stop();
  await rm(temporary, { recursive: true, force: true });
}

async function save({ client }: Stack, workflowId: string, name: string): Promise<void> {
  const file = join(folder, `${name}.json`);
  if (existsSync(file)) return;
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  writeFileSync(file, historyToJSON(history));
  console.error(`${name}: ${history.events?.length} events`);
}
