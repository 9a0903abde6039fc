import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FaultyModel, startSandbox, type Sandbox, type SandboxOptions } from '../../../src/sandbox/index.js';
import { callerOf, list, text, type Caller } from '../core/support.js';

const ROOT = '/api/data/v9.2/';
const EXT = '/profileAndServicesExt';

const TICKETS = `
version: 1
dynamics:
  choices:
    new_urgency: { label: Urgency, options: { 1: Low, 2: { 1033: High, 1031: Hoch } } }
  tables:
    contact:
      columns:
        new_tier: { type: Picklist, options: { 1: Silver, 2: Gold } }
    new_ticket:
      label: { 1033: Ticket, 1031: Vorgang }
      primaryName: { name: new_title, sample: ['Ticket {n}'] }
      statusReasons:
        100000000: { label: Solved, state: 1 }
      columns:
        new_number: { type: String, maxLength: 20 }
        new_urgency: { type: Picklist, choice: new_urgency, empty: 0 }
        new_cost: { type: Money, precision: 4, min: 1, max: 2, empty: 0 }
        new_contactid: { type: Lookup, to: contact, onDelete: Cascade, empty: 0 }
        new_aboutid: { type: Lookup, to: [new_order, new_store] }
      keys: { new_numberkey: [new_number] }
      rows: { perContact: 2, atMost: 15 }
  manyToMany:
    new_ticket_store: { tables: [new_ticket, new_store], rows: 3 }
campaign:
  resources:
    profile:
      fields:
        cusTier: { type: enum, values: { silver: Silver, gold: Gold } }
    cusTicket:
      label: Tickets
      fields:
        cusCrmId: { type: string, length: 36, unique: true }
        cusProfileId: { type: string, length: 100 }
      links:
        cusProfile: { to: profile, join: { cusProfileId: externalId }, cardinality: 1 }
      urlKey: cusCrmId
      filters:
        bycrmid: { restName: crmid, where: { crmid_parameter: cusCrmId } }
        bynewer: { where: { from_parameter: '> lastModified', profile_parameter: cusProfileId } }
`;

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'sandbox-model-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function fileOf(content: string, name = 'model.yaml'): Promise<string> {
  const file = join(await folder(), name);
  await writeFile(file, content);
  return file;
}

async function start(options: SandboxOptions): Promise<{ sandbox: Sandbox; caller: Caller }> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return { sandbox, caller: callerOf(sandbox.ready) };
}

const values = async (caller: Caller, path: string) =>
  list((await caller.dynamics('GET', `${ROOT}${path}`)).json['value']);

