import {
  FLAGS,
  flagNames,
  type Event,
  type Flag,
  type History,
  type Side,
} from './opt-outs-random-history.js';
import type { Known } from './opt-outs-random-model.js';
import type { Stack } from './stack.js';
import type { Profile } from './systems.js';

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
  restart(): Promise<void>;
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

/** What users of the two systems do. */
export type Change = Exclude<
  Event,
  { kind: 'poll' | 'settle' | 'fault' | 'resync' | 'restart' | 'kill' | 'pass' }
>;

export async function change(world: World, event: Change): Promise<void> {
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
      return onProfile(world, id, (profile) => profiles.update(profile, { salutation: name(world) }));
    case 'delete-contact':
      world.ids = world.ids.filter((each) => each !== id);
      return contacts.remove(id);
    case 'delete-profile':
      return onProfile(world, id, async (profile) => {
        await profiles.remove(profile);
        profileGone(world, id);
      });
    case 'replace-profile':
      return onProfile(world, id, async (profile) => {
        await profiles.remove(profile);
        await profiles.create({ externalId: id, lastName: name(world) });
        replaced(world, id);
      });
    case 'double-profile':
      return onProfile(world, id, async () => {
        await profiles.create({ externalId: id, lastName: name(world) });
        world.unsettled.add(id);
      });
    case 'single-profile': {
      const [first, second] = await profilesOf(world, id);
      if (!first || !second) return;
      await profiles.remove(event.first ? first : second);
      world.unsettled.add(id);
      if (event.first) replaced(world, id);
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

/** Its flags were set by nobody. Where Campaign keeps no time of a flag that cannot be told from an opt-in. */
function replaced(world: World, id: string): void {
  profileGone(world, id);
  for (const flag of flagNames) {
    const known = knownOf(world, id, flag);
    known.changedOn.add('campaign');
    if (FLAGS[flag].stamp === undefined) delete known.last;
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
