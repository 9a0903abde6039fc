import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { updates, type HeldDeletions } from '../../src/contracts.js';
import { exampleDocument } from '../support/mapping-document.js';
import { flow, startStack, type Stack } from '../support/stack.js';

const CONTACTS = 40;
const document = exampleDocument.replace('share: 10%, atLeast: 50', 'share: 10%, atLeast: 5');
let stack: Stack;
let mapped: string[];

beforeEach(async () => {
  stack = await startStack({ temporalAddress: inject('temporalAddress'), contacts: CONTACTS, document });
  await stack.sync();
  mapped = (await stack.systems.profiles.all()).map((profile) => profile.externalId);
}, 60_000);
afterEach(() => stack.stop(), 60_000);

const externalIds = async () => (await stack.systems.profiles.all()).map((profile) => profile.externalId);
async function deleteContacts(count: number): Promise<string[]> {
  const ids = mapped.splice(0, count);
  for (const id of ids) await stack.systems.contacts.remove(id);
  await stack.sync();
  return ids;
}
async function shown(): Promise<HeldDeletions> {
  const { out } = await stack.starter('deletions', 'show', 'contact', '--json');
  return (JSON.parse(out) as { held: HeldDeletions }).held;
}

describe('deletions beyond the share', () => {
  test('are held and told, while everything else goes on', async () => {
    const few = await deleteContacts(4);
    expect(await externalIds()).not.toEqual(expect.arrayContaining(few));
    const many = await deleteContacts(6);
    const created = await stack.systems.contacts.create({ lastname: 'Goes on' });
    expect(await stack.sync()).toMatchObject({ outcome: 'waiting' });

    expect(await externalIds()).toEqual(expect.arrayContaining([...many, created]));
    expect(await stack.status()).toMatchObject({ outcome: 'waiting', now: { held: 6 } });
    expect((await shown()).ids).toEqual(many.toSorted());
  }, 60_000);

  test('go when a person approves the very set they have seen, and count for no brake', async () => {
    const held = await deleteContacts(8);
    const set = await shown();
    const more = await deleteContacts(6);
    const named = ['--version', String(set.version), '--count', String(set.count)];
    const outdated = await stack.starter('deletions', 'approve', 'contact', ...named);
    expect(outdated).toMatchObject({ status: 1, out: '' });
    expect(outdated.error).toMatch(/^HELD_SET_CHANGED: .*14 of version \d+/);
    expect(await externalIds()).toEqual(expect.arrayContaining(held));

    expect(await stack.starter('deletions', 'approve', 'contact')).toMatchObject({ status: 0 });
    expect(await stack.sync()).toMatchObject({ outcome: 'in-sync' });
    const left = await externalIds();
    for (const id of [...held, ...more]) expect(left).not.toContain(id);
    expect(await stack.status()).toMatchObject({ deleted: 14, held: 0, now: { held: 0 } });

    const next = await deleteContacts(2);
    expect(await externalIds()).not.toEqual(expect.arrayContaining(next));
    expect((await stack.status()).now.held).toBe(0);
  }, 60_000);

  test('can be approved by the update, with the set’s name only', async () => {
    await deleteContacts(8);
    const { version, count } = await shown();
    await stack.starter('pause', flow);
    const run = stack.client.workflow.getHandle(flow);
    await expect(run.executeUpdate(updates.approveDeletions, { args: [{}] })).rejects.toThrow(
      'Workflow Update failed',
    );
    await expect(
      run.executeUpdate(updates.approveDeletions, { args: [{ version, count: count - 1 }] }),
    ).rejects.toThrow('Workflow Update failed');
    expect((await shown()).count).toBe(count);
    await run.executeUpdate(updates.approveDeletions, { args: [{ version, count }] });
    expect((await shown()).count).toBe(0);
    await stack.starter('resume', flow);
    await stack.sync();
    expect(await externalIds()).toHaveLength(mapped.length);
  }, 60_000);

  test('that are discarded leave the Campaign records, which are ours no longer', async () => {
    const held = await deleteContacts(8);
    expect(await stack.starter('deletions', 'discard', 'contact')).toMatchObject({ status: 0 });
    await stack.resync('verify');
    expect(await externalIds()).toEqual(expect.arrayContaining(held));
    expect(await stack.status()).toMatchObject({ now: { managed: mapped.length, held: 0 } });
  }, 60_000);

  test('of rows that reappear are held no longer', async () => {
    const filtered = `${document}    filters: { where: [{ field: statecode, is: equal, value: 0 }], deleteFilteredOut: true }\n`;
    await stack.apply(filtered);
    await stack.sync();
    const ids = (await externalIds()).slice(0, 8);
    const before = (await stack.status()).now.held;
    for (const id of ids) await stack.systems.contacts.update(id, { statecode: 1 });
    await stack.sync();
    expect((await stack.status()).now.held).toBe(before + 8);
    for (const id of ids.slice(0, 3)) await stack.systems.contacts.update(id, { statecode: 0 });
    await stack.sync();
    expect((await stack.status()).now.held).toBe(before + 5);
    expect(await externalIds()).toEqual(expect.arrayContaining(ids));
  }, 60_000);

  test('are not approved twice, nor for a table that is not mapped', async () => {
    expect(await stack.starter('deletions', 'approve', 'contact')).toMatchObject({
      status: 0,
      out: 'No deletions of contact are held.\n',
    });
    expect(await stack.starter('deletions', 'approve', 'lead')).toMatchObject({ status: 2 });
    expect(await stack.starter('deletions', 'forget', 'contact')).toMatchObject({ status: 2 });
  }, 60_000);
});
