import { exampleDocument } from './mapping-document.js';
import type { Systems } from './systems.js';

/** The example's tables with opt-outs of email and phone, and of "follow email", whose true means the opposite. */
export const optOutDocument = (more = 'direction: bidirectional'): string => `${exampleDocument}
optOut:
  ${more}
  flags:
    - { dynamics: donotemail, campaign: blackListEmail }
    - { dynamics: donotphone, campaign: blackListPhone }
    - { dynamics: followemail, campaign: blackListFax, inverse: true }
`;

export const FLAGS = {
  blackListEmail: { column: 'donotemail', inverse: false },
  blackListPhone: { column: 'donotphone', inverse: false },
  blackListFax: { column: 'followemail', inverse: true },
} as const;
export type Flag = keyof typeof FLAGS;

/** What both systems say of every contact that has a profile: `true` is opted out. */
export async function flagsOfBoth(
  systems: Systems,
): Promise<Map<string, Record<Flag, { dynamics: boolean; campaign: boolean }>>> {
  const columns = Object.values(FLAGS).map(({ column }) => column);
  const [contacts, profiles] = await Promise.all([
    systems.contacts.all(['contactid', ...columns]),
    systems.profiles.all(),
  ]);
  const byId = new Map(contacts.map((contact) => [String(contact.contactid), contact]));
  return new Map(
    profiles.flatMap((profile) => {
      const contact = byId.get(profile.externalId);
      if (!contact) return [];
      const of = (flag: Flag) => ({
        dynamics: (contact[FLAGS[flag].column] === true) !== FLAGS[flag].inverse,
        campaign: profile[flag] === true,
      });
      const flags = {
        blackListEmail: of('blackListEmail'),
        blackListPhone: of('blackListPhone'),
        blackListFax: of('blackListFax'),
      };
      return [[profile.externalId, flags] as const];
    }),
  );
}

/** Contacts and flags on which the two systems differ. */
export async function differences(systems: Systems): Promise<string[]> {
  return [...(await flagsOfBoth(systems))].flatMap(([id, flags]) =>
    (Object.keys(flags) as Flag[]).flatMap((flag) =>
      flags[flag].dynamics === flags[flag].campaign ? [] : [`${id} ${flag}`],
    ),
  );
}

export async function profileOf(systems: Systems, contactId: string) {
  const found = (await systems.profiles.all()).filter(({ externalId }) => externalId === contactId);
  const [profile] = found;
  if (!profile || found.length > 1) throw new Error(`${found.length} profiles of ${contactId}`);
  return profile;
}

export async function contactOf(systems: Systems, contactId: string): Promise<Record<string, unknown>> {
  const columns = Object.values(FLAGS).map(({ column }) => column);
  const found = (await systems.contacts.all(['contactid', ...columns])).find(
    ({ contactid }) => contactid === contactId,
  );
  if (!found) throw new Error(`no contact ${contactId}`);
  return found;
}