describe('a sandbox file', () => {
  it('adds tables with columns, lookups, keys and rows to those that come with the sandbox', async () => {
    const { caller } = await start({ memory: true, contacts: 10, model: await fileOf(TICKETS) });
    const tickets = await values(caller, 'new_tickets?$expand=new_contactid($select=contactid)');
    expect(tickets).toHaveLength(15);
    for (const ticket of tickets) {
      expect(text(ticket['new_title'])).toMatch(/^Ticket \d+$/);
      expect([1, 2]).toContain(Number(ticket['new_urgency']));
      expect(Number(ticket['new_cost'])).toBeGreaterThanOrEqual(1);
      expect(Number(ticket['new_cost'])).toBeLessThanOrEqual(2);
      expect(text(ticket['new_contactid']?.['contactid'])).toMatch(/^[0-9a-f-]{36}$/);
    }
    const byKey = await caller.dynamics('GET', `${ROOT}new_tickets(new_number='3')?$select=new_title`);
    expect(text(byKey.json['new_title'])).toBe('Ticket 3');
    expect(await values(caller, 'new_ticket_storeset')).toHaveLength(3);
    const owner = text(tickets[0]?.['_new_contactid_value']);
    await caller.dynamics('DELETE', `${ROOT}contacts(${owner})`);
    expect(await values(caller, `new_tickets?$filter=_new_contactid_value eq ${owner}`)).toEqual([]);
    expect(await values(caller, 'new_orders')).toHaveLength(10);
  });

  it('adds columns to a table that every organisation has', async () => {
    const { caller } = await start({ memory: true, contacts: 1, model: await fileOf(TICKETS) });
    const [contact] = await values(caller, 'contacts?$select=new_tier');
    const address = `${ROOT}contacts(${text(contact?.['contactid'])})`;
    expect((await caller.dynamics('PATCH', address, { new_tier: 2 })).status).toBe(204);
    expect((await caller.dynamics('PATCH', address, { new_tier: 3 })).status).toBe(400);
  });

  it('adds resources with links, keys and filters, and fields to profiles', async () => {
    const { caller } = await start({ memory: true, contacts: 0, model: await fileOf(TICKETS) });
    await caller.campaign('POST', `${EXT}/profile`, { externalId: 'p', cusTier: 'gold' });
    const ticket = { cusCrmId: 't', cusProfileId: 'p' };
    expect((await caller.campaign('POST', `${EXT}/cusTicket`, ticket)).status).toBe(201);
    expect((await caller.campaign('GET', `${EXT}/cusTicket/t`)).json['cusProfileId']).toBe('p');
    expect((await caller.campaign('POST', `${EXT}/cusTicket`, ticket)).text).toContain('same key');
    const query = 'from_parameter=2020-01-01&profile_parameter=p';
    const newer = await caller.campaign('GET', `${EXT}/cusTicket/bynewer?${query}`);
    expect(list(newer.json['content'])).toHaveLength(1);
    const other = await caller.campaign('GET', `${EXT}/cusTicket/bynewer?${query}x`);
    expect(list(other.json['content'])).toEqual([]);
    const profile = (await caller.campaign('GET', `${EXT}/profile/p`)).json;
    expect([profile['cusTier'], profile['orgUnit']]).toEqual(['gold', null]);
    expect((await caller.campaign('GET', `${EXT}/cusOrder/`)).status).toBe(200);
  });

  it('is good as the guide shows it', async () => {
    const guide = await readFile('docs/guides/sandbox.md', 'utf8');
    const example = /```yaml\n(.*?)```/s.exec(guide)?.[1] ?? '';
    const { caller } = await start({ memory: true, contacts: 10, model: await fileOf(example) });
    expect(await values(caller, 'new_tickets')).toHaveLength(5);
    expect((await caller.campaign('GET', `${EXT}/cusTicket`)).status).toBe(200);
  });

  it('may be JSON, and stand alone', async () => {
    const model = { version: 1, withDefaults: false, dynamics: { tables: { new_thing: { rows: 4 } } } };
    const file = await fileOf(JSON.stringify(model), 'model.json');
    const { caller } = await start({ memory: true, contacts: 0, model: file });
    expect(await values(caller, 'new_things')).toHaveLength(4);
    expect((await caller.dynamics('GET', `${ROOT}new_orders`)).status).toBe(404);
    expect((await caller.campaign('GET', `${EXT}/cusOrder`)).status).toBe(404);
  });

  it('shows in the overview of what there is', async () => {
    const { caller } = await start({ memory: true, contacts: 10, model: await fileOf(TICKETS) });
    const { tables, resources } = (await caller.succeed('GET', 'model')).json;
    expect(tables?.['contact']).toMatchObject({ entitySet: 'contacts', rows: 10 });
    expect(tables?.['new_ticket']).toEqual({
      entitySet: 'new_tickets',
      rows: 15,
      keys: ['new_number'],
      lookups: { new_contactid: ['contact'], new_aboutid: ['new_order', 'new_store'] },
    });
    expect(resources?.['cusTicket']).toEqual({
      path: 'profileAndServicesExt/cusTicket',
      records: 0,
      urlKey: 'cusCrmId',
      uniqueKeys: ['cusCrmId'],
      filters: ['bycrmid', 'bynewer'],
    });
    expect(resources?.['cusStore']).toMatchObject({ path: 'customResources/cusStore' });
  });

  it('leaves the contacts as they would be without it', async () => {
    const ids = async (options: SandboxOptions) => {
      const { caller } = await start({ memory: true, contacts: 20, ...options });
      const contacts = await values(caller, 'contacts?$select=contactid,lastname');
      return contacts.map((contact) => [text(contact['contactid']), text(contact['lastname'])]);
    };
    expect(await ids({ model: await fileOf(TICKETS) })).toEqual(
      await ids({ model: { version: 1, withDefaults: false } }),
    );
  });

  it('is in force again after a reset', async () => {
    const { caller } = await start({ memory: true, contacts: 2, model: await fileOf(TICKETS) });
    await caller.succeed('POST', 'reset', { contacts: 5 });
    caller.forgetTokens();
    expect(await values(caller, 'new_tickets')).toHaveLength(10);
  });
});

