import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { projectFolder } from '../project/arrows.js';
import { wholeExampleDocument } from '../support/mapping-document.js';
import { scriptedServer, type Arrived, type Scripted } from '../support/http-server.js';

const UNIT = '00000000-0000-4000-8000-0000000000b1';
const ROLE = '00000000-0000-4000-8000-0000000000a1';
const KINDS = ['Create', 'Read', 'Write', 'Delete', 'Append', 'AppendTo'];
const named = { prvReadOrganization: 'p-org', prvReadUser: 'p-user', prvReadEntity: 'p-entity' };

/** An organisation as the documentation of Dataverse's Web API shows its answers. */
async function organisation({ hasRole = false, refuses = false } = {}) {
  let made = hasRole;
  return scriptedServer(({ method, url }: Arrived): Scripted => {
    const address = decodeURIComponent(url);
    const table = /EntityDefinitions\(LogicalName='(\w+)'\)/.exec(address)?.[1];
    if (table !== undefined)
      return {
        body: {
          LogicalName: table,
          Privileges: KINDS.map((kind) => ({
            Name: `prv${kind}${table}`,
            PrivilegeId: `${kind}-${table}`,
            PrivilegeType: kind,
          })),
        },
      };
    if (address.includes('/privileges?'))
      return {
        body: { value: Object.entries(named).map(([name, privilegeid]) => ({ name, privilegeid })) },
      };
    if (address.includes('/businessunits?')) return { body: { value: [{ businessunitid: UNIT }] } };
    if (address.includes('AddPrivilegesRole'))
      return refuses
        ? { status: 403, body: { error: { code: '0x80040220', message: 'is missing prvWriteRole' } } }
        : { status: 204 };
    if (method === 'POST' && address.endsWith('/roles')) {
      made = true;
      return { status: 204 };
    }
    if (address.includes('/roles?')) return { body: { value: made ? [{ roleid: ROLE }] : [] } };
    if (address.includes(`/roles(${ROLE})?`))
      return {
        body: { roleprivileges_association: [{ name: 'prvReadUser' }, { name: 'prvReadSharePointData' }] },
      };
    return { status: 404 };
  });
}

async function createRole(document: string, url: string, ...options: string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'create-role-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const config = join(folder, 'sync.yaml');
  writeFileSync(config, document);
  return new Promise<{ status: number; output: string; error: string }>((resolve) => {
    execFile(
      process.execPath,
      [join(projectFolder, 'deploy/dynamics/create-role.mjs'), '--config', config, ...options],
      { env: { ...process.env, DYNAMICS_URL: url, DYNAMICS_ADMIN_TOKEN: 'administrator' } },
      (fault, output, error) => resolve({ status: fault ? Number(fault.code) : 0, output, error }),
    );
  });
}

const contacts = `
version: 1
tables:
  - dynamics: contact
    campaign: profile
    key: { to: externalId }
    fields: [{ from: firstname, to: firstName }]
`;

const definitions = Object.entries(named).map(([PrivilegeName, PrivilegeId]) => ({
  PrivilegeId,
  PrivilegeName,
  Depth: 'Global',
}));
const privilege = (kind: string, table: string, Depth: string) => ({
  PrivilegeId: `${kind}-${table}`,
  PrivilegeName: `prv${kind}${table}`,
  Depth,
});

test('a mapping of tables alone asks for reading, and the role is made in the root business unit', async () => {
  const { url, arrived } = await organisation();
  const { status, output } = await createRole(contacts, url);
  expect(status).toBe(0);
  const posted = arrived.filter(({ method }) => method === 'POST');
  expect(posted.map(({ url: address, body }) => [address, JSON.parse(body)])).toEqual([
    [
      '/api/data/v9.2/roles',
      { name: 'Adobe Campaign sync', 'businessunitid@odata.bind': `/businessunits(${UNIT})` },
    ],
    [
      `/api/data/v9.2/roles(${ROLE})/Microsoft.Dynamics.CRM.AddPrivilegesRole`,
      { Privileges: [...definitions, privilege('Read', 'contact', 'Global')] },
    ],
  ]);
  expect(new Set(arrived.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer administrator']),
  );
  expect(output).toContain('others, which the service does not need: prvReadSharePointData.');
});

test('events and opt-outs that reach Dynamics ask for more, and a role that is there is completed', async () => {
  const { url, arrived } = await organisation({ hasRole: true });
  await createRole(wholeExampleDocument, url, '--name', "Sales' sync");
  const posted = arrived.filter(({ method }) => method === 'POST');
  expect(posted).toHaveLength(1);
  expect(JSON.parse(posted[0]?.body ?? '')).toEqual({
    Privileges: [
      ...definitions,
      privilege('Read', 'contact', 'Global'),
      privilege('Create', 'activitypointer', 'Basic'),
      privilege('Append', 'activitypointer', 'Basic'),
      privilege('AppendTo', 'contact', 'Global'),
      privilege('Write', 'contact', 'Global'),
    ],
  });
  const asked = arrived.map(({ url: address }) => decodeURIComponent(address));
  expect(asked.filter((address) => address.includes("name eq 'Sales'' sync'"))).toHaveLength(1);
});

test('a dry run writes nothing', async () => {
  const { url, arrived } = await organisation();
  const { status, output } = await createRole(contacts, url, '--dry-run');
  expect([status, arrived.filter(({ method }) => method !== 'GET')]).toEqual([0, []]);
  expect(output).toContain('would be made');
});

test('a refusal is told with its status and words', async () => {
  const { url } = await organisation({ refuses: true });
  const { status, error } = await createRole(contacts, url);
  expect(status).toBe(1);
  expect(error).toMatch(/AddPrivilegesRole: 403 .*prvWriteRole/);
});

test('a mapping file with faults is refused before anything is asked', async () => {
  const { url, arrived } = await organisation();
  const { status, error } = await createRole(contacts.replace('key:', 'keys:'), url);
  expect([status, arrived]).toEqual([1, []]);
  expect(error).toMatch(/sync\.yaml:\d+:\d+ {2}tables\[0\]/);
});
