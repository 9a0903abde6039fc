import { FLAGS, flagNames, other, type Flag, type History, type Side } from './opt-outs-random-history.js';
import type { Systems } from './systems.js';

/*
 * What must come of the flags, written from the rules alone (DESIGN §9): it knows what users did and what both systems said at each
 * poll, and nothing of how the product works.
 */

/** What the two systems say of one flag; `true` is opted out. */
export interface Said {
  dynamics: boolean;
  campaign: boolean;
  /** When the contact was last changed, and its version. */
  dynamicsAt: number;
  version: string;
  /** When Campaign's flag was last changed, by Campaign's clock; Campaign keeps none for some. */
  campaignAt: number | undefined;
}
/** By contact and flag. Contacts with one profile only: of the others nothing is promised. */
export type Observed = Map<string, Record<Flag, Said>>;

export async function observe(systems: Systems, aheadSeconds: number): Promise<Observed> {
  const columns = Object.values(FLAGS).map(({ column }) => column);
  const [contacts, profiles] = await Promise.all([
    systems.contacts.all(['contactid', 'modifiedon', 'versionnumber', ...columns]),
    systems.profiles.all(),
  ]);
  const observed: Observed = new Map();
  for (const contact of contacts) {
    const id = String(contact.contactid);
    const [profile, second] = profiles.filter(({ externalId }) => externalId === id);
    if (!profile || second) continue;
    const of = (flag: Flag): Said => {
      const { column, inverse, stamp } = FLAGS[flag];
      const at = stamp && Date.parse(String(profile[stamp]).replace(' ', 'T'));
      return {
        dynamics: (contact[column] === true) !== inverse,
        campaign: profile[flag] === true,
        dynamicsAt: Date.parse(String(contact.modifiedon)),
        version: String(contact.versionnumber),
        campaignAt: at === undefined || Number.isNaN(at) ? undefined : at + aheadSeconds * 1000,
      };
    };
    observed.set(id, {
      blackListEmail: of('blackListEmail'),
      blackListPhone: of('blackListPhone'),
      blackListPushnotification: of('blackListPushnotification'),
    });
  }
  return observed;
}

/** What is known of one flag of one contact. */
export interface Known {
  /** The value that both had when nothing was left to do; absent when there was no such moment yet, or it does not count any more. */
  agreed?: Said;
  /** The last change that a user made, on whichever side, and whether the other side had one since both agreed. */
  last?: { side: Side; optedOut: boolean };
  /** Sides that a user has changed the flag on since both agreed. */
  changedOn: Set<Side>;
}

const TOLERANCE_MS = 5 * 60_000;

/** What both sides must say after a poll that nothing disturbs; undefined where the rules leave it open, or leave both as they are. */
export function expected(
  { agreed }: Known,
  said: Said,
  { direction, rule }: Pick<History, 'direction' | 'rule'>,
): boolean | undefined {
  if (said.dynamics === said.campaign) return said.dynamics;
  if (!agreed) return undefined;
  if (direction !== 'bidirectional') {
    const source: Side = direction === 'dynamics-to-campaign' ? 'dynamics' : 'campaign';
    return said[source] === agreed.dynamics ? undefined : said[source];
  }
  if (rule === 'adobe')
    return said.campaignAt !== undefined && said.campaignAt > said.dynamicsAt ? said.campaign : true;
  const changed: Side = said.dynamics === agreed.dynamics ? 'campaign' : 'dynamics';
  if (said[changed]) return true;
  const opposite = other(changed);
  const isTouched =
    opposite === 'dynamics'
      ? said.version !== agreed.version
      : said.campaignAt !== undefined && said.campaignAt !== agreed.campaignAt;
  // An opt-in that Campaign keeps no time of is never newer.
  if (changed === 'campaign' && said.campaignAt === undefined) return isTouched ? true : undefined;
  if (opposite === 'campaign' && said.campaignAt === undefined) return false;
  const [inAt, outAt] =
    changed === 'dynamics'
      ? [said.dynamicsAt, said.campaignAt ?? 0]
      : [said.campaignAt ?? 0, said.dynamicsAt];
  if (outAt + TOLERANCE_MS < inAt) return false;
  return isTouched ? true : undefined;
}

/** What is not as it must be at a moment when nothing is left to do. */
export function endFaults(
  observed: Observed,
  known: (contactId: string, flag: Flag) => Known,
  { direction, rule, aheadSeconds }: Omit<History, 'events'>,
): string[] {
  return [...observed].flatMap(([id, flags]) =>
    flagNames.flatMap((flag) => {
      const { agreed, last, changedOn } = known(id, flag);
      const said = flags[flag];
      const told = (what: string): string =>
        `${id} ${flag}: ${what}; said ${JSON.stringify(said)}, agreed ${JSON.stringify(agreed)}, last ${JSON.stringify(last)}`;
      if (direction === 'bidirectional') {
        if (said.dynamics !== said.campaign) return [told('the two differ')];
        // By the adobe rule a later time wins, whichever clock it is of.
        const isSure = rule === 'three-way' || aheadSeconds === 0;
        return isSure && last?.optedOut === true && !said.dynamics ? [told('an opt-out is undone')] : [];
      }
      const source: Side = direction === 'dynamics-to-campaign' ? 'dynamics' : 'campaign';
      // Only what changes at the source travels: what was said at the target since is its own.
      if (changedOn.has(other(source)) || said.dynamics === said.campaign) return [];
      if (agreed) return [told('the target has not followed')];
      return said[source] ? [told('an opt-out has not travelled')] : [];
    }),
  );
}
