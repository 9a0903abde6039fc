import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Client } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { applyMapping } from '../../src/command-line/apply.js';
import { progressOf, signalFlow, signalOpenFlow, waitForFlow } from '../../src/command-line/flows.js';
import { inspect } from '../../src/command-line/inspect.js';
import { exitStatusOf } from '../../src/command-line/wrong-use.js';
import { connectTemporal } from '../../src/temporal/client.js';
import { differences, mappedColumns } from '../support/expected.js';
import { exampleDocument } from '../support/mapping-document.js';
import { npmScript } from '../support/npm-start.js';
import { payloadsIn, type PlacedPayload } from '../support/payloads.js';
import { flow, startStack, type Stack } from '../support/stack.js';

const pathOf = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const keyOf = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const [old, next] = [keyOf('2025'), keyOf('2026')];
const document = exampleDocument.replace('every: 1m', 'every: 1d');

/** As `npm run build` makes it for workers with keys. */
let workflowBundle: string;
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  workflowBundle = join(folder, 'encrypted.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: pathOf('../../src/workflows/index.ts'),
    failureConverterPath: pathOf('../../src/temporal/failure-converter.js'),
    logger: new DefaultLogger('ERROR'),
  });
  await writeFile(workflowBundle, code);
  return () => rm(folder, { recursive: true, force: true });
}, 60_000);

const startWith = (payloadKeys: string, contacts: number): Promise<Stack> =>
  startStack({
    temporalAddress: inject('temporalAddress'),
    contacts,
    document,
    settings: { PAYLOAD_KEYS: payloadKeys },
    prepared: { workflowBundle, newLedger: inject('newLedger') },
  });

/** Every payload of every history and schedule of the namespace, as Temporal holds it. */
async function stored({ client, namespace }: Stack): Promise<PlacedPayload[]> {
  const found: PlacedPayload[] = [];
  for await (const { workflowId, runId } of client.workflow.list())
    found.push(...payloadsIn(await client.workflow.getHandle(workflowId, runId).fetchHistory()));
  return [...encryptable(found), ...(await storedInSchedules({ client, namespace }))];
}
async function storedInSchedules({
  client,
  namespace,
}: Pick<Stack, 'client' | 'namespace'>): Promise<PlacedPayload[]> {
  const found: PlacedPayload[] = [];
  for await (const { scheduleId } of client.schedule.list())
    found.push(...payloadsIn(await client.workflowService.describeSchedule({ namespace, scheduleId })));
  return encryptable(found);
}
/** Search attributes must stay readable: the server looks runs up by them. */
const encryptable = (payloads: PlacedPayload[]): PlacedPayload[] =>
  payloads.filter(({ place }) => !place.includes('searchAttributes'));

/** As that of a command line with these keys, until the end of the test. */
async function clientWith(payloadKeys: string, { namespace }: Stack): Promise<Client> {
  const { client, close } = await connectTemporal(undefined, {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: namespace,
    PAYLOAD_KEYS: payloadKeys,
  });
  onTestFinished(close);
  return client;
}

const encodings = (payloads: PlacedPayload[]): string[] => [
  ...new Set(payloads.map(({ encoding }) => encoding)),
];
const keysOf = (payloads: PlacedPayload[]): Set<string> => new Set(payloads.map(({ keyId }) => keyId));

