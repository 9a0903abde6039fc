import { expect, test } from 'vitest';
import type { Feed, Ledger, Position, RowOutcome } from '../../src/ledger/store.js';
import { at, onBothBackends, prints, take } from './backends.js';

const created = (sourceId: string): RowOutcome => ({
  sourceId,
  outcome: 'created',
  accepted: prints(sourceId),
});
const led = (sourceId: string, parent: string, hides = true): RowOutcome => ({
  ...created(sourceId),
  leads: [{ parent, hides }],
});
const following: Position = at('following');

/** A parent `p` and another, `q`, with a child `x` that leads to `p`; both feeds held. */
async function family(ledger: Ledger, freshFlow: () => string) {
  const [parents, children] = [freshFlow(), freshFlow()];
  const parent = await ledger.commitPage(
    await take(ledger, parents),
    [created('p'), created('q')],
    following,
  );
  const child = await ledger.commitPage(
    await take(ledger, children),
    [led('x', `${parents}:p`), created('y')],
    following,
  );
  return { parents, children, parent, child };
}
const calls = (ledger: Ledger, flow: string) => ledger.called(flow, { after: '', limit: 9 });
const idsCalled = async (ledger: Ledger, flow: string) =>
  (await calls(ledger, flow)).map(({ sourceId }) => sourceId);

