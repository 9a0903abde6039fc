import { ruleOn, type Direction, type FlagPair, type Rule, type Ruling } from './opt-out-rule.js';

/*
 * The rules of opt-out-rule.ts as a table, worked out by trying every combination: for docs/reference/opt-out-rules.md.
 */

const TOLERANCE_MS = 300_000;
const NOON_MS = Date.UTC(2026, 0, 1, 12);
const atMinute = (minute: number): string => new Date(NOON_MS + minute * 60_000).toISOString();

const policies: [string, Direction, Rule][] = [
  ['bidirectional, three-way', 'bidirectional', 'three-way'],
  ['bidirectional, adobe', 'bidirectional', 'adobe'],
  ['dynamics-to-campaign', 'dynamics-to-campaign', 'three-way'],
  ['campaign-to-dynamics', 'campaign-to-dynamics', 'three-way'],
];
const agreements: [string, boolean | undefined][] = [
  ['none', undefined],
  ['in', false],
  ['out', true],
];
const values: [string, boolean][] = [
  ['in', false],
  ['out', true],
];
/** Minutes after the agreement at which each side was last changed; 0: not since. */
const touches: [string, { dynamics: number; campaign: number | undefined }][] = [
  ['nothing else changed', { dynamics: 0, campaign: 0 }],
  ['only the contact was touched', { dynamics: 30, campaign: 0 }],
  ["only Campaign's stamp changed", { dynamics: 0, campaign: 30 }],
  ['both changed, Dynamics later', { dynamics: 50, campaign: 30 }],
  ['both changed, Campaign later', { dynamics: 30, campaign: 50 }],
  ['both changed, within the tolerance', { dynamics: 32, campaign: 30 }],
  ['no stamp in Campaign, contact untouched', { dynamics: 0, campaign: undefined }],
  ['no stamp in Campaign, contact touched', { dynamics: 30, campaign: undefined }],
];

interface Row {
  policy: string;
  agreed: string;
  dynamics: string;
  campaign: string;
  times: string[];
  holds: string;
  written: string;
  because: string;
}

/** Equal values need no rule and are one row; of the others, times that come to the same are told together. */
function rowsOf(): Row[] {
  return policies.flatMap(([policy, direction, rule]) =>
    agreements.flatMap(([agreed, agreedValue]) =>
      values.flatMap(([dynamics, dynamicsValue]) =>
        values.flatMap(([campaign, campaignValue]) => {
          if (dynamicsValue === campaignValue) return [];
          const rows = new Map<string, Row>();
          for (const [time, touched] of touches) {
            const given = pairOf(agreedValue, dynamicsValue, campaignValue, touched);
            const ruling = ruleOn(given, { direction, rule, toleranceMs: TOLERANCE_MS });
            const told = toldOf(ruling);
            const key = JSON.stringify(told);
            const row = rows.get(key) ?? { policy, agreed, dynamics, campaign, times: [], ...told };
            row.times.push(time);
            rows.set(key, row);
          }
          return [...rows.values()];
        }),
      ),
    ),
  );
}

function pairOf(
  agreed: boolean | undefined,
  dynamics: boolean,
  campaign: boolean,
  touched: { dynamics: number; campaign: number | undefined },
): FlagPair {
  return {
    ...(agreed !== undefined && {
      agreed: {
        optedOut: agreed,
        rowVersion: '1',
        ...(touched.campaign !== undefined && { campaignStamp: atMinute(0) }),
      },
    }),
    dynamics: {
      optedOut: dynamics,
      rowVersion: touched.dynamics === 0 ? '1' : '2',
      changedAt: atMinute(touched.dynamics),
    },
    campaign: {
      optedOut: campaign,
      ...(touched.campaign !== undefined && { stamp: atMinute(touched.campaign) }),
    },
  };
}

const toldOf = ({ optedOut, write, because }: Ruling): Pick<Row, 'holds' | 'written' | 'because'> => ({
  holds: optedOut === undefined ? 'as they are' : optedOut ? 'out' : 'in',
  written: write === undefined ? 'nothing' : write === 'campaign' ? 'Campaign' : 'Dynamics',
  because,
});

const head = ['Direction, rule', 'Agreed', 'Dynamics', 'Campaign', 'Times', 'Holds', 'Written to', 'Because'];

/** The table in markdown. */
export function truthTable(): string {
  const lines = rowsOf().map(({ policy, agreed, dynamics, campaign, times, holds, written, because }) => {
    const when = times.length === touches.length ? 'any' : times.join('; ');
    return `| ${[policy, agreed, dynamics, campaign, when, holds, written, because].join(' | ')} |`;
  });
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---').join('|')}|`, ...lines].join('\n');
}

/** Every combination in which the sides differ, and how many rows of the table it falls under. */
export function combinations(): { name: string; rows: number }[] {
  const rows = rowsOf();
  return policies.flatMap(([policy]) =>
    agreements.flatMap(([agreed]) =>
      values.flatMap(([dynamics]) =>
        values.flatMap(([campaign]) =>
          dynamics === campaign
            ? []
            : touches.map(([time]) => ({
                name: [policy, agreed, dynamics, campaign, time].join(', '),
                rows: rows.filter(
                  (row) =>
                    row.policy === policy &&
                    row.agreed === agreed &&
                    row.dynamics === dynamics &&
                    row.campaign === campaign &&
                    row.times.includes(time),
                ).length,
              })),
        ),
      ),
    ),
  );
}
