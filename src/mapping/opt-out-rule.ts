/*
 * Which value of an opt-out flag holds (DESIGN §9). Pure; `true` is always "opted out", whatever the column says.
 */

export type Direction = 'dynamics-to-campaign' | 'campaign-to-dynamics' | 'bidirectional';
export type Rule = 'three-way' | 'adobe';

/** One flag of one contact, as both systems hold it now, and as they last agreed on it. */
export interface FlagPair {
  agreed?: {
    optedOut: boolean;
    /** Campaign's stamp of the flag at that moment or a little later, ISO 8601. */
    campaignStamp?: string;
    /** The contact's row version at that moment. */
    rowVersion?: string;
  };
  dynamics: {
    optedOut: boolean;
    rowVersion: string;
    /** When the contact was last changed, in whatever column, ISO 8601. */
    changedAt: string;
  };
  campaign: {
    optedOut: boolean;
    /** When this flag was last changed, ISO 8601; Campaign keeps none for some flags. */
    stamp?: string;
  };
}

export interface Ruling {
  /** The value that holds; undefined: the two are left as they differ, for nothing has changed that may travel. */
  optedOut?: boolean;
  /** Where it is still to be written. */
  write?: 'dynamics' | 'campaign';
  /** Why. */
  because: Because;
}
export type Because =
  | 'equal'
  | 'no agreement yet: opted-out wins'
  | 'no agreement yet: only an opt-out travels'
  | 'Dynamics changed'
  | 'Campaign changed'
  | 'an opt-in yields to a newer opt-out'
  | 'Campaign is newer'
  | 'Dynamics is newer or equal: opted-out wins'
  | 'changed only where nothing travels from';

/**
 * Decides one flag. Never throws. `toleranceMs`: how far the two clocks may be apart. Source: DESIGN §9; the adobe rule is that of
 * the hosted app (campaign.md §10, "Tie rule").
 */
export function ruleOn(
  pair: FlagPair,
  { direction, rule, toleranceMs }: { direction: Direction; rule: Rule; toleranceMs: number },
): Ruling {
  const { dynamics, campaign } = pair;
  if (dynamics.optedOut === campaign.optedOut) return { optedOut: dynamics.optedOut, because: 'equal' };
  if (direction === 'dynamics-to-campaign') return oneWay(pair, 'dynamics');
  if (direction === 'campaign-to-dynamics') return oneWay(pair, 'campaign');
  return rule === 'adobe' ? byAdobe(pair) : threeWay(pair, toleranceMs);
}

type Side = 'dynamics' | 'campaign';
const other = (side: Side): Side => (side === 'dynamics' ? 'campaign' : 'dynamics');
/** The side's value is to be that of both. */
const wins = (pair: FlagPair, side: Side, because: Because): Ruling => ({
  optedOut: pair[side].optedOut,
  write: other(side),
  because,
});
const optedOutSide = (pair: FlagPair): Side => (pair.dynamics.optedOut ? 'dynamics' : 'campaign');

/** Only what changes at the source travels, and before the first agreement only an opt-out: a default never clears anything. */
function oneWay(pair: FlagPair, source: Side): Ruling {
  const { agreed } = pair;
  const changed: Because = source === 'dynamics' ? 'Dynamics changed' : 'Campaign changed';
  if (agreed)
    return pair[source].optedOut === agreed.optedOut
      ? { because: 'changed only where nothing travels from' }
      : wins(pair, source, changed);
  return pair[source].optedOut
    ? wins(pair, source, 'no agreement yet: only an opt-out travels')
    : { because: 'no agreement yet: only an opt-out travels' };
}

/** Campaign newer → Campaign's value; Dynamics newer or equal → opted-out wins. Without a stamp Campaign is never newer. */
function byAdobe(pair: FlagPair): Ruling {
  const { stamp } = pair.campaign;
  const isNewer = stamp !== undefined && Date.parse(stamp) > Date.parse(pair.dynamics.changedAt);
  return isNewer
    ? wins(pair, 'campaign', 'Campaign is newer')
    : wins(pair, optedOutSide(pair), 'Dynamics is newer or equal: opted-out wins');
}

/** The side that changed wins; an opt-in yields to an opted-out side that may have spoken after it. */
function threeWay(pair: FlagPair, toleranceMs: number): Ruling {
  const { agreed } = pair;
  if (!agreed) return wins(pair, optedOutSide(pair), 'no agreement yet: opted-out wins');
  // The values differ, so that exactly one of them is the agreed one.
  const changed: Side = pair.dynamics.optedOut === agreed.optedOut ? 'campaign' : 'dynamics';
  const because: Because = changed === 'dynamics' ? 'Dynamics changed' : 'Campaign changed';
  if (pair[changed].optedOut) return wins(pair, changed, because);
  const opposite = other(changed);
  return mayHaveSpokenAfter(pair, opposite, toleranceMs)
    ? wins(pair, opposite, 'an opt-in yields to a newer opt-out')
    : wins(pair, changed, because);
}

/**
 * Whether the opted-out side has changed since the agreement, as late as the opt-in or within the tolerance of its clock. A side that
 * has not been touched since has said nothing new. Of Dynamics only the time of the whole record is known.
 */
function mayHaveSpokenAfter(
  { agreed, dynamics, campaign }: FlagPair,
  optedOut: Side,
  toleranceMs: number,
): boolean {
  const dynamicsAt = Date.parse(dynamics.changedAt);
  const campaignAt = campaign.stamp === undefined ? undefined : Date.parse(campaign.stamp);
  if (optedOut === 'campaign') {
    // Without a stamp Campaign is never newer.
    if (campaignAt === undefined) return false;
    if (agreed?.campaignStamp !== undefined && campaignAt <= Date.parse(agreed.campaignStamp)) return false;
    return campaignAt + toleranceMs >= dynamicsAt;
  }
  if (dynamics.rowVersion === agreed?.rowVersion) return false;
  return campaignAt === undefined || dynamicsAt + toleranceMs >= campaignAt;
}
