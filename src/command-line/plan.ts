import type { Client } from '@temporalio/client';
import type { Plan, RowCounts } from '../contracts.js';
import { validDocument } from './apply.js';
import { inspect } from './inspect.js';
import { table as drawn } from './layout.js';

export interface PlanOptions {
  /** A mapping file to plan with instead of the one in force; it is not published. */
  config?: string;
  /** So many rows at most are compared with Campaign, field by field. */
  limit: number;
}

/**
 * What a sync of the table would do now, without a write to either system or to the ledger. An invalid candidate file throws
 * WrongUse with every fault, as apply does.
 */
export async function plan(client: Client, table: string, { config, limit }: PlanOptions): Promise<Plan> {
  const document = config === undefined ? undefined : validDocument(config);
  // A plan may take hours; whether a worker is there to make it shows at once.
  await inspect(client, { kind: 'parked', limit: 1 });
  const request = { kind: 'plan', table, limit, ...(document !== undefined && { document }) } as const;
  return (await inspect(client, request)).plan;
}

const readings: Record<Plan['reading'], string> = {
  first: 'every row, for the first load, and compare it with what Campaign holds',
  verify: 'every row, for a resync, and compare it with what Campaign holds',
  rewrite: 'every row, for a resync, and write it',
  compare: 'every row, and compare it with what Campaign last accepted',
  changes: 'the changes since the last sync, and the parked rows that are due',
  none: 'nothing',
};
const outcomes = ['created', 'updated', 'unchanged', 'filtered', 'deleted', 'parked', 'held'] as const;

export function planText(plan: Plan): string {
  const { counts, calls, parked } = plan;
  return [
    `A sync of ${plan.table} now would read ${readings[plan.reading]}.`,
    '',
    drawn(
      ['', 'rows', 'for example'],
      [['read', counts.read, ''], ...outcomes.map((outcome) => outcomeRow(outcome, plan))],
    ),
    ...(parked.length === 0 ? [] : ['', parkedTable(plan)]),
    ...fieldLines(plan),
    '',
    `Calls: ${calls.dynamics} to Dynamics, ${calls.campaign} to Campaign. Nothing was written.`,
    ...(plan.notes.length > 0 ? ['', ...plan.notes] : []),
  ].join('\n');
}

const outcomeRow = (outcome: keyof RowCounts, { counts, samples }: Plan): (string | number)[] => [
  outcome,
  counts[outcome],
  samples[outcome]?.[0] ?? '',
];

const parkedTable = ({ parked }: Plan): string =>
  drawn(
    ['parked for', 'field', 'rows'],
    parked.map(({ code, field, rows }) => [code, field ?? '', rows]),
  );

function fieldLines({ fields }: Plan): string[] {
  if (fields.of === 0) return [];
  const changed = Object.entries(fields.changed);
  return [
    '',
    `Of ${fields.of} rows to be updated, ${fields.known} were compared with Campaign; ${fields.equal} are there already as they would be sent.`,
    ...(changed.length === 0 ? [] : [drawn(['field changed', 'rows'], changed)]),
  ];
}