describe('a faulty file', () => {
  const faultsOf = async (content: string): Promise<string[]> => {
    const file = await fileOf(content);
    const refused = await startSandbox({ memory: true, model: file }).catch((error: unknown) => error);
    if (!(refused instanceof FaultyModel)) throw new Error('the file was accepted');
    return refused.faults.map((fault) => fault.replace(file, 'file'));
  };

  it('is refused with every fault of its form, each with its line', async () => {
    const faults = await faultsOf(`version: 1
dynamics:
  tables:
    new_a:
      columns:
        new_x: { type: Text }
        new_y: { type: Money, decimals: 2 }
      rows: many
campaign:
  resources:
    order: {}
    cusB:
      filters:
        crmid: { where: { p: cusCrmId } }
`);
    expect(faults).toEqual([
      expect.stringMatching(/^file:6 {2}dynamics\.tables\.new_a\.columns\.new_x\.type: /),
      expect.stringMatching(/^file:7 {2}dynamics\.tables\.new_a\.columns\.new_y: .*"decimals"/),
      expect.stringMatching(/^file:8 {2}dynamics\.tables\.new_a\.rows: /),
      expect.stringMatching(/^file:11 {2}campaign\.resources\.order: cus… is expected/),
      expect.stringMatching(
        /^file:14 {2}campaign\.resources\.cusB\.filters\.crmid: its name begins with `by`/,
      ),
    ]);
  });

  it('is refused with every fault that the systems find', async () => {
    const faults = await faultsOf(`version: 1
dynamics:
  tables:
    ticket: {}
    account: { rows: 3 }
    new_a:
      columns:
        new_pick: { type: Picklist }
        new_long: { type: String, maxLength: 9999 }
        new_size: { type: Integer, max: 5, sample: [6] }
        new_code: { type: String, maxLength: 3, sample: ['C-{n}'] }
        new_ref: { type: Lookup, to: new_nowhere }
      keys: { new_key: [new_gone] }
      rows: 40
campaign:
  resources:
    cusB:
      fields:
        cusKind: { type: enum }
        kind: { type: string }
      links:
        cusC: { to: cusC }
        cusProfile: { to: profile, join: { cusNo: nothing } }
      urlKey: cusKey
      filters:
        bykey: { where: { p: cusKey } }
`);
    expect(faults.map((fault) => fault.split(':').slice(0, 2).join(':')).toSorted()).toEqual(
      [
        'file:4  dynamics.tables.ticket',
        'file:5  dynamics.tables.account.rows',
        'file:8  dynamics.tables.new_a.columns.new_pick',
        'file:9  dynamics.tables.new_a.columns.new_long',
        'file:10  dynamics.tables.new_a.columns.new_size.sample',
        'file:11  dynamics.tables.new_a.columns.new_code.sample',
        'file:12  dynamics.tables.new_a.columns.new_ref',
        'file:13  dynamics.tables.new_a.keys.new_key',
        'file:19  campaign.resources.cusB.fields.cusKind',
        'file:20  campaign.resources.cusB.fields.kind',
        'file:22  campaign.resources.cusB.links.cusC.to',
        'file:23  campaign.resources.cusB.links.cusProfile.join',
        'file:23  campaign.resources.cusB.links.cusProfile.join',
        'file:24  campaign.resources.cusB.urlKey',
        'file:26  campaign.resources.cusB.filters.bykey.where.p',
      ].toSorted(),
    );
  });

  it('is refused where it names what comes with the sandbox', async () => {
    const faults = await faultsOf('version: 1\ndynamics:\n  tables:\n    new_order: {}\n');
    expect(faults).toEqual([expect.stringMatching(/^file:4 {2}dynamics\.tables\.new_order: comes with/)]);
  });

  it('is refused when it is no YAML, and when it is not there', async () => {
    expect(await faultsOf('version: 1\n  a: [')).toEqual(
      expect.arrayContaining([expect.stringMatching(/^file:\d/)]),
    );
    await expect(startSandbox({ memory: true, model: '/nowhere/model.yaml' })).rejects.toThrow(
      '/nowhere/model.yaml cannot be read (ENOENT)',
    );
  });

  it('ends the command with exit status 2, before the data folder is touched', async () => {
    const data = join(await folder(), 'data');
    const file = await fileOf('version: 2\nnonsense: 1\n');
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'src/sandbox/main.ts', '--model', file, '--data', data],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(errors).toMatch(/:1 {2}version: .*\n.*the model: .*"nonsense"/);
    await expect(rm(data, { recursive: true })).rejects.toThrow('ENOENT');
  });
});

