import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { progressLine } from '../../src/command-line/progress.js';
import { starterProgram } from '../../src/starter.js';
import { defineTable } from '../support/customiser.js';
import { optOutDocument } from '../support/opt-outs.js';
import { startStack, type Stack } from '../support/stack.js';

/* Every command of the starter, on a pair whose names are as long as a company's may be. */

const TABLE = 'new_thecompanysverylongcustomtablenameforloyaltymemberships01';
const COLUMN = 'new_averylongcolumnnamethatsomebodychosetotelleverythinginit';
const RESOURCE = 'cusAVeryLongResourceNameThatSomebodyChoseToTellEverything01';
const FIELD = 'cusAVeryLongFieldNameThatSomebodyChoseToTellEverythingInIt01';
const document = `${optOutDocument().replace(
  /^optOut:/m,
  `  - dynamics: ${TABLE}
    campaign: ${RESOURCE}
    key: { to: cusCrmId, addressBy: filter:bycrmid }
    fields: [{ from: new_name, to: ${FIELD} }, { from: ${COLUMN}, to: cusText }]
    links: [{ from: new_contactid, to: cusProfileId, table: contact, by: key, required: true }]
    deletionBrake: { share: 0%, atLeast: 0 }
optOut:`,
)}`;

let stack: Stack;
let orphan = '';

beforeAll(async () => {
  stack = await startStack({
    temporalAddress: inject('temporalAddress'),
    contacts: 5,
    document: optOutDocument(),
  });
  await defineLongNames();
  await stack.apply(document);
  const row = (name: string, contact: string | undefined) =>
    stack.systems.rows.create(`${TABLE}s`, {
      new_name: name,
      [COLUMN]: 'text',
      'new_ContactId@odata.bind': `/contacts(${contact})`,
    });
  const late = await stack.systems.contacts.create({ lastname: 'Late', firstname: 'x'.repeat(40) });
  const parents = (await stack.systems.contacts.ids()).filter((id) => id !== late);
  orphan = await row('early', late);
  await row('x'.repeat(90), parents[0]);
  const gone = await row('gone', parents[1]);
  await stack.syncAll();
  await stack.systems.rows.remove(`${TABLE}s`, gone);
  await stack.systems.contacts.update(parents[2] ?? '', { donotemail: true });
  await stack.syncAll();
  await writeFile(
    join(stack.folder, 'candidate.yaml'),
    document.replace(', to: cusText }', ', to: cusOther }'),
  );
}, 90_000);
afterAll(() => stack.stop(), 60_000);

/** What each command is called with; a command that is not here fails the test of them all. */
const calls: Record<string, () => string[]> = {
  apply: () => ['--config', join(stack.folder, 'sync.yaml')],
  check: () => [],
  plan: () => [TABLE, '--config', join(stack.folder, 'candidate.yaml')],
  sync: () => [],
  status: () => [],
  parked: () => [],
  explain: () => [orphan],
  deletions: () => ['show', TABLE],
  redrive: () => ['--flow', `ingress/${TABLE}`],
  resync: () => [TABLE, '--wait'],
  pause: () => [`ingress/${TABLE}`],
  resume: () => [`ingress/${TABLE}`],
  consent: () => ['export'],
  provision: () => [],
};
const names = starterProgram(() => {}, {}).commands.map((command) => command.name());
/** A line for each decision, as CSV has them too: for programs, not for a screen. */
const EXPORTS = ['consent'];

describe.each(names)('starter %s', (name) => {
  test('prints lines of 80 columns at most, commands to be copied aside', async () => {
    const { out, error } = await stack.starter(name, ...(calls[name]?.() ?? ['--not-called-yet']));
    expect(error).toBe('');
    expect(out).not.toBe('');
    if (EXPORTS.includes(name)) return;
    const tooWide = out.split('\n').filter((line) => line.length > 80 && !line.startsWith('npm run '));
    expect(tooWide).toEqual([]);
  }, 60_000);

  test('prints one document with --json, and nothing else', async () => {
    const { out, error } = await stack.starter(name, ...(calls[name]?.() ?? ['--not-called-yet']), '--json');
    expect(error).toBe('');
    expect(Object.keys(JSON.parse(out) as object)).not.toEqual([]);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
  }, 60_000);
});

test('a long command tells a terminal how far it is, on one line that goes at its end', async () => {
  const told: string[] = [];
  let printed = '';
  const environment = {
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    TEMPORAL_NAMESPACE: stack.namespace,
    SYNC_DATA: stack.folder,
  };
  const line = progressLine({ isTTY: true, write: (text) => told.push(text) });
  const program = starterProgram((text) => (printed += text), environment, line);
  await stack.systems.sandbox.faults([{ system: 'campaign', kind: 'latency', ms: 700, times: 1_000_000 }]);
  await program.parseAsync(['resync', 'contact', '--rewrite', '--wait', '--json'], { from: 'user' });
  await stack.systems.sandbox.clearFaults();
  expect(told.join('')).toMatch(/ingress\/contact: working, \w+: \d+ read/);
  expect(told.at(-1)).toBe('\r\u001B[K');
  expect(JSON.parse(printed)).toMatchObject({ ok: true });
}, 60_000);

async function defineLongNames(): Promise<void> {
  await defineTable(stack.systems, TABLE.replace('new_', 'new_T').replace('new_Tt', 'new_T'), [
    { name: COLUMN, type: 'String' },
    { name: 'new_ContactId', type: 'Lookup', to: 'contact' },
  ]);
  await stack.systems.sandbox.dataModel({
    resources: [
      {
        name: RESOURCE,
        schema: `cus:${RESOURCE}`,
        label: 'Members',
        endpoints: ['profileAndServicesExt'],
        keys: ['cusCrmId'],
        fields: {
          cusCrmId: { type: 'string', label: 'CRM id', length: 36 },
          [FIELD]: { type: 'string', label: 'Name', length: 40 },
          cusText: { type: 'string', label: 'Text', length: 100 },
          cusOther: { type: 'string', label: 'Other', length: 100 },
          cusProfileId: { type: 'string', label: 'Profile id', length: 36 },
          cusProfile: {
            type: 'link',
            label: 'Profile',
            target: 'profile',
            join: { field: 'cusProfileId', targetField: 'externalId' },
            cardinality: '1',
          },
        },
      },
    ],
    filters: [
      {
        resource: RESOURCE,
        name: 'bycrmid',
        label: 'By CRM id',
        conditions: [{ fields: ['cusCrmId'], operator: '=', parameter: 'crmid_parameter' }],
      },
    ],
  });
}

test.each([
  ['parked', TABLE],
  ['redrive', '--flow', TABLE],
  ['pause', TABLE],
])('%s %s refuses what is no flow, and names those that are', async (...argv) => {
  const { status, error } = await stack.starter(...argv);
  expect({ status, error }).toEqual({
    status: 2,
    error: expect.stringContaining(`${TABLE} is no flow of the mapping in force; there are: ingress/contact`),
  });
});