onBothBackends('a record that leaves', (under) => {
  test('calls those that lead to it, once, and tells whom it waits for', async () => {
    const { ledger, freshFlow } = under();
    const { children, parent, child } = await family(ledger, freshFlow);
    expect(await ledger.leave(parent, ['p', 'q'], [children])).toEqual({
      held: new Set(),
      awaited: [children],
    });
    expect(await idsCalled(ledger, children)).toEqual(['x']);
    expect((await ledger.records(parent.flow, ['p'])).get('p')).toMatchObject({
      state: 'managed',
      leaving: true,
    });

    const answered = await calls(ledger, children);
    await ledger.leave(parent, ['p'], [children]);
    expect(await calls(ledger, children)).toEqual(answered);
    await ledger.commitPage(child, [{ sourceId: 'x', outcome: 'deleted' }], following, answered);
    expect(await ledger.leave(parent, ['p', 'q'], [children])).toEqual({ held: new Set(), awaited: [] });
    expect(await idsCalled(ledger, children)).toEqual([]);
  });

  test('waits only for the flows that Campaign ties to it', async () => {
    const { ledger, freshFlow } = under();
    const { children, parent } = await family(ledger, freshFlow);
    expect(await ledger.leave(parent, ['p'], ['another'])).toEqual({ held: new Set(), awaited: [] });
    expect(await idsCalled(ledger, children)).toEqual([]);
  });

  test('cannot go while the deletion of one that leads to it is held', async () => {
    const { ledger, freshFlow } = under();
    const { children, parent, child } = await family(ledger, freshFlow);
    const held = await ledger.commitPage(child, [{ sourceId: 'x', outcome: 'held' }], following);
    expect(await ledger.leave(parent, ['p', 'q'], [children])).toEqual({
      held: new Set(['p']),
      awaited: [],
    });
    const kept = await ledger.commitPage(
      parent,
      [{ sourceId: 'p', outcome: 'held', leaving: true }],
      following,
    );
    expect((await ledger.records(parent.flow, ['p'])).get('p')).toMatchObject({ leaving: true });
    expect(await ledger.heldSet(parent.flow)).toMatchObject({ count: 1, behindChildren: 1 });
    expect((await ledger.heldSet(children)).behindChildren).toBeUndefined();
    const due = () => ledger.deletionsDue(parent.flow, { after: '', limit: 9 });
    expect(await due()).toEqual([]);
    await ledger.approveHeld(children, await ledger.heldSet(children));
    expect(await due()).toEqual(['p']);
    await ledger.commitPage(held, [{ sourceId: 'x', outcome: 'deleted' }], following);
    expect(await ledger.leave(kept, ['p'], [children])).toEqual({ held: new Set(), awaited: [] });
  });

  test('stays held, and takes children again, when the deletion it waits for is discarded', async () => {
    const { ledger, freshFlow } = under();
    const { parents, children, parent, child } = await family(ledger, freshFlow);
    await ledger.leave(parent, ['p'], [children]);
    const waiting = { code: 'PARENT_MISSING', waitsFor: `${parents}:p` };
    await ledger.commitPage(
      child,
      [
        { sourceId: 'x', outcome: 'held' },
        { sourceId: 'y', outcome: 'parked', fault: waiting },
      ],
      following,
    );
    await ledger.commitPage(parent, [{ sourceId: 'p', outcome: 'held', leaving: true }], following);
    await ledger.discardHeld(children, await ledger.heldSet(children));
    const record = (await ledger.records(parents, ['p'])).get('p');
    expect(record).toMatchObject({ state: 'held', managed: true });
    expect(record?.leaving).toBeUndefined();
    expect(await ledger.dueParked(children, { after: '', limit: 9 })).toEqual(['y']);
    expect(await ledger.deletionsDue(parents, { after: '', limit: 9 })).toEqual([]);
  });

  test('takes no new children, but names itself to those that would come', async () => {
    const { ledger, freshFlow } = under();
    const { parents, children, parent, child } = await family(ledger, freshFlow);
    await ledger.leave(parent, ['p'], [children]);
    const lead = (id: string) => ({ parent: `${parents}:${id}`, hides: true });
    const refused = await ledger.noteLeads(child, [
      { sourceId: 'y', leads: [lead('p')] },
      { sourceId: 'z', leads: [lead('q')] },
      { sourceId: 'unborn', leads: [lead('q'), lead('nobody')] },
    ]);
    expect(refused).toEqual(
      new Map([
        ['y', `${parents}:p`],
        ['unborn', `${parents}:nobody`],
      ]),
    );
    expect(await ledger.leads(children, ['x', 'y', 'z', 'unborn'])).toEqual(
      new Map([
        ['x', [lead('p')]],
        ['z', [lead('q')]],
      ]),
    );
  });

  test('calls a row that was led to it while nobody knew', async () => {
    const { ledger, freshFlow } = under();
    const { parents, children, parent, child } = await family(ledger, freshFlow);
    await ledger.leave(parent, ['q'], [children]);
    await ledger.commitPage(child, [led('y', `${parents}:q`), led('x', `${parents}:p`)], following);
    expect(await idsCalled(ledger, children)).toEqual(['y']);
  });

  test('and stays after all, calls them again and frees those that wait for it', async () => {
    const { ledger, freshFlow } = under();
    const { parents, children, parent, child } = await family(ledger, freshFlow);
    await ledger.leave(parent, ['p', 'q'], [children]);
    await ledger.commitPage(
      child,
      [{ sourceId: 'y', outcome: 'parked', fault: { code: 'PARENT_MISSING', waitsFor: `${parents}:q` } }],
      following,
      await calls(ledger, children),
    );
    const stayed = await ledger.commitPage(
      parent,
      [
        { sourceId: 'p', outcome: 'filtered' },
        { sourceId: 'q', outcome: 'held' },
      ],
      following,
    );
    expect(stayed.released).toEqual([children]);
    expect(await idsCalled(ledger, children)).toEqual(['x']);
    expect(await ledger.dueParked(children, { after: '', limit: 9 })).toEqual(['y']);
    expect((await ledger.records(parents, ['p'])).get('p')?.leaving).toBeUndefined();
  });

  test('is no parent that a parked child could be freed for', async () => {
    const { ledger, freshFlow } = under();
    const { parents, children, parent, child } = await family(ledger, freshFlow);
    const waiting = (sourceId: string, id: string): RowOutcome => ({
      sourceId,
      outcome: 'parked',
      fault: { code: 'PARENT_MISSING', waitsFor: `${parents}:${id}` },
    });
    await ledger.leave(parent, ['p'], [children]);
    await ledger.commitPage(child, [waiting('u', 'p'), waiting('v', 'q')], following);
    expect(await ledger.dueParked(children, { after: '', limit: 9 })).toEqual(['v']);
  });
});

