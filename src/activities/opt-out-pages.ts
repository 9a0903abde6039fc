import pMap from 'p-map';
import { flagsOf, modifiedAtOf, type ProfileFlag } from '../campaign/changed-profiles.js';
import type { Address } from '../campaign/client.js';
import type { FlagOfProfile, ProfileFlags } from '../campaign/opt-out-source.js';
import { ingressFlow } from '../contracts.js';
import type { Change, FlagAnswer } from '../dynamics/client.js';
import { FLAG_WRITES_AT_ONCE } from '../dynamics/flags.js';
import { SyncError } from '../errors.js';
import type { CallOptions } from '../http/calls.js';
import type { ConsentPage, DueContact } from '../ledger/consent-store.js';
import { OPT_OUT_TABLE, type OptOutInForce } from '../mapping/opt-out-schema.js';
import type { ActivityDependencies } from './dependencies.js';
import type { TableInForce } from './mappings.js';
import {
  decideFlags,
  decideStraight,
  dynamicsFlags,
  flagsOfAll,
  justAfter,
  outcomeOf,
  type Agreements,
  type DynamicsFlags,
  type FlagDecision,
  type WriteResult,
} from './opt-out-decide.js';

/** What a slice's pages share. */
export interface OptOutContext {
  optOut: OptOutInForce;
  /** The contacts' mapping, which says how profiles are found. */
  contact: TableInForce;
  options: CallOptions;
}

/** A contact whose flags are to be settled, with what has just been read of it. */
export interface Look {
  contactId: string;
  row?: Change & { kind: 'row' };
  /** Its profile in Campaign; several, where they share its key. */
  profiles?: ProfileFlags[];
  /** Campaign may say something new: it is looked at, whatever Dynamics says. */
  asksCampaign?: boolean;
}

export interface Settled {
  page: ConsentPage;
  /** What stopped the page before its end; contacts without an outcome are still to be done. */
  interruption?: SyncError;
}

const CONTACTS_AT_ONCE = 100;

/** Columns of the contact that the flags and the rule need. */
export const flagColumns = ({ flags }: OptOutInForce): string[] => [
  ...new Set([...flags.map(({ dynamics }) => dynamics), 'modifiedon']),
];
export const profileFlags = ({ flags }: OptOutInForce): ProfileFlag[] =>
  flags.map(({ campaign, stamp }) => ({ name: campaign, stamp }));

