import type { FlagOfProfile, ProfileFlags } from '../campaign/opt-out-source.js';
import type { Agreement, ConsentDecision, FlagOutcome } from '../ledger/consent-store.js';
import { durationMs } from '../mapping/names-schema.js';
import { ruleOn, type FlagPair, type Ruling } from '../mapping/opt-out-rule.js';
import type { OptOutInForce } from '../mapping/opt-out-schema.js';

/*
 * What is to be done for the flags of one contact, and what is recorded of it. Pure.
 */

/** A contact's flags in Dynamics, by their names in Campaign; `true` is opted out. */
export interface DynamicsFlags {
  rowVersion: string;
  /** When the row was last changed, ISO 8601. */
  changedAt: string;
  flags: Record<string, boolean>;
}
export type Agreements = ReadonlyMap<string, Agreement>;

export interface FlagDecision {
  /** Name of the flag in Campaign. */
  flag: string;
  pair: FlagPair;
  ruling: Ruling;
  /** Campaign was not looked at: the pair holds what was agreed on with it. */
  straight: boolean;
}

/** What came of writing a flag. */
export interface WriteResult {
  /** Of what failed. */
  code?: string;
  /** Campaign's clock when it took the write, ISO 8601. */
  at?: string;
  /** The contact's version after the write. */
  rowVersion?: string;
}

export function dynamicsFlags(
  row: Record<string, unknown>,
  rowVersion: string,
  { flags }: OptOutInForce,
): DynamicsFlags {
  return {
    rowVersion,
    changedAt: String(row.modifiedon ?? ''),
    flags: Object.fromEntries(
      flags.map(({ dynamics, campaign, inverse }) => [campaign, (row[dynamics] === true) !== inverse]),
    ),
  };
}

/** Of several profiles with one id: who opted out in any of them has opted out. */
export const flagsOfAll = ([first, ...twins]: ProfileFlags[]): Record<string, FlagOfProfile> =>
  twins.reduce(
    (either, { flags }) =>
      Object.fromEntries(
        Object.entries(either).map(([flag, said]) => [flag, said.optedOut ? said : (flags[flag] ?? said)]),
      ),
    first?.flags ?? {},
  );

/** A time that no stamp of our own write is later than: answers tell their time in seconds. */
export const justAfter = (answeredAt: string): string =>
  new Date(Date.parse(answeredAt) + 1_000).toISOString();

/** A side says something that is not agreed on. */
export const isNews = (told: Record<string, boolean>, agreed: Agreements | undefined): boolean =>
  Object.entries(told).some(([flag, optedOut]) => agreed?.get(flag)?.optedOut !== optedOut);

export function decideFlags(
  optOut: OptOutInForce,
  agreed: Agreements | undefined,
  dynamics: DynamicsFlags,
  campaign: Record<string, FlagOfProfile>,
): FlagDecision[] {
  return optOut.flags.map(({ campaign: flag }) =>
    decided(optOut, flag, agreed?.get(flag), dynamics, campaign[flag] ?? { optedOut: false }, false),
  );
}

/**
 * The decisions that hold whatever Campaign says now: everything is agreed on, and all that is new is an opt-out of Dynamics (DESIGN §9,
 * "writes"). Undefined when Campaign has to be looked at first. The adobe rule compares with Campaign's time.
 */
export function decideStraight(
  optOut: OptOutInForce,
  agreed: Agreements | undefined,
  dynamics: DynamicsFlags,
): FlagDecision[] | undefined {
  const { direction, rule, flags } = optOut;
  if (direction === 'campaign-to-dynamics' || (direction === 'bidirectional' && rule === 'adobe'))
    return undefined;
  const decisions: FlagDecision[] = [];
  for (const { campaign: flag } of flags) {
    const agreement = agreed?.get(flag);
    if (!agreement) return undefined;
    const optedOut = dynamics.flags[flag] === true;
    if (!optedOut && agreement.optedOut) return undefined;
    const { campaignStamp: stamp } = agreement;
    const campaign = { optedOut: agreement.optedOut, ...(stamp !== undefined && { stamp }) };
    decisions.push(decided(optOut, flag, agreement, dynamics, campaign, true));
  }
  return decisions;
}