describe('with payload keys', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startWith(old, 20);
    await stack.sync();
  }, 60_000);
  afterAll(() => stack.stop(), 60_000);

  test('Temporal holds nothing readable but ids, names and search attributes', async () => {
    const payloads = await stored(stack);
    expect(payloads.length).toBeGreaterThan(10);
    expect(encodings(payloads)).toEqual(['binary/encrypted']);
    expect(keysOf(payloads)).toEqual(new Set(['2025']));
  });

  test('status, explain and a resync work as ever', async () => {
    const [id = ''] = await stack.systems.contacts.ids();
    const status = await stack.starter('status', '--json');
    expect(status).toMatchObject({ status: 0, error: '' });
    expect(JSON.parse(status.out)).toMatchObject({ flows: [{ outcome: 'in-sync' }] });
    const explained = await stack.starter('explain', id, '--json');
    expect(JSON.parse(explained.out)).toMatchObject({ stories: [{ table: 'contact' }] });
    expect(await stack.starter('resync', 'contact', '--wait')).toMatchObject({ status: 0, error: '' });
    expect(await stack.status()).toMatchObject({ created: 0 });
  });

  test('the messages and stacks of failures are encrypted too, and still told to a person', async () => {
    await stack.systems.sandbox.faults([
      { system: 'dynamics', method: 'GET', kind: 'status', status: 403, times: 1_000_000 },
    ]);
    const end = await stack.sync();
    await stack.systems.sandbox.clearFaults();
    expect(end).toMatchObject({ outcome: 'failed', error: { message: expect.stringContaining('Dynamics') } });
    const history = await stack.client.workflow.getHandle(flow).fetchHistory();
    const messages = failureMessages(history);
    expect(messages.length).toBeGreaterThan(1);
    expect(messages.filter(({ message }) => message !== 'Encoded failure')).toEqual([]);
    expect(messages.filter(({ stackTrace }) => stackTrace)).toEqual([]);
  });

  test("Temporal's own command line shows them through the codec server", async () => {
    const token = 'an access token for the tests';
    const server = npmScript('codec-server', [], {
      PAYLOAD_KEYS: old,
      CODEC_ADDRESS: '127.0.0.1:0',
      CODEC_ACCESS_TOKEN: token,
    });
    onTestFinished(async () => void (await server.stop()));
    const { codec } = JSON.parse(await server.firstLine) as { codec: string };
    const site = ['--address', inject('temporalAddress'), '--namespace', stack.namespace];
    const show = async (...options: string[]): Promise<string> => {
      const asked = ['workflow', 'show', '--workflow-id', flow, '--output', 'json', ...site, ...options];
      return (await promisify(execFile)(inject('temporalCli'), asked)).stdout;
    };
    const readable = Buffer.from('{"table":"contact"').toString('base64');
    expect(await show()).not.toContain(readable);
    expect(await show('--codec-endpoint', codec, '--codec-auth', `Bearer ${token}`)).toContain(readable);
  });

  test('a command line without the key says which one it lacks', async () => {
    const client = await clientWith('', stack);
    const error: unknown = await inspect(client, { kind: 'status' }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'PAYLOAD_KEY_UNKNOWN', message: expect.stringContaining('2025') });
    expect(exitStatusOf(error)).toBe(2);
  });
});

test('an open run goes on when keys are switched on, and when they are rotated', async () => {
  const CONTACTS = 40;
  const stack = await startWith(`${old},${next}`, CONTACTS);
  onTestFinished(() => stack.stop(), 60_000);
  const restart = (payloadKeys: string) => stack.restartWorker({ PAYLOAD_KEYS: payloadKeys });
  const starter = { client: stack.client, heartbeatSeconds: 5 };
  const ofRun = async () => payloadsIn(await stack.client.workflow.getHandle(flow).fetchHistory());
  const untilPaused = () =>
    expect
      .poll(async () => (await progressOf(stack.client, flow))?.outcome, { timeout: 60_000 })
      .toBe('paused');

  await restart('');
  await signalFlow({ client: await clientWith('', stack), heartbeatSeconds: 5 }, flow, 'pause');
  await untilPaused();
  expect(keysOf(await ofRun())).toEqual(new Set(['']));

  await restart(`${old},${next}`);
  await stack.systems.sandbox.faults([
    { system: 'campaign', method: 'POST', kind: 'latency', ms: 1_000, times: 1_000_000 },
  ]);
  await signalOpenFlow(starter, flow, 'resume');
  await expect.poll(async () => keysOf(await ofRun()), { timeout: 60_000 }).toContain('2025');
  await signalOpenFlow(starter, flow, 'pause');
  await untilPaused();

  await restart(`${next},${old}`);
  await stack.systems.sandbox.clearFaults();
  await signalOpenFlow(starter, flow, 'resume');
  expect(await waitForFlow(stack.client, flow)).toMatchObject({ outcome: 'in-sync' });
  expect(keysOf(await stored(stack))).toEqual(new Set(['', '2025', '2026']));
  const contacts = await stack.systems.contacts.all(mappedColumns);
  expect(contacts).toHaveLength(CONTACTS);
  expect(differences(contacts, await stack.systems.profiles.all())).toEqual([]);

  await applyMapping(await clientWith(`${next},${old}`, stack), join(stack.folder, 'sync.yaml'), 5);
  expect(keysOf(await storedInSchedules(stack))).toEqual(new Set(['2026']));
  await restart(next);
  const client = await clientWith(next, stack);
  await signalFlow({ client, heartbeatSeconds: 5 }, flow, 'resync');
  expect(await waitForFlow(client, flow)).toMatchObject({ outcome: 'in-sync' });
}, 200_000);

interface Failure {
  message?: string | null;
  stackTrace?: string | null;
}

/** Of failures that this service made, causes included: those that Temporal makes itself hold no text of ours. */
function failureMessages(within: unknown): Failure[] {
  if (typeof within !== 'object' || within === null || ArrayBuffer.isView(within)) return [];
  const own = 'source' in within && within.source === 'TypeScriptSDK' ? [within as Failure] : [];
  return [...own, ...Object.values(within).flatMap(failureMessages)];
}