/** Looks at both sides of contacts, decides each flag, writes what differs, and says what became of it (DESIGN §9). */
export function createOptOutPages(dependencies: ActivityDependencies) {
  const { dynamics, campaign, ledger, settleMs } = dependencies;

  /**
   * A contact whose flags cannot be settled now comes back as due, with a code; what concerns more than one contact interrupts the page.
   * Only contacts whose profile is ours are looked at (P6).
   */
  async function settle(looks: Look[], context: OptOutContext): Promise<Settled> {
    const page: ConsentPage = { outcomes: [], settled: [], due: [] };
    let interruption: SyncError | undefined;
    try {
      const contacts = await withRows(await ofOurs(looks, page), context, page);
      const { toDynamics, failure } = await settleCampaign(contacts, context, page);
      const later = await settleDynamics(toDynamics, context, page);
      if (failure ?? later) throw failure ?? later;
    } catch (error) {
      interruption = error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error });
    }
    return { page, ...(interruption && { interruption }) };
  }

  /** A contact of which an unanswered call may still take effect is left until it cannot any more: it stays due. */
  async function ofOurs(looks: Look[], page: ConsentPage): Promise<Look[]> {
    const ids = looks.map(({ contactId }) => contactId);
    // Before the records: a contact that is called while it is looked at is called of what this look does not see.
    const calls = await ledger.calledContacts(ids);
    page.answered = calls;
    const records = await ledger.records(ingressFlow(OPT_OUT_TABLE), ids);
    return looks.filter(({ contactId }) => {
      const call = calls.get(contactId);
      if (call?.isWaiting && call.code?.endsWith('_UNKNOWN')) return false;
      const record = records.get(contactId);
      if (record?.managed) return true;
      page.settled.push(contactId);
      return false;
    });
  }

  async function withRows(
    looks: Look[],
    { optOut, contact, options }: OptOutContext,
    page: ConsentPage,
  ): Promise<Contact[]> {
    const unread = looks.filter(({ row }) => !row).map(({ contactId }) => contactId);
    const groups = Array.from({ length: Math.ceil(unread.length / CONTACTS_AT_ONCE) }, (_none, index) =>
      unread.slice(index * CONTACTS_AT_ONCE, (index + 1) * CONTACTS_AT_ONCE),
    );
    const rows = new Map<string, Change & { kind: 'row' }>();
    await pMap(
      groups,
      async (ids) => {
        const read = { table: contact.source, select: flagColumns(optOut), ids };
        for (const change of await dynamics.readByIds(read, options))
          if (change.kind === 'row') rows.set(change.id, change);
      },
      { concurrency: dependencies.dynamicsMaxConcurrent },
    );
    const agreements = await ledger.agreements(looks.map(({ contactId }) => contactId));
    return looks.flatMap((look) => {
      const { contactId, profiles = [], asksCampaign = false } = look;
      const row = look.row ?? rows.get(contactId);
      if (!row) {
        page.settled.push(contactId);
        return [];
      }
      const side = dynamicsFlags(row.row, row.version, optOut);
      const agreed = agreements.get(contactId);
      return [{ contactId, dynamics: side, profiles, asksCampaign, agreed }];
    });
  }

  /** Looks at Campaign where that is needed, and writes what is to be written there; opt-outs first. */
  async function settleCampaign(
    contacts: Contact[],
    context: OptOutContext,
    page: ConsentPage,
  ): Promise<{ toDynamics: Decided[]; failure?: SyncError }> {
    const toDynamics: Decided[] = [];
    let failure: SyncError | undefined;
    const isOptingOut = ({ dynamics: { flags } }: Contact): boolean => Object.values(flags).includes(true);
    await pMap(
      contacts.toSorted((one, other) => Number(isOptingOut(other)) - Number(isOptingOut(one))),
      async (contact) => {
        if (failure) return;
        try {
          const decisions = await decide(contact, context);
          if (decisions === 'absent') return void page.settled.push(contact.contactId);
          const result = await writeCampaign(contact, decisions, context);
          if (result === 'absent') return void page.settled.push(contact.contactId);
          const { contactId } = contact;
          const isDoubled = contact.profiles.length > 1;
          const decided = { contactId, decisions, campaign: result, isDoubled };
          if (decisions.some(isWriteTo('dynamics'))) toDynamics.push(decided);
          else record(decided, {}, context, page);
        } catch (error) {
          if (!(error instanceof SyncError) || error.class !== 'park')
            failure ??= error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error });
          else page.due.push({ contactId: contact.contactId, code: error.code });
        }
      },
      { concurrency: dependencies.campaignMaxConcurrent },
    );
    return { toDynamics, ...(failure && { failure }) };
  }

  /** A contact without a profile has nothing to be kept in step: its creation carries the flags. */
  async function decide(
    { contactId, dynamics: side, profiles, asksCampaign, agreed }: Contact,
    { optOut, contact, options }: OptOutContext,
  ): Promise<FlagDecision[] | 'absent'> {
    const listed = profiles.length > 0 ? decideFlags(optOut, agreed, side, flagsOfAll(profiles)) : undefined;
    // What was listed may be one of several profiles, or old by now: an opt-in goes after a fresh look only.
    if (listed && !listed.some(({ ruling }) => ruling.write && !ruling.optedOut)) return listed;
    const straight = listed || asksCampaign ? undefined : decideStraight(optOut, agreed, side);
    if (straight) return straight;
    const found = await campaign.find(contact.resource, addressOf(contact, contactId), options);
    switch (found.kind) {
      case 'found':
        if (profiles.some(isOther(found.record)))
          throw new SyncError('DUPLICATE_IN_CAMPAIGN', { system: 'campaign' });
        return decideFlags(optOut, agreed, side, flagsOf(found.record, profileFlags(optOut)));
      case 'several':
        throw new SyncError('DUPLICATE_IN_CAMPAIGN', { system: 'campaign' });
      case 'absent':
        return 'absent';
    }
  }

  /** A profile that was listed is written to itself: its key may lead to another one. `absent` when there is none to write to. */
  async function writeCampaign(
    { contactId, profiles }: Contact,
    decisions: FlagDecision[],
    context: OptOutContext,
  ): Promise<WriteResult | 'absent'> {
    const byKey = addressOf(context.contact, contactId);
    const targets: Partial<ProfileFlags>[] = profiles.length > 0 ? profiles : [{}];
    const results: (WriteResult | 'absent')[] = [];
    for (const { href, flags } of targets) {
      const isToWrite = targets.length > 1 ? isMissingIn(flags, context.optOut) : isWriteTo('campaign');
      const toWrite = decisions.filter(isToWrite);
      if (toWrite.length === 0) continue;
      const payload = Object.fromEntries(toWrite.map(({ flag, ruling }) => [flag, ruling.optedOut]));
      const address: Address = href === undefined ? byKey : { ...byKey, by: { kind: 'href', href } };
      results.push(await writeProfile(address, payload, context));
    }
    const written = results.filter((result) => result !== 'absent');
    if (results.length > 0 && written.length === 0) return 'absent';
    return written.find(({ code }) => code !== undefined) ?? written.at(-1) ?? {};
  }

  async function writeProfile(
    address: Address,
    payload: object,
    { contact, options }: OptOutContext,
  ): Promise<WriteResult | 'absent'> {
    const answer = await campaign.update(contact.resource, address, payload, options);
    switch (answer.kind) {
      case 'accepted':
        return answer.at === undefined ? {} : { at: justAfter(answer.at) };
      case 'absent':
        return 'absent';
      case 'refused':
        return { code: answer.code };
      case 'several':
      case 'duplicate':
        return { code: 'DUPLICATE_IN_CAMPAIGN' };
      case 'unknown':
        return { code: 'CAMPAIGN_ANSWER_UNKNOWN' };
    }
  }

  /** An opt-out goes whatever the contact is now; an opt-in only if it is still what was looked at. */
  async function settleDynamics(
    decided: Decided[],
    context: OptOutContext,
    page: ConsentPage,
  ): Promise<SyncError | undefined> {
    const { optOut, contact, options } = context;
    for (let start = 0; start < decided.length; start += FLAG_WRITES_AT_ONCE) {
      const chunk = decided.slice(start, start + FLAG_WRITES_AT_ONCE);
      try {
        const writes = chunk.map(({ contactId, decisions }) => {
          const written = decisions.filter(isWriteTo('dynamics'));
          const isOptIn = written.some(({ ruling }) => ruling.optedOut === false);
          const rowVersion = written[0]?.pair.dynamics.rowVersion;
          return {
            id: contactId,
            values: valuesOf(written, optOut),
            ...(isOptIn && rowVersion !== undefined && { ifVersion: rowVersion }),
          };
        });
        const answers = await dynamics.writeFlags(contact.source, writes, options);
        for (const [index, each] of chunk.entries()) answered(each, answers[index], context, page);
      } catch (error) {
        const failure = error instanceof SyncError ? error : new SyncError('INTERNAL', { cause: error });
        // What Campaign has taken by now is recorded; the rest is met as new again.
        for (const each of decided.slice(start)) record(each, { code: failure.code }, context, page);
        return failure;
      }
    }
    return undefined;
  }

  function answered(
    decided: Decided,
    answer: FlagAnswer | undefined,
    context: OptOutContext,
    page: ConsentPage,
  ): void {
    switch (answer?.kind) {
      case 'written':
        return record(decided, answer, context, page);
      case 'gone':
        return void page.settled.push(decided.contactId);
      case 'refused':
        return record(decided, { code: answer.code }, context, page);
      case 'changed':
      case undefined:
        return record(decided, { code: 'CONTACT_CHANGED_MEANWHILE' }, context, page);
    }
  }

  function record(
    { contactId, decisions, campaign: campaignResult, isDoubled }: Decided,
    dynamicsResult: WriteResult,
    { optOut }: OptOutContext,
    page: ConsentPage,
  ): void {
    for (const decision of decisions) {
      const result = decision.ruling.write === 'campaign' ? campaignResult : dynamicsResult;
      const outcome = outcomeOf(contactId, optOut, decision, result);
      if (outcome) page.outcomes.push(outcome);
    }
    const code =
      campaignResult.code ?? dynamicsResult.code ?? (isDoubled ? 'DUPLICATE_IN_CAMPAIGN' : undefined);
    if (code === undefined) page.settled.push(contactId);
    else page.due.push(dueWith(contactId, code));
  }

  const dueWith = (contactId: string, code: string): DueContact => ({
    contactId,
    code,
    ...(code.endsWith('_UNKNOWN') && { notBeforeMs: settleMs }),
  });

  return { settle };
}