describe('a folder that was seeded without these tables', () => {
  it('gets them at the next start, and keeps what it has, change tokens included', async () => {
    const data = await folder();
    const old = await startSandbox({ folder: data, contacts: 7, model: { version: 1, withDefaults: false } });
    const before = callerOf(old.ready);
    const tracked = await before.dynamics('GET', `${ROOT}contacts?$select=lastname`, undefined, {
      prefer: 'odata.track-changes',
    });
    await before.campaign('POST', `${EXT}/profile`, { externalId: 'kept' });
    await old.close();

    const { caller } = await start({ folder: data, contacts: 900 });
    expect(await values(caller, 'contacts?$select=contactid')).toHaveLength(7);
    expect(await values(caller, 'new_orders')).toHaveLength(7);
    expect((await caller.campaign('GET', `${EXT}/profile/kept`)).json['orgUnit']).toBeNull();
    expect((await caller.campaign('POST', `${EXT}/cusOrder`, { cusCrmId: 'o' })).status).toBe(201);
    const link = new URL(text(tracked.json['@odata.deltaLink']));
    const delta = await caller.dynamics('GET', `${link.pathname}${link.search}`);
    expect([delta.status, list(delta.json['value'])]).toEqual([200, []]);
  });

  it('gets what a model has more than the one before', async () => {
    const data = await folder();
    await (await startSandbox({ folder: data, contacts: 4 })).close();
    const { caller } = await start({ folder: data, model: await fileOf(TICKETS) });
    expect(await values(caller, 'new_tickets')).toHaveLength(8);
    expect(await values(caller, 'contacts?$select=new_tier')).toHaveLength(4);
    expect((await caller.campaign('POST', `${EXT}/profile`, { cusTier: 'gold' })).status).toBe(201);
  });

  it('does not get back what was deleted since', async () => {
    const data = await folder();
    const first = await startSandbox({ folder: data, contacts: 3 });
    const before = callerOf(first.ready);
    const gone = await before.dynamics('DELETE', `${ROOT}EntityDefinitions(LogicalName='new_subscription')`);
    const row = text((await values(before, 'new_orders?$top=1'))[0]?.['new_orderid']);
    await before.dynamics('DELETE', `${ROOT}new_orders(${row})`);
    await first.close();

    const { caller } = await start({ folder: data });
    expect(gone.status).toBe(204);
    expect((await caller.dynamics('GET', `${ROOT}new_subscriptions`)).status).toBe(404);
    expect(await values(caller, 'new_orders')).toHaveLength(2);
  });

  it('keeps a table and a resource of the same name that somebody else made', async () => {
    const data = await folder();
    const old = await startSandbox({ folder: data, contacts: 3, model: { version: 1, withDefaults: false } });
    const before = callerOf(old.ready);
    const label = (words: string) => ({ LocalizedLabels: [{ Label: words, LanguageCode: 1033 }] });
    const made = await before.dynamics('POST', `${ROOT}EntityDefinitions`, {
      SchemaName: 'new_store',
      DisplayName: label('Mine'),
      Attributes: [{ SchemaName: 'new_title', IsPrimaryName: true, DisplayName: label('Title') }],
    });
    const cusOrder = {
      name: 'cusOrder',
      schema: 'cus:cusOrder',
      label: 'Mine',
      endpoints: ['customResources'],
    };
    await before.succeed('PUT', 'data-model', {
      resources: [{ ...cusOrder, fields: { cusMine: { type: 'string', label: 'Mine', length: 9 } } }],
    });
    await old.close();

    const { caller } = await start({ folder: data });
    expect(made.status).toBe(204);
    expect((await caller.dynamics('GET', `${ROOT}new_stores?$select=new_title`)).status).toBe(200);
    expect((await caller.dynamics('GET', `${ROOT}new_stores?$select=new_code`)).status).toBe(400);
    const mine = (await caller.campaign('GET', '/customResources/resourceType/cusOrder')).json;
    expect(Object.keys(mine['content'] ?? {})).not.toContain('cusCrmId');
    expect(await values(caller, 'new_orders')).toHaveLength(3);
  });
});
