import type { SandboxContext } from '../../context.js';
import type { Records } from '../records.js';

const COLUMN = 'expirechangetrackingindays';

/**
 * Carries a change of the retention limit into the organisation's row, where clients read it (dataverse.md §3,
 * "Expiry").
 */
export function syncRetention(context: SandboxContext, records: Records): void {
  const applied = context.store.collection<number>('schema/applied-retention');
  const days = context.limits().dynamics.deltaRetentionDays;
  if (applied.get('days') === days) return;
  applied.set('days', days);
  for (const { id } of records.rows('organization')) records.update('organization', id, { [COLUMN]: days });
}
