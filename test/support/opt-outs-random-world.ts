import {
  FLAGS,
  faults,
  flagNames,
  type Event,
  type Flag,
  type History,
  type Side,
} from './opt-outs-random-history.js';
import { endFaults, expected, observe, type Known, type Observed } from './opt-outs-random-model.js';
import type { Stack } from './stack.js';
import type { ParkedRowView } from '../../src/contracts.js';
import type { Profile } from './systems.js';

export const CONTACT = 'ingress/contact';
export const OPT_OUT = 'opt-out';

/** A history as far as it has been played, with what its users know. */
export interface World {
  stack: Stack;
  history: History;
  ids: string[];
  /** By contact id and flag. */
  known: Map<string, Known>;
  /** Contacts whose profile was made, doubled or deleted since both sides agreed. */
  unsettled: Set<string>;
  /** Nothing but undisturbed polls since both sides agreed: what comes of the next one can be told. */
  isExact: boolean;
  polling: Promise<unknown>;
  names: number;
  /** What was not as it must be after a poll. */
  wrong: string[];
  /** Kills the worker so long after now, and starts another. */
  kill(afterMs: number): Promise<void>;
  /** Contacts that wait because a call was not answered need not wait any longer. */
  timePasses(): Promise<void>;
}

export function knownOf({ known }: World, contactId: string, flag: Flag): Known {
  const name = `${contactId}/${flag}`;
  const found = known.get(name) ?? { changedOn: new Set<Side>() };
  known.set(name, found);
  return found;
}

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
      return stack.restartWorker();
    case 'kill':
      await poll(world, false);
      return world.kill(event.afterMs);
    case 'pass':
      return stack.systems.sandbox.advance(event.duration);
    default:
      return change(world, event);
  }
}

type Change = Exclude<Event, { kind: 'poll' | 'settle' | 'fault' | 'resync' | 'restart' | 'kill' | 'pass' }>;

async function change(world: World, event: Change): Promise<void> {
  const { contacts, profiles, sandbox } = world.stack.systems;
  // Users of the two systems do not meet the service's faults. Times are told in seconds.
  await sandbox.clearFaults();
  await sandbox.advance('PT3S');
  if (event.kind === 'create-contact') {
    const columns = event.optedOut.map((flag) => [FLAGS[flag].column, !FLAGS[flag].inverse]);
    const id = await contacts.create({
      lastname: name(world),
      followemail: true,
      ...Object.fromEntries(columns),
    });
    world.ids.push(id);
    world.unsettled.add(id);
    for (const flag of event.optedOut) changed(world, id, flag, 'dynamics', true);
    return;
  }
  const id = at(world, event.contact);
  if (id === undefined) return;
  switch (event.kind) {
    case 'flag':
      for (const optedOut of event.to) await setFlag(world, id, event.flag, event.side, optedOut);
      return;
    case 'edit':
      if (event.side === 'dynamics') return contacts.update(id, { nickname: name(world) });
      await onProfile(world, id, (profile) => profiles.update(profile, { salutation: name(world) }));
      return;
    case 'delete-contact':
      world.ids = world.ids.filter((each) => each !== id);
      return contacts.remove(id);
    case 'delete-profile':
      await onProfile(world, id, async (profile) => {
        await profiles.remove(profile);
        profileGone(world, id);
      });
      return;
    case 'double-profile':
      await onProfile(world, id, async () => {
        await profiles.create({ externalId: id, lastName: name(world) });
        world.unsettled.add(id);
      });
      return;
    case 'single-profile': {
      const [first, second] = await profilesOf(world, id);
      if (!first || !second) return;
      await profiles.remove(event.first ? first : second);
      world.unsettled.add(id);
      if (!event.first) return;
      profileGone(world, id);
      // The other's flags were set by nobody.
      for (const flag of flagNames) knownOf(world, id, flag).changedOn.add('campaign');
      return;
    }
    case 'merge': {
      const into = at(world, event.into);
      if (into === undefined || into === id) return;
      const rows = await contacts.all(['contactid', 'statecode']);
      const areActive =
        rows.filter(({ contactid, statecode }) => [id, into].includes(String(contactid)) && statecode === 0)
          .length === 2;
      return areActive ? contacts.merge(into, id) : undefined;
    }
  }
}

/** What was said on a profile that is gone, and was not seen by then, is gone with it. */
function profileGone(world: World, id: string): void {
  world.unsettled.add(id);
  for (const flag of flagNames) {
    const known = knownOf(world, id, flag);
    if (known.last?.side === 'campaign' && known.changedOn.has('campaign')) delete known.last;
  }
}

const at = ({ ids }: World, place: number): string | undefined =>
  ids.length === 0 ? undefined : ids.at(-1 - (place % ids.length));

function name(world: World): string {
  world.names += 1;
  return `Name ${world.names}`;
}

const profilesOf = async ({ stack }: World, id: string): Promise<Profile[]> =>
  (await stack.systems.profiles.all()).filter(({ externalId }) => externalId === id);

/** Does something to the one profile of a contact, if it has one. While a poll is under way, Campaign's users wait: see the guide, "one-call window". */
async function onProfile(world: World, id: string, work: (profile: Profile) => Promise<void>): Promise<void> {
  await world.polling;
  const [profile, second] = await profilesOf(world, id);
  if (profile && !second) await work(profile);
}

async function setFlag(world: World, id: string, flag: Flag, side: Side, optedOut: boolean): Promise<void> {
  const { contacts, profiles, sandbox } = world.stack.systems;
  const { column, inverse } = FLAGS[flag];
  await sandbox.advance('PT3S');
  if (side === 'campaign') {
    return onProfile(world, id, async (profile) => {
      if ((profile[flag] === true) === optedOut) return;
      const isUnseen = FLAGS[flag].stamp === undefined && knownOf(world, id, flag).changedOn.has('campaign');
      // Without a stamp nobody can tell that it was changed and changed back.
      if (isUnseen) return;
      await profiles.update(profile, { [flag]: optedOut });
      changed(world, id, flag, side, optedOut);
    });
  }
  const row = (await contacts.all(['contactid', column])).find(({ contactid }) => contactid === id);
  const wanted = optedOut !== inverse;
  if (!row || row[column] === wanted) return;
  await contacts.update(id, { [column]: wanted });
  changed(world, id, flag, side, optedOut);
}

function changed(world: World, id: string, flag: Flag, side: Side, optedOut: boolean): void {
  const known = knownOf(world, id, flag);
  known.last = { side, optedOut };
  known.changedOn.add(side);
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