interface Contact {
  contactId: string;
  dynamics: DynamicsFlags;
  profiles: ProfileFlags[];
  asksCampaign: boolean;
  agreed: Agreements | undefined;
}
interface Decided {
  contactId: string;
  decisions: FlagDecision[];
  /** What came of writing to Campaign, if anything was to be written there. */
  campaign: WriteResult;
  isDoubled: boolean;
}

const addressOf = ({ mapping }: TableInForce, key: string): Address => ({
  keyField: mapping.keyField,
  key,
  by: mapping.addressBy,
});

const valuesOf = (written: FlagDecision[], { flags }: OptOutInForce): Record<string, boolean> =>
  Object.fromEntries(
    flags.flatMap(({ campaign, dynamics, inverse }) => {
      const decision = written.find(({ flag }) => flag === campaign);
      return decision ? [[dynamics, (decision.ruling.optedOut === true) !== inverse]] : [];
    }),
  );

/** A record is never older than it was: one that is older than what was listed is another with the same key. */
const isOther =
  (found: Record<string, unknown>) =>
  ({ modifiedAt }: ProfileFlags): boolean => {
    const foundAt = modifiedAtOf(found);
    return modifiedAt !== undefined && foundAt !== undefined && foundAt < modifiedAt;
  };

const isWriteTo =
  (side: 'campaign' | 'dynamics') =>
  ({ ruling }: FlagDecision): boolean =>
    ruling.write === side;

/** Of several profiles with one id, each is given what holds and it does not say: what is to be written, and every opt-out. */
const isMissingIn =
  (flags: Record<string, FlagOfProfile> | undefined, { direction }: OptOutInForce) =>
  ({ flag, ruling: { write, optedOut } }: FlagDecision): boolean => {
    const isToTravel = write === 'campaign' || (optedOut === true && direction !== 'campaign-to-dynamics');
    return isToTravel && flags?.[flag]?.optedOut !== optedOut;
  };
