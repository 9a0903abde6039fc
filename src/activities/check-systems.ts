import type { Finding } from '../contracts.js';
import type { CallOptions } from '../http/calls.js';
import { everyMsOf, type SyncConfig } from '../mapping/schema.js';
import type { ActivityDependencies } from './dependencies.js';
import { fault, fine, looked, seenOrFault, warning, type About } from './findings.js';

/** One of the two systems: whether it lets us in, and what was seen of it as a whole. */
export interface CheckedSystem {
  isOpen: boolean;
  findings: Finding[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** Times of both sides are compared: opt-outs by the second, overlaps of reads by minutes. */
const SKEW_TO_KNOW_MS = MINUTE_MS;
const SKEW_TO_MEND_MS = 5 * MINUTE_MS;
/** A weekend without a worker. */
const SHORT_RETENTION_DAYS = 3;

export async function checkDynamics(
  dependencies: ActivityDependencies,
  config: SyncConfig,
  options: CallOptions,
): Promise<CheckedSystem> {
  const { dynamics, clock } = dependencies;
  const account: About = { area: 'account', subject: 'Dynamics' };
  const seen = await seenOrFault(account, () => dynamics.serverTime(options));
  if ('fault' in seen) return { isOpen: false, findings: [seen.fault] };
  const skew = skewFinding('Dynamics', seen.value, clock.nowMs());
  const [pair, retention] = await Promise.all([
    pairFindings(dependencies),
    looked({ area: 'tracking', subject: 'organisation' }, async () => [
      retentionFinding(config, await dynamics.changeTrackingDays(options)),
    ]),
  ]);
  return {
    isOpen: true,
    findings: [fine(account, 'the application user is let in'), skew, ...pair, ...retention],
  };
}

export async function checkCampaign(
  { campaign, clock }: ActivityDependencies,
  options: CallOptions,
): Promise<CheckedSystem> {
  const account: About = { area: 'account', subject: 'Campaign' };
  const seen = await seenOrFault(account, () => campaign.serverTime(options));
  if ('fault' in seen) return { isOpen: false, findings: [seen.fault] };
  return {
    isOpen: true,
    findings: [
      fine(account, 'the token is accepted and its product profile is valid'),
      skewFinding('Campaign', seen.value, clock.nowMs()),
    ],
  };
}

/** What is spent of the day's calls, the check's own included. */
export async function budgetFindings({
  callsToday,
  campaignMaxConcurrent,
}: ActivityDependencies): Promise<Finding[]> {
  const about: About = { area: 'budget', subject: 'calls' };
  return looked(about, async () => {
    const { dynamics, campaign } = await callsToday();
    return [
      fine(
        about,
        `today ${dynamics} to Dynamics and ${campaign} to Campaign; up to ${campaignMaxConcurrent} at once to Campaign`,
      ),
    ];
  });
}

/** A ledger of another pair would stop every flow. */
async function pairFindings({ claimed }: ActivityDependencies): Promise<Finding[]> {
  return looked({ area: 'account', subject: 'ledger' }, async () => {
    await claimed();
    return [];
  });
}

function skewFinding(subject: string, serverTime: string | undefined, nowMs: number): Finding {
  const about: About = { area: 'clock', subject };
  if (serverTime === undefined) return fine(about, 'it does not tell its time');
  const skewMs = Date.parse(serverTime) - nowMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const found = `its clock is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`;
  const next = 'Set the clock of the machine that the worker runs on by NTP.';
  if (Math.abs(skewMs) > SKEW_TO_MEND_MS) return fault(about, found, next);
  return Math.abs(skewMs) > SKEW_TO_KNOW_MS ? warning(about, found, next) : fine(about, found);
}

function retentionFinding({ tables }: SyncConfig, days: number | undefined): Finding {
  const about: About = { area: 'tracking', subject: 'organisation' };
  if (days === undefined) return fine(about, 'it does not say for how long a change token lives');
  const found = `a change token lives ${days} ${days === 1 ? 'day' : 'days'}; after a longer pause a table is read wholly again`;
  const longestMs = Math.max(...tables.map(everyMsOf));
  if (longestMs >= days * DAY_MS)
    return warning(
      about,
      `${found}, and one is looked at no more often than that`,
      'Lower `every` in sync.yaml, or raise expirechangetrackingindays of the organisation.',
    );
  if (days < SHORT_RETENTION_DAYS)
    return warning(about, found, 'Raise expirechangetrackingindays of the organisation.');
  return fine(about, found);
}