function decided(
  { direction, rule, clockTolerance }: OptOutInForce,
  flag: string,
  agreed: Agreement | undefined,
  { flags, rowVersion, changedAt }: DynamicsFlags,
  campaign: FlagOfProfile,
  straight: boolean,
): FlagDecision {
  // An opt-out that was agreed on has left its time on the profile: where there is none, another profile has taken its place.
  const isAnother = agreed?.optedOut === true && !campaign.optedOut && campaign.isUntouched === true;
  const pair: FlagPair = {
    ...(agreed && !isAnother && { agreed }),
    dynamics: { optedOut: flags[flag] === true, rowVersion, changedAt },
    campaign,
  };
  const ruling = ruleOn(pair, { direction, rule, toleranceMs: durationMs(clockTolerance) });
  return { flag, pair, ruling, straight };
}

/** What is recorded of a flag; undefined when both sides say what is agreed on already. */
export function outcomeOf(
  contactId: string,
  optOut: OptOutInForce,
  decision: FlagDecision,
  result: WriteResult,
): FlagOutcome | undefined {
  const { flag, pair, ruling } = decision;
  const { agreed } = pair;
  if (ruling.write === undefined && agreed !== undefined && ruling.optedOut === agreed.optedOut)
    return undefined;
  const { code } = result;
  const failed = ruling.write !== undefined && code !== undefined;
  const agreement = failed ? undefined : agreementOf(decision, result);
  return {
    contactId,
    flag,
    outcome: failed ? 'parked' : outcomes[ruling.write ?? 'none'],
    ...(agreement && { agreement }),
    ...(isToLog(decision, agreement) && { decision: evidenceOf(optOut, decision, result, agreement) }),
  };
}

const outcomes = { campaign: 'toCampaign', dynamics: 'toDynamics', none: 'unchanged' } as const;

/** What is written, what changes the agreement, and an opt-out that is met for the first time. */
function isToLog({ pair: { agreed }, ruling }: FlagDecision, agreement: Agreement | undefined): boolean {
  if (ruling.write !== undefined) return true;
  if (!agreement) return false;
  return agreed ? agreed.optedOut !== agreement.optedOut : agreement.optedOut;
}

/** A stamp or a version that our own write has changed is as the write's answer tells, or is learned when it is met. */
function agreementOf({ pair, ruling }: FlagDecision, result: WriteResult): Agreement | undefined {
  const { optedOut, write } = ruling;
  if (optedOut === undefined) return undefined;
  const campaignStamp = write === 'campaign' ? result.at : pair.campaign.stamp;
  const rowVersion = write === 'dynamics' ? result.rowVersion : pair.dynamics.rowVersion;
  return {
    optedOut,
    ...(campaignStamp !== undefined && { campaignStamp }),
    ...(rowVersion !== undefined && { rowVersion }),
  };
}

function evidenceOf(
  { direction, rule }: OptOutInForce,
  { pair: { agreed, dynamics, campaign }, ruling, straight }: FlagDecision,
  { code }: WriteResult,
  agreement: Agreement | undefined,
): ConsentDecision {
  return {
    dynamics: dynamics.optedOut,
    dynamicsAt: dynamics.changedAt,
    ...(!straight && { campaign: campaign.optedOut }),
    ...(!straight && campaign.stamp !== undefined && { campaignAt: campaign.stamp }),
    ...(agreed && { agreedBefore: agreed.optedOut }),
    ...(agreement && { agreedAfter: agreement.optedOut }),
    rule: direction === 'bidirectional' ? rule : direction,
    winner: winnerOf(ruling),
    because: ruling.because,
    result: ruling.write === undefined ? 'none' : (code ?? 'accepted'),
  };
}

function winnerOf({ write, because }: Ruling): ConsentDecision['winner'] {
  if (write === undefined) return because === 'equal' ? 'both' : 'none';
  return write === 'campaign' ? 'dynamics' : 'campaign';
}
