import type { ParkedRowView } from '../../src/contracts.js';
import { faults, flagNames, type Event } from './opt-outs-random-history.js';
import { endFaults, expected, observe, type Observed } from './opt-outs-random-model.js';
import { change, knownOf, type World } from './opt-outs-random-world.js';
import type { Stack } from './stack.js';

export const CONTACT = 'ingress/contact';
export const OPT_OUT = 'opt-out';

export async function play(world: World, event: Event): Promise<void> {
  const { stack } = world;
  switch (event.kind) {
    case 'poll':
      return poll(world, event.waits);
    case 'settle':
      return settle(world);
    case 'fault':
      world.isExact = false;
      return stack.systems.sandbox.faults(faults[event.fault] ?? []);
    case 'resync':
      world.isExact = false;
      return void (await stack.starter('resync', event.flow));
    case 'restart':
      world.isExact = false;
      return world.restart();
    case 'kill':
      await poll(world, false);
      return world.kill(event.afterMs);
    case 'pass':
      return stack.systems.sandbox.advance(event.duration);
    default:
      return change(world, event);
  }
}

async function runFlows({ stack }: World): Promise<string[]> {
  const ends = [...(await stack.syncAll([CONTACT])), ...(await stack.syncAll([OPT_OUT]))];
  return ends
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ flow, error }) => `${flow} ${error?.code}`);
}

async function poll(world: World, waits: boolean): Promise<void> {
  const { stack, history } = world;
  await world.polling;
  if (!waits || !world.isExact) {
    world.isExact = false;
    world.polling = runFlows(world);
    if (waits) await world.polling;
    return;
  }
  const before = await observe(stack.systems, history.aheadSeconds);
  world.wrong.push(...(await runFlows(world)));
  const after = await observe(stack.systems, history.aheadSeconds);
  world.wrong.push(...unexpected(world, before, after));
  noteAgreements(world, after);
}

function unexpected(world: World, before: Observed, after: Observed): string[] {
  const { direction } = world.history;
  return [...before].flatMap(([id, flags]) =>
    flagNames.flatMap((flag) => {
      const now = after.get(id)?.[flag];
      if (world.unsettled.has(id) || !now) return [];
      const known = knownOf(world, id, flag);
      const value = expected(known, flags[flag], world.history);
      const isOpen = value === undefined && (direction !== 'bidirectional' || now.dynamics === now.campaign);
      if (isOpen || (now.dynamics === value && now.campaign === value)) return [];
      const told = JSON.stringify({ agreed: known.agreed, said: flags[flag], now });
      return [`${id} ${flag}: a poll should have come to ${value ?? 'an agreement'}: ${told}`];
    }),
  );
}

/** Where both sides say the same when nothing is left to do, they agree. */
function noteAgreements(world: World, observed: Observed): void {
  for (const [id, flags] of observed) {
    if (world.unsettled.has(id)) continue;
    for (const flag of flagNames) {
      const said = flags[flag];
      if (said.dynamics !== said.campaign) continue;
      const known = knownOf(world, id, flag);
      known.agreed = said;
      known.changedOn.clear();
    }
  }
}

/** More rounds than anything needs: beyond them something goes round in circles. */
const MOST_ROUNDS = 12;

/** Runs the flows without faults until a round writes nothing and nothing is left to do, but for contacts with two profiles. */
export async function settle(world: World): Promise<void> {
  const { stack, history } = world;
  const { sandbox } = stack.systems;
  await sandbox.clearFaults();
  await world.polling;
  let left: unknown;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    await world.timePasses();
    await sandbox.resetStats();
    left = [await runFlows(world), await writesOf(stack), await leftToDo(world)];
    if (JSON.stringify(left) !== '[[],[],[]]') continue;
    const observed = await observe(stack.systems, history.aheadSeconds);
    world.unsettled = await doubled(world);
    world.isExact = true;
    world.wrong.push(...endFaults(observed, (id, flag) => knownOf(world, id, flag), history));
    noteAgreements(world, observed);
    return;
  }
  throw new Error(`after ${MOST_ROUNDS} rounds there is still something to do: ${JSON.stringify(left)}`);
}

/** Rows that are set aside are tried again; those of contacts with two profiles stay. */
async function leftToDo(world: World): Promise<string[]> {
  const { stack } = world;
  const { out } = await stack.starter('parked', '--json');
  const several = await doubled(world);
  const { parked } = JSON.parse(out) as { parked: ParkedRowView[] };
  const rows = parked.filter(({ id }) => !several.has(id));
  if (rows.length > 0) {
    await stack.starter('redrive');
    if (rows.some(({ code }) => code === 'DUPLICATE_IN_CAMPAIGN')) await stack.starter('resync', 'contact');
  }
  const { due } = (await stack.optOutStatus()).now;
  const isDue = due > parked.length - rows.length;
  return [...rows.map(({ flow, id, code }) => `${flow} ${id} ${code}`), ...(isDue ? [`${due} due`] : [])];
}

/** Contacts with two profiles. */
async function doubled({ stack }: World): Promise<Set<string>> {
  const keys = (await stack.systems.profiles.all()).map(({ externalId }) => externalId);
  return new Set(keys.filter((key, place) => key !== '' && keys.indexOf(key) !== place));
}

/** Calls that write, by their routes. */
export async function writesOf({ systems }: Stack): Promise<string[]> {
  const { dynamics, campaign } = await systems.sandbox.stats();
  return [dynamics, campaign].flatMap(({ byRoute }) =>
    Object.keys(byRoute).filter((route) => /^(?:POST|PATCH|PUT|DELETE) /.test(route)),
  );
}
