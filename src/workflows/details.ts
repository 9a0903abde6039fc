import {
  EGRESS,
  OPT_OUT,
  tableOf,
  type EventCounts,
  type FlowId,
  type OptOutCounts,
  type Progress,
  type RowCounts,
} from '../contracts.js';
import { catalogue, type ErrorCode } from '../errors.js';
import { flowSummary, grouped, waitingText } from './visibility.js';

/*
 * The texts that the Web UI shows with a flow's run, in its markdown (CommonMark with tables, no HTML). Ids, counts, codes and names only
 * (P8), and short: the Web UI hands them to its renderer in an address.
 */

const tableColumns = {
  read: 'read',
  created: 'created',
  updated: 'updated',
  unchanged: 'unchanged',
  filtered: 'filtered',
  deleted: 'deleted',
  parked: 'parked',
  held: 'held',
} as const satisfies Record<keyof RowCounts, string>;
const eventColumns = {
  read: 'read',
  written: 'written',
  duplicates: 'duplicates',
  filtered: 'filtered',
  parked: 'parked',
} as const satisfies Record<keyof EventCounts, string>;
const optOutColumns = {
  read: 'flags read',
  toCampaign: 'to Campaign',
  toDynamics: 'to Dynamics',
  unchanged: 'unchanged',
  parked: 'parked',
} as const satisfies Record<keyof OptOutCounts, string>;

/** What each phase of a feed does. */
const phases: Record<string, string> = {
  survey: 'looking at what Campaign holds',
  full: 'reading everything',
  sweep: 'looking for rows that are gone',
  overlap: 'reading again what changed meanwhile',
  following: 'following changes',
};

/** Current details of a flow's run: outcome, phase, position, counts, backlog and lag, and what a person has to do, if anything. */
export function currentDetails<Counts extends object>(flow: FlowId, progress: Progress<Counts>): string {
  const { outcome, phase, lastErrorCode } = progress;
  const doing = phase === undefined ? '' : `, ${phases[phase] ?? phase}`;
  return [
    `**${flowSummary(flow)}**: ${outcome}${doing}`,
    // What a person has to mend comes first.
    ...(lastErrorCode ? [`**Last error:** \`${lastErrorCode}\`, ${errorText(lastErrorCode)}`] : []),
    markdownTable(countCells(flow, progress)),
    `${positionParts(flow, progress).join(', ')}.`,
    ...notes(flow, progress),
  ].join('\n\n');
}

function countCells<Counts extends object>(flow: FlowId, { counts }: Progress<Counts>): [string, string][] {
  const columns: Record<string, string> =
    flow === EGRESS ? eventColumns : flow === OPT_OUT ? optOutColumns : tableColumns;
  const countOf = new Map<string, unknown>(Object.entries(counts));
  return Object.entries(columns).map(([name, title]) => [title, grouped(Number(countOf.get(name) ?? 0))]);
}

/** What a flow does not know is left out: nobody tells how many events a source still has. */
function positionParts(flow: FlowId, progress: Progress<unknown>): string[] {
  const { phase, position, backlog, lagSeconds } = progress;
  if (phase === undefined) return ['No slice of this run has ended yet'];
  return [
    `Phase \`${phase}\``,
    `page ${grouped(position)}`,
    ...(backlog === undefined ? [] : [`backlog ${grouped(backlog)}${flow === OPT_OUT ? ' contacts' : ''}`]),
    ...(lagSeconds === undefined || flow === EGRESS ? [] : [`lag ${grouped(lagSeconds)} s`]),
  ];
}

function notes(flow: FlowId, progress: Progress<unknown>): string[] {
  const { paused, pending, waiting, parked = 0, held = 0 } = progress;
  return [
    ...(paused ? ['**Paused.** Send the signal `resume` to go on.'] : []),
    ...(pending ? [`**Next:** ${pendingTexts[pending]}.`] : []),
    ...(waiting
      ? [`**Waits** ${waitingText(waiting)}${waiting.until ? `, until ${waiting.until}` : ''}.`]
      : []),
    ...(held > 0
      ? [
          `**Held:** ${grouped(held)} deletions wait for approval. \`npm run starter -- deletions show ${tableOf(flow)}\` shows them.`,
        ]
      : []),
    ...(parked > 0
      ? [
          `**Set aside:** ${grouped(parked)}. \`npm run starter -- parked ${flow}\` tells why, and what to do.`,
        ]
      : []),
  ];
}

const pendingTexts: Record<NonNullable<Progress['pending']>, string> = {
  verify: 'a resync, which reads everything again and writes what differs',
  rewrite: 'a resync, which reads everything again and writes all of it',
  replay: 'the source of events is read again',
  comparison: 'all flags of all contacts are compared once more',
};

/** What the error means and what to do about it, of a code in the catalogue. */
function errorText(code: string): string {
  if (!(code in catalogue)) return 'see docs/reference/errors.md.';
  const { message, next } = catalogue[code as ErrorCode];
  return `${message}. **Next:** ${next}`;
}

/** The Web UI puts the cells of a table side by side without a gap: the first of each line brings its own. */
const CELL_END = '\u00A0\u00A0\u00A0';

/** A line for each, the first as the head: beside each other eight counts do not fit into the Web UI's column. */
function markdownTable(cells: [string, string][]): string {
  const [head = '', ...lines] = cells.map(([title, value]) => `| ${title}${CELL_END} | ${value} |`);
  return [head, '|---|---|', ...lines].join('\n');
}

/** Static details of a flow's run: what can be done with it from the Web UI. */
export function flowDetails(flow: FlowId): string {
  return [
    'One run at a time works under this id. These signals reach it ("Send a Signal"; no input is needed unless named):',
    [
      `- \`resync\`: ${resyncTexts(flow)}`,
      '- `poll`: look once more before it ends',
      '- `pause`, `resume`: hold the flow, let it go on',
    ].join('\n'),
    `The schedule \`${flow}\` starts it. \`npm run starter -- status\` shows all flows.`,
  ].join('\n\n');
}

function resyncTexts(flow: FlowId): string {
  switch (flow) {
    case EGRESS:
      return 'read the source of events again, from the oldest it has, or `{"since": "2026-05-02T08:00:00Z"}`';
    case OPT_OUT:
      return 'compare all flags of all contacts once more';
    default:
      return 'read the table wholly again and write what differs, or with `{"mode": "rewrite"}` everything';
  }
}