onBothBackends('a link', (under) => {
  const leadsOf = async (ledger: Ledger, { flow }: Feed) =>
    [...(await ledger.leads(flow, ['x'])).values()].flat().map(({ parent }) => parent.split(':')[1]);

  test('is what was last accepted, and both while an answer is open', async () => {
    const { ledger, freshFlow } = under();
    const { parents, child } = await family(ledger, freshFlow);
    await ledger.noteLeads(child, [{ sourceId: 'x', leads: [{ parent: `${parents}:q`, hides: true }] }]);
    expect(await leadsOf(ledger, child)).toEqual(['p', 'q']);
    const moved = await ledger.commitPage(child, [led('x', `${parents}:q`)], following);
    expect(await leadsOf(ledger, child)).toEqual(['q']);
    const parked = { sourceId: 'x', outcome: 'parked', fault: { code: 'TEXT_TOO_LONG' } } as const;
    const stays = await ledger.commitPage(moved, [parked], following);
    expect(await leadsOf(ledger, child)).toEqual(['q']);
    await ledger.commitPage(stays, [{ ...created('x'), outcome: 'updated', leads: [] }], following);
    expect(await leadsOf(ledger, child)).toEqual([]);
  });

  test('goes with its record, which is a deletion under whatever outcome', async () => {
    const { ledger, freshFlow } = under();
    const { child } = await family(ledger, freshFlow);
    await ledger.commitPage(
      child,
      [{ sourceId: 'x', outcome: 'parked', fault: { code: 'PARENT_MISSING' }, removed: true }],
      following,
    );
    expect(await leadsOf(ledger, child)).toEqual([]);
    expect((await ledger.records(child.flow, ['x'])).get('x')).toMatchObject({
      state: 'parked',
      managed: false,
    });
    expect(await ledger.deletionWindow(child.flow)).toMatchObject({ deleted: 1 });
    expect((await ledger.summary(child.flow)).now).toMatchObject({ managed: 1, parked: 1 });
  });

  test('that is lost leaves the record ours, of which nothing is known', async () => {
    const { ledger, freshFlow } = under();
    const { child } = await family(ledger, freshFlow);
    await ledger.commitPage(child, [{ sourceId: 'x', outcome: 'filtered', forgotten: true }], following);
    expect(await leadsOf(ledger, child)).toEqual([]);
    const record = (await ledger.records(child.flow, ['x'])).get('x');
    expect(record).toMatchObject({ state: 'filtered', managed: true });
    expect([record?.full, record?.following]).toEqual([undefined, undefined]);
  });
});

onBothBackends('a call', (under) => {
  test('is answered by a page that is whole, and only if it has not come again', async () => {
    const { ledger, freshFlow } = under();
    const { children, parent, child } = await family(ledger, freshFlow);
    await ledger.leave(parent, ['p'], [children]);
    const first = await calls(ledger, children);
    await ledger.commitPage(child, [], undefined, first);
    expect(await calls(ledger, children)).toEqual(first);

    const stays = await ledger.commitPage(parent, [{ sourceId: 'p', outcome: 'filtered' }], following);
    const again = await calls(ledger, children);
    expect(again[0]?.number).toBeGreaterThan(first[0]?.number ?? Infinity);
    const late = await ledger.commitPage(child, [], following, first);
    expect(await calls(ledger, children)).toEqual(again);
    await ledger.commitPage(late, [], following, again);
    expect(await ledger.isCalled(children, 'x')).toBe(false);
    await ledger.leave(stays, ['p'], [children]);
    expect(await ledger.isCalled(children, 'x')).toBe(true);
  });
});
