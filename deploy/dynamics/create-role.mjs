// Makes the security role that the service's application user needs in Dynamics, with the privileges that one mapping
// file asks for and no others. Run by an administrator, from a checkout; docs/guides/production.md tells how.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { register } from 'tsx/esm/api';

register();
const { readSyncFile, formatFaults } = await import('../../src/mapping/read.ts');
const { wantsEvents } = await import('../../src/mapping/events-schema.ts');

const USAGE = `Usage: node deploy/dynamics/create-role.mjs [--config FILE] [--name NAME] [--dry-run]

Makes or completes a security role in the root business unit of Dynamics.

  --config FILE  mapping file that says which rights are needed (sync.yaml)
  --name NAME    name of the role ("Adobe Campaign sync")
  --dry-run      says what it would do, and changes nothing

  DYNAMICS_URL          the organisation, such as https://contoso.crm4.dynamics.com
  DYNAMICS_ADMIN_TOKEN  access token of a person who may make roles
`;

/** What reading the definitions of tables and the account's own rights asks for. A name that is not there is not needed. */
const DEFINITIONS = [
  'prvReadOrganization',
  'prvReadUser',
  'prvReadEntity',
  'prvReadAttribute',
  'prvReadRelationship',
  'prvReadOptionSet',
];
/** Whether a table takes rows in bulk is among the definitions of messages. */
const MESSAGES = 'prvReadSdkMessage';

/** Rights on rows. Rows that the service makes are its own, so that to make them Basic is enough. */
function rightsOf({ tables, events, optOut }) {
  const rights = tables.map(({ dynamics }) => ({ table: dynamics, kind: 'Read', depth: 'Global' }));
  if (events && wantsEvents(events)) {
    // All activities share their privileges, those of custom tables too.
    rights.push({ table: 'activitypointer', kind: 'Create', depth: 'Basic' });
    rights.push({ table: 'activitypointer', kind: 'Append', depth: 'Basic' });
    rights.push({ table: 'contact', kind: 'AppendTo', depth: 'Global' });
  }
  if (optOut && ['campaign-to-dynamics', 'bidirectional'].includes(optOut.direction))
    rights.push({ table: 'contact', kind: 'Write', depth: 'Global' });
  return rights;
}

function createApi(organisation, token) {
  const root = new URL('/api/data/v9.2/', organisation);
  return async function call(path, body) {
    const response = await fetch(new URL(path, root), {
      method: body ? 'POST' : 'GET',
      redirect: 'error',
      signal: AbortSignal.timeout(60_000),
      headers: {
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        'odata-version': '4.0',
        'odata-maxversion': '4.0',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path.split('?')[0]}: ${response.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
}

const quoted = (text) => encodeURIComponent(text.replaceAll("'", "''"));

/** `{ PrivilegeId, PrivilegeName, Depth }` for each right, by the table's own definition. */
async function privilegesOf(call, rights) {
  const definitions = new Map();
  for (const { table } of rights)
    if (!definitions.has(table))
      definitions.set(
        table,
        await call(`EntityDefinitions(LogicalName='${quoted(table)}')?$select=LogicalName,Privileges`),
      );
  return rights.map(({ table, kind, depth }) => {
    const found = definitions.get(table).Privileges.find(({ PrivilegeType }) => PrivilegeType === kind);
    if (!found) throw new Error(`${table} has no privilege to ${kind}.`);
    return { PrivilegeId: found.PrivilegeId, PrivilegeName: found.Name, Depth: depth };
  });
}

async function privilegesNamed(call, names) {
  const filter = names.map((name) => `name eq '${name}'`).join(' or ');
  const { value } = await call(`privileges?$select=privilegeid,name&$filter=${encodeURIComponent(filter)}`);
  return value.map(({ privilegeid, name }) => ({
    PrivilegeId: privilegeid,
    PrivilegeName: name,
    Depth: 'Global',
  }));
}

/** A mapped table may be one whose reading the definitions ask for as well. */
const eachOnce = (privileges) => [
  ...new Map(privileges.map((privilege) => [privilege.PrivilegeId, privilege])).values(),
];

async function findRole(call, name, businessUnit) {
  const filter = `name eq '${name.replaceAll("'", "''")}' and _businessunitid_value eq ${businessUnit}`;
  const { value } = await call(`roles?$select=roleid&$filter=${encodeURIComponent(filter)}`);
  return value[0]?.roleid;
}

async function rootBusinessUnit(call) {
  const filter = encodeURIComponent('_parentbusinessunitid_value eq null');
  const { value } = await call(`businessunits?$select=businessunitid&$filter=${filter}`);
  return value[0].businessunitid;
}

async function makeRole(call, name, businessUnit) {
  await call('roles', { name, 'businessunitid@odata.bind': `/businessunits(${businessUnit})` });
  const made = await findRole(call, name, businessUnit);
  if (!made) throw new Error(`The role ${name} was made and is not shown yet: run this again.`);
  return made;
}

/** What the role holds beyond what is needed. Dynamics itself gives some to each role that is made over its Web API. */
async function othersOf(call, role, privileges) {
  const path = `roles(${role})?$select=name&$expand=roleprivileges_association($select=name)`;
  const { roleprivileges_association: held } = await call(path);
  const needed = new Set(privileges.map(({ PrivilegeName }) => PrivilegeName));
  return held.map(({ name }) => name).filter((name) => !needed.has(name));
}

async function main(argv, { DYNAMICS_URL, DYNAMICS_ADMIN_TOKEN, SYNC_CONFIG }) {
  const { values } = parseArgs({
    args: argv,
    options: {
      config: { type: 'string', default: SYNC_CONFIG || 'sync.yaml' },
      name: { type: 'string', default: 'Adobe Campaign sync' },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return say(USAGE.trimEnd());
  if (!DYNAMICS_URL || !DYNAMICS_ADMIN_TOKEN) throw new Error('Set DYNAMICS_URL and DYNAMICS_ADMIN_TOKEN.');
  const { protocol, hostname } = new URL(DYNAMICS_URL);
  if (protocol !== 'https:' && hostname !== '127.0.0.1') throw new Error('DYNAMICS_URL must be https://.');
  const read = readSyncFile(readFileSync(values.config, 'utf8'));
  if (!read.ok) throw new Error(formatFaults(values.config, read.faults));

  const call = createApi(DYNAMICS_URL, DYNAMICS_ADMIN_TOKEN);
  const rights = rightsOf(read.config);
  const isWritingEvents = rights.some(({ table }) => table === 'activitypointer');
  const privileges = eachOnce([
    ...(await privilegesNamed(call, [...DEFINITIONS, ...(isWritingEvents ? [MESSAGES] : [])])),
    ...(await privilegesOf(call, rights)),
  ]);
  for (const { PrivilegeName, Depth } of privileges) say(`${PrivilegeName} (${Depth})`);

  const businessUnit = await rootBusinessUnit(call);
  const there = await findRole(call, values.name, businessUnit);
  if (values['dry-run'])
    return say(`Nothing was changed. The role ${values.name} ${there ? 'is there' : 'would be made'}.`);
  const role = there ?? (await makeRole(call, values.name, businessUnit));
  await call(`roles(${role})/Microsoft.Dynamics.CRM.AddPrivilegesRole`, { Privileges: privileges });
  say(`The role ${values.name} ${there ? 'was there' : 'is made'} and has these privileges.`);
  const others = await othersOf(call, role, privileges);
  if (others.length > 0) say(`It has others, which the service does not need: ${others.join(', ')}.`);
}

const say = (text) => process.stdout.write(`${text}\n`);

try {
  await main(process.argv.slice(2), process.env);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
